// The group's function takes its operands from a struct, which each thread fills with what is bound.
#include "gpu/matmul_source.h"

#include "gpu/kernel_writer.h"

namespace metalgrad::gpu {
namespace {

bool isTiles(ProductKind kind) { return kind == ProductKind::tiles32 || kind == ProductKind::tiles64; }
bool isVector(ProductKind kind) { return kind == ProductKind::vectorRows || kind == ProductKind::vectorColumns; }

template <typename Write>
void eachBound(const KernelWriter& writer, Write&& write) {
  for (size_t k = 0; k < writer.uses(); k++) {
    if (writer.isBound(k)) write(k);
  }
}

void addFunction(Text& text, const KernelWriter& writer) {
  text.add("namespace mg {\nstruct Epilogue {\nconstant Constants* constants;\n");
  eachBound(writer, [&](size_t k) { text.add(writer.pointer(k), ";\n"); });
  text.add(
      "};\n\ntemplate <typename Value>\ninline void put(thread const Epilogue& to, thread const ProductPlace& place, ",
      "long row, long column, Value value) {\nconstant Constants& c = *to.constants;\n");
  eachBound(writer, [&](size_t k) { text.add(writer.pointer(k), " = to.a", k, ";\n"); });
  text.add("const long batch = place.batch;\n", epilogueBody(writer), "}\n}\n\n");
}

void addParameters(Text& text, const KernelWriter& writer, ProductKind kind, std::string_view type) {
  size_t index = 0;
  const auto buffer = [&](std::string_view pointer) { text.add(pointer, " [[buffer(", index++, ")]], "); };
  if (kind == ProductKind::parts) {
    buffer("device const float* parts");
  } else {
    Text left, right;
    buffer(left.add("device const ", type, "* left").take());
    buffer(right.add("device const ", type, "* right").take());
  }
  eachBound(writer, [&](size_t k) { buffer(writer.pointer(k)); });
  text.add("constant Arguments& arguments [[buffer(", index, ")]], ");
  text.add("uint3 group [[threadgroup_position_in_grid]], ");
  text.add("uint lane [[", isVector(kind) ? "thread_index_in_simdgroup" : "thread_index_in_threadgroup", "]]");
  if (kind == ProductKind::parts)
    text.add(", uint3 threads [[threads_per_threadgroup]]");
  else if (kind != ProductKind::plain)
    text.add(", uint simdgroup [[simdgroup_index_in_threadgroup]]");
}

void addBody(Text& text, const KernelWriter& writer, ProductKind kind, std::string_view type) {
  const std::string_view side = kind == ProductKind::tiles64 ? "64" : "32";
  if (isTiles(kind)) text.add("threadgroup float memory[mg::ProductTile<", side, ">::kMemory];\n");
  if (kind == ProductKind::vectorColumns) text.add("threadgroup float memory[8 * 32];\n");
  if (kind == ProductKind::plain) {
    text.add("typedef typename mg::Element<", type, ">::Wide Wide;\n");
    text.add("threadgroup Wide memory[16 * 17];\nthreadgroup Wide other[16 * 17];\n");
  }
  text.add("mg::Epilogue to;\nto.constants = &arguments.epilogue;\n");
  eachBound(writer, [&](size_t k) { text.add("to.a", k, " = a", k, ";\n"); });
  text.add("constant mg::MatmulParams& p = arguments.product;\n");
  switch (kind) {
    case ProductKind::tiles32:
    case ProductKind::tiles64:
      text.add("mg::makeTile<", type, ", ", side, ">(left, right, to, p, memory, group, lane, simdgroup);\n");
      return;
    case ProductKind::vectorRows:
      text.add("mg::makeRow(left, right, to, p, group, lane, simdgroup);\n");
      return;
    case ProductKind::vectorColumns:
      text.add("mg::makeRows(left, right, to, p, memory, group, lane, simdgroup);\n");
      return;
    case ProductKind::plain:
      text.add("mg::makePlain(left, right, to, p, memory, other, group, lane);\n");
      return;
    case ProductKind::parts:
      text.add("mg::addParts(parts, to, p, long(group.x) * threads.x + lane);\n");
      return;
  }
}

}  // namespace

KernelSource productSource(const KernelStep& epilogue, const Layout& layout, const KernelForm& form, ProductKind kind,
                           std::string_view type) {
  const KernelWriter writer(epilogue, layout, form);
  Text text;
  addHeaders(text, epilogue, form, "#include \"products.h\"\n");
  text.add(writer.constants().text(),
           "\nstruct Arguments {\n  mg::MatmulParams product;\n  Constants epilogue;\n};\n\n");
  addFunction(text, writer);
  text.add("[[kernel, max_total_threads_per_threadgroup(", isTiles(kind) ? "128" : "256", ")]] void ", kKernelFunction,
           "(");
  addParameters(text, writer, kind, type);
  text.add(") {\n");
  addBody(text, writer, kind, type);
  text.add("}\n");
  return {text.take(), writer.constants().bytes(), writer.fields()};
}

}  // namespace metalgrad::gpu
