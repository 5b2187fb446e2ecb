// Puts a text together.
#include "gpu/kernel_source.h"

#include "gpu/kernel_writer.h"

namespace metalgrad::gpu {
namespace {

std::string bodyOf(const KernelWriter& writer) {
  switch (writer.form().kind) {
    case KernelForm::Kind::elements:
      return elementsBody(writer);
    case KernelForm::Kind::quads:
      return quadsBody(writer);
    case KernelForm::Kind::combine:
      return combiningBody(writer);
    default:
      return reductionBody(writer);
  }
}

}  // namespace

bool isUndefined(const Instruction& instruction) {
  if (instruction.dtype != Dtype::complex64) return false;
  switch (instruction.op) {
    case ElementwiseOp::erf:
    case ElementwiseOp::erfinv:
    case ElementwiseOp::floorDivide:
    case ElementwiseOp::remainder:
    case ElementwiseOp::arctan2:
      return true;
    default:
      return false;
  }
}

void addHeaders(Text& text, const KernelStep& step, const KernelForm& form, std::string_view more) {
  text.add("#include \"scalars.h\"\n", more);
  if (computesWith(step, Dtype::complex64) && !form.reduces()) text.add("#include \"complex.h\"\n");
  if (form.reduces()) text.add("#include \"accumulators.h\"\n");
  text.add("#pragma metalgrad end_of_headers\n\nusing namespace metal;\n\n");
  text.add("typedef ", form.wide ? "int64_t" : "int", " index_t;\n");
  text.add("typedef ", form.wide ? "uint64_t" : "uint", " count_t;\n\n");
}

KernelSource kernelSource(const KernelStep& step, const Layout& layout, const KernelForm& form) {
  const KernelWriter writer(step, layout, form);
  Text text;
  addHeaders(text, step, form, "");
  text.add(writer.constants().text(), "\nkernel void ", kKernelFunction, "(", writer.parameters(), ") {\n");
  text.add(bodyOf(writer), "}\n");
  return {text.take(), writer.constants().bytes(), writer.fields()};
}

}  // namespace metalgrad::gpu
