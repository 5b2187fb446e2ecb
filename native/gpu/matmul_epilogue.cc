// Its text is written for the kind of kernel that the product takes; its constants are the same in all of them.
#include "gpu/matmul_epilogue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gpu/kernel_bytes.h"
#include "gpu/kernel_writer.h"

namespace metalgrad::gpu {
namespace {

/// Both compilers put the constants right behind the parameters, at a multiple of 8, and round the whole up to one.
static_assert(sizeof(mg::MatmulParams) % 8 == 0);
constexpr size_t roundUp(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

bool isBound(const Use& use) { return use.role != Role::position && use.role != Role::product; }

}  // namespace

Epilogue::Epilogue(KernelStep step)
    : step_(std::move(step)), layout_(epilogueLayout(step_)), form_(epilogueForm(layout_)) {
  const KernelWriter writer(step_, layout_, form_);
  fields_ = writer.fields();
  bytes_.resize(sizeof(mg::MatmulParams) + roundUp(writer.constants().bytes()));
  writeLayout(std::span(bytes_).subspan(sizeof(mg::MatmulParams)), fields_, layout_, form_.wide);
}

bool Epilogue::fits(const Limits& limits) const {
  const auto operands = static_cast<size_t>(std::ranges::count_if(layout_.uses, isBound));
  return operands + 3 <= limits.maxBuffers && bytes_.size() <= limits.maxInlineBytes;
}

std::shared_ptr<const Pipeline> Epilogue::compile(Pipelines& pipelines, ProductKind kind, std::string_view type,
                                                  Outcome& outcome) const {
  const KernelSource source = productSource(step_, layout_, form_, kind, type);
  return pipelines.get(source.text, kKernelFunction, {}, outcome);
}

void Epilogue::bind(std::vector<Binding>& bindings, const Run& run) const {
  for (const Use& use : layout_.uses) {
    if (isBound(use)) bindings.push_back(bindingOf(use, run));
  }
}

std::vector<std::byte> Epilogue::constants(const mg::MatmulParams& product, const Run& run) const {
  std::vector<std::byte> bytes = bytes_;
  std::memcpy(bytes.data(), &product, sizeof(product));
  const std::span<std::byte> own = std::span(bytes).subspan(sizeof(product));
  writeOrigins(own, fields_, layout_, run);
  for (const KernelFields::Scalar& scalar : fields_.scalars) writeNumber(own, scalar, run.args[scalar.arg]);
  return bytes;
}

}  // namespace metalgrad::gpu
