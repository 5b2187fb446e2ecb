// The elementwise group that takes the numbers of a matrix product on the GPU.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gpu/matmul_source.h"
#include "gpu/operands.h"
#include "gpu/steps.h"

namespace metalgrad::gpu {

class Epilogue {
 public:
  explicit Epilogue(KernelStep step);

  /// Whether there is room for its operands beside those of the product, and for its constants.
  bool fits(const Limits& limits) const;

  /// The pipeline that makes the product's numbers and computes with them; null with the failure in `outcome`.
  std::shared_ptr<const Pipeline> compile(Pipelines& pipelines, ProductKind kind, std::string_view type,
                                          Outcome& outcome) const;

  /// Adds its operands to those of the product.
  void bind(std::vector<Binding>& bindings, const Run& run) const;
  /// The bytes of the product's and its own constants.
  std::vector<std::byte> constants(const mg::MatmulParams& product, const Run& run) const;

 private:
  const KernelStep step_;
  const Layout layout_;  // of step_, which it points into
  const KernelForm form_;
  KernelFields fields_;
  /// Those that no run changes.
  std::vector<std::byte> bytes_;
};

}  // namespace metalgrad::gpu
