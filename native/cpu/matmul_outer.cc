// Products of a column and a row: nothing is added up, all that takes time is writing the result.
#include <algorithm>
#include <array>

#include "cpu/clones.h"
#include "cpu/matmul_product.h"
#include "cpu/stream.h"

namespace metalgrad::cpu {
namespace {

/// Numbers that lie in the first cache before they are streamed.
constexpr int64_t kBlock = 2048;

/// A sum of one product, which begins with 0: no result is −0.
METALGRAD_CLONES void scale(const float* row, float factor, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i++) out[i] = factor * row[i] + 0.0f;
}

}  // namespace

bool multiplyOuter(const Matrix<const float>& a, const Matrix<const float>& b, const Matrix<float>& out,
                   bool streamed) {
  if (out.columnStride != 1 || b.columnStride != 1) {
    if (out.rowStride != 1 || a.rowStride != 1) return false;
    return multiplyOuter(b.transposed(), a.transposed(), out.transposed(), streamed);
  }
  for (int64_t row = 0; row < out.rows; row++) {
    const float factor = a.data[row * a.rowStride];
    float* to = out.data + row * out.rowStride;
    if (!streamed) {
      scale(b.data, factor, out.columns, to);
      continue;
    }
    for (int64_t column = 0; column < out.columns; column += kBlock) {
      std::array<float, kBlock> block;
      const int64_t size = std::min(kBlock, out.columns - column);
      scale(b.data + column, factor, size, block.data());
      streamCopy(to + column, block.data(), size * static_cast<int64_t>(sizeof(float)));
    }
  }
  if (streamed) endStream();
  return true;
}

}  // namespace metalgrad::cpu
