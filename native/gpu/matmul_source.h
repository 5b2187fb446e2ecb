// MSL text of a matrix product with an epilogue: what metal/products.h does, with a `put` that computes the group.
#pragma once

#include <string_view>

#include "gpu/kernel_source.h"

namespace metalgrad::gpu {

/// Which threads make the numbers of a product.
enum class ProductKind : uint8_t { tiles32, tiles64, vectorRows, vectorColumns, plain, parts };

/// `type` is that of the operands' elements. Buffers: a and b, or the parts; what the group reads and writes; then
/// mg::MatmulParams with the group's constants behind it.
KernelSource productSource(const KernelStep& epilogue, const Layout& layout, const KernelForm& form, ProductKind kind,
                           std::string_view type);

}  // namespace metalgrad::gpu
