// Products of a column and a row: nothing is added up, all that takes time is writing the result.
#include "cpu/clones.h"
#include "cpu/matmul_product.h"
#include "cpu/ops/outer.h"
#include "cpu/stream.h"

namespace metalgrad::cpu {
namespace {

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
  if (streamed) {
    streamOuter(a.data, a.rowStride, out.rows, b.data, out.columns, out.data, out.rowStride);
    endStream();
    return true;
  }
  for (int64_t row = 0; row < out.rows; row++) {
    scale(b.data, a.data[row * a.rowStride], out.columns, out.data + row * out.rowStride);
  }
  return true;
}

}  // namespace metalgrad::cpu
