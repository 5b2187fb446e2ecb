// Products of float16 and bfloat16: blocks are widened to float32, multiplied by BLAS, and rounded once at the end.
#include <algorithm>

#include "cpu/half.h"
#include "cpu/matmul_product.h"
#include "cpu/scratch.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kBlock = 512;
/// A product with few rows (or columns) reads the other operand once: its blocks lie along memory and stay in the
/// second cache.
constexpr int64_t kFew = 16, kAlong = 1024, kAcross = 128;

/// The largest block of the operand that has `columns` columns when the other has few rows.
void narrowBlocks(const Matrix<const uint16_t>& operand, int64_t& sumBlock, int64_t& columnBlock) {
  const bool rowMajor = operand.columnStride == 1;
  sumBlock = rowMajor ? kAcross : kAlong;
  columnBlock = rowMajor ? kAlong : kAcross;
}

/// Widens into `to`, contiguous along the axis on which the halves lie closest.
Matrix<const float> widenMatrix(Dtype dtype, const Matrix<const uint16_t>& matrix, float* to) {
  const bool flip = matrix.columnStride != 1 && (matrix.rowStride == 1 || matrix.columns == 1);
  const Matrix<const uint16_t> from = flip ? matrix.transposed() : matrix;
  if (from.columnStride == 1 || from.columns == 1) {
    for (int64_t row = 0; row < from.rows; row++) {
      widen(dtype, from.data + row * from.rowStride, to + row * from.columns, from.columns);
    }
  } else {
    Scratch<uint16_t> line(static_cast<size_t>(from.columns));
    for (int64_t row = 0; row < from.rows; row++) {
      const uint16_t* source = from.data + row * from.rowStride;
      for (int64_t column = 0; column < from.columns; column++) line[column] = source[column * from.columnStride];
      widen(dtype, line.data(), to + row * from.columns, from.columns);
    }
  }
  const Matrix<const float> wide{to, from.rows, from.columns, from.columns, 1};
  return flip ? wide.transposed() : wide;
}

void narrowMatrix(Dtype dtype, const float* from, const Matrix<uint16_t>& out) {
  if (out.columnStride == 1 || out.columns == 1) {
    for (int64_t row = 0; row < out.rows; row++) {
      narrow(dtype, from + row * out.columns, out.data + row * out.rowStride, out.columns);
    }
    return;
  }
  Scratch<uint16_t> line(static_cast<size_t>(out.columns));
  for (int64_t row = 0; row < out.rows; row++) {
    narrow(dtype, from + row * out.columns, line.data(), out.columns);
    uint16_t* target = out.data + row * out.rowStride;
    for (int64_t column = 0; column < out.columns; column++) target[column * out.columnStride] = line[column];
  }
}

}  // namespace

void multiplyHalves(Dtype dtype, const Matrix<const uint16_t>& a, const Matrix<const uint16_t>& b,
                    const Matrix<uint16_t>& out) {
  const int64_t m = out.rows, n = out.columns, k = a.columns;
  int64_t rowBlock = kBlock, columnBlock = kBlock, sumBlock = kBlock;
  if (m <= kFew) {
    narrowBlocks(b, sumBlock, columnBlock);
  } else if (n <= kFew) {
    narrowBlocks(a.transposed(), sumBlock, rowBlock);
  }
  rowBlock = std::min(rowBlock, m);
  columnBlock = std::min(columnBlock, n);
  sumBlock = std::min(sumBlock, k);
  Scratch<float> wideA(static_cast<size_t>(rowBlock * sumBlock)), wideB(static_cast<size_t>(sumBlock * columnBlock)),
      wideOut(static_cast<size_t>(rowBlock * columnBlock));
  for (int64_t column = 0; column < n; column += columnBlock) {
    const int64_t columns = std::min(columnBlock, n - column);
    for (int64_t row = 0; row < m; row += rowBlock) {
      const int64_t rows = std::min(rowBlock, m - row);
      for (int64_t from = 0; from < k; from += sumBlock) {
        const int64_t length = std::min(sumBlock, k - from);
        multiplyBlas(widenMatrix(dtype, a.part(row, rows, from, length), wideA.data()),
                     widenMatrix(dtype, b.part(from, length, column, columns), wideB.data()),
                     Matrix<float>{wideOut.data(), rows, columns, columns, 1}, from > 0);
      }
      narrowMatrix(dtype, wideOut.data(), out.part(row, rows, column, columns));
    }
  }
}

}  // namespace metalgrad::cpu
