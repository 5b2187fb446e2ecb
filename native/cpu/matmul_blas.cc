// Products by BLAS on the calling thread alone: layouts that BLAS takes go in as they are, others are packed first.
#include <algorithm>
#include <complex>
#include <cstring>

#ifdef __APPLE__
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif

#include "cpu/matmul_product.h"
#include "cpu/scratch.h"

namespace metalgrad::cpu {
namespace {

using Complex = std::complex<float>;

/// BLAS counts in int; longer sums are added up in parts.
constexpr int64_t kLongestSum = int64_t{1} << 30;

/// Up to this many rows a product with a large matrix is made of matrix-vector products.
constexpr int64_t kFewRows = 6, kLargeOperand = 1 << 18;
constexpr int64_t kPanelBytes = 1 << 19;

/// The matrix products share the cores through our pool, so BLAS itself must not start or wake threads.
void useOneThread() {
#ifndef __APPLE__
  static const bool once = (openblas_set_num_threads(1), true);
  (void)once;
#endif
}

struct BlasMatrix {
  CBLAS_TRANSPOSE transpose;
  int leading;
};

template <typename T>
BlasMatrix describe(const Matrix<const T>& matrix) {
  if (matrix.rowMajor()) return {CblasNoTrans, static_cast<int>(matrix.rows == 1 ? matrix.columns : matrix.rowStride)};
  return {CblasTrans, static_cast<int>(matrix.columns == 1 ? matrix.rows : matrix.columnStride)};
}

void gemm(BlasMatrix ta, BlasMatrix tb, const Matrix<const float>& a, const Matrix<const float>& b,
          const Matrix<float>& out, int ldc, bool accumulate) {
  cblas_sgemm(CblasRowMajor, ta.transpose, tb.transpose, static_cast<int>(out.rows), static_cast<int>(out.columns),
              static_cast<int>(a.columns), 1.0f, a.data, ta.leading, b.data, tb.leading, accumulate ? 1.0f : 0.0f,
              out.data, ldc);
}

void gemm(BlasMatrix ta, BlasMatrix tb, const Matrix<const double>& a, const Matrix<const double>& b,
          const Matrix<double>& out, int ldc, bool accumulate) {
  cblas_dgemm(CblasRowMajor, ta.transpose, tb.transpose, static_cast<int>(out.rows), static_cast<int>(out.columns),
              static_cast<int>(a.columns), 1.0, a.data, ta.leading, b.data, tb.leading, accumulate ? 1.0 : 0.0,
              out.data, ldc);
}

void gemm(BlasMatrix ta, BlasMatrix tb, const Matrix<const Complex>& a, const Matrix<const Complex>& b,
          const Matrix<Complex>& out, int ldc, bool accumulate) {
  const Complex alpha = 1, beta = accumulate ? 1 : 0;
  cblas_cgemm(CblasRowMajor, ta.transpose, tb.transpose, static_cast<int>(out.rows), static_cast<int>(out.columns),
              static_cast<int>(a.columns), &alpha, a.data, ta.leading, b.data, tb.leading, &beta, out.data, ldc);
}

/// y += op(matrix) · x for the row-major matrix in memory that has `rows` rows.
void gemv(BlasMatrix t, int rows, int columns, const float* matrix, const float* x, int incX, float* y, int incY) {
  cblas_sgemv(CblasRowMajor, t.transpose, rows, columns, 1.0f, matrix, t.leading, x, incX, 1.0f, y, incY);
}

void gemv(BlasMatrix t, int rows, int columns, const double* matrix, const double* x, int incX, double* y, int incY) {
  cblas_dgemv(CblasRowMajor, t.transpose, rows, columns, 1.0, matrix, t.leading, x, incX, 1.0, y, incY);
}

void gemv(BlasMatrix t, int rows, int columns, const Complex* matrix, const Complex* x, int incX, Complex* y,
          int incY) {
  const Complex one = 1;
  cblas_cgemv(CblasRowMajor, t.transpose, rows, columns, &one, matrix, t.leading, x, incX, &one, y, incY);
}

template <typename T>
bool blasReads(const Matrix<const T>& matrix) {
  return matrix.rowMajor() || matrix.transposed().rowMajor();
}

/// A contiguous copy, if BLAS cannot read the matrix where it is.
template <typename T>
class Packed {
 public:
  explicit Packed(const Matrix<const T>& matrix)
      : copied_(!blasReads(matrix)),
        scratch_(copied_ ? static_cast<size_t>(matrix.rows * matrix.columns) : 0),
        matrix_(matrix) {
    if (!copied_) return;
    // Read along the shorter stride.
    const bool flip = std::abs(matrix.rowStride) < std::abs(matrix.columnStride);
    const Matrix<const T> from = flip ? matrix.transposed() : matrix;
    T* to = scratch_.data();
    for (int64_t row = 0; row < from.rows; row++) {
      const T* source = from.data + row * from.rowStride;
      for (int64_t column = 0; column < from.columns; column++) *to++ = source[column * from.columnStride];
    }
    const Matrix<const T> copy{scratch_.data(), from.rows, from.columns, from.columns, 1};
    matrix_ = flip ? copy.transposed() : copy;
  }

  const Matrix<const T>& matrix() const { return matrix_; }

 private:
  bool copied_;
  Scratch<T> scratch_;
  Matrix<const T> matrix_;
};

bool blasStrides(int64_t count, int64_t stride) { return count == 1 || (stride > 0 && stride <= INT32_MAX); }

/// out[0, :] = a[0, :] · b. BLAS adds to y, which is set to zero first: only that is sure to overwrite a NaN.
template <typename T>
void multiplyRow(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out, bool accumulate) {
  const Packed<T> matrix(b);
  const Matrix<const T>& m = matrix.matrix();
  const BlasMatrix kind = describe(m);
  const int n = static_cast<int>(m.columns), k = static_cast<int>(m.rows);
  if (!accumulate) {
    for (int64_t i = 0; i < n; i++) out.data[i * out.columnStride] = T(0);
  }
  const int incX = k == 1 ? 1 : static_cast<int>(a.columnStride),
            incY = n == 1 ? 1 : static_cast<int>(out.columnStride);
  // y = mᵀ · x: the transposed of what is in memory.
  if (kind.transpose == CblasNoTrans) {
    gemv({CblasTrans, kind.leading}, k, n, m.data, a.data, incX, out.data, incY);
  } else {
    gemv({CblasNoTrans, kind.leading}, n, k, m.data, a.data, incX, out.data, incY);
  }
}

/// Row by row over panels of b that stay in the second cache: gemm would copy all of b to use it so little.
template <typename T>
void multiplyFewRows(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out, bool accumulate) {
  const Packed<T> packed(b);
  const int64_t panel = kPanelBytes / static_cast<int64_t>(sizeof(T));
  // Panels lie along the contiguous axis of b.
  const bool rowMajor = packed.matrix().rowMajor();
  const int64_t depth = rowMajor ? std::max<int64_t>(16, panel / out.columns) : a.columns;
  const int64_t width = rowMajor ? out.columns : std::max<int64_t>(16, panel / a.columns);
  for (int64_t from = 0; from < a.columns; from += depth) {
    const int64_t length = std::min(depth, a.columns - from);
    for (int64_t column = 0; column < out.columns; column += width) {
      const int64_t columns = std::min(width, out.columns - column);
      const Matrix<const T> part = packed.matrix().part(from, length, column, columns);
      for (int64_t row = 0; row < out.rows; row++) {
        multiplyRow(a.part(row, 1, from, length), part, out.part(row, 1, column, columns), accumulate || from > 0);
      }
    }
  }
}

template <typename T>
void multiplyPart(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out, bool accumulate) {
  if (out.rows == 1 && blasStrides(a.columns, a.columnStride) && blasStrides(out.columns, out.columnStride)) {
    return multiplyRow(a, b, out, accumulate);
  }
  if (out.columns == 1 && blasStrides(b.rows, b.rowStride) && blasStrides(out.rows, out.rowStride)) {
    return multiplyRow(b.transposed(), a.transposed(), out.transposed(), accumulate);
  }
  if (out.rows <= kFewRows && out.rows > 1 && a.columns * out.columns >= kLargeOperand &&
      blasStrides(a.columns, a.columnStride) && blasStrides(out.columns, out.columnStride)) {
    return multiplyFewRows(a, b, out, accumulate);
  }
  if (out.columns <= kFewRows && out.columns > 1 && b.rows * out.rows >= kLargeOperand &&
      blasStrides(b.rows, b.rowStride) && blasStrides(out.rows, out.rowStride)) {
    return multiplyFewRows(b.transposed(), a.transposed(), out.transposed(), accumulate);
  }
  if (!out.rowMajor() && out.transposed().rowMajor()) {
    return multiplyPart(b.transposed(), a.transposed(), out.transposed(), accumulate);
  }
  if (!out.rowMajor()) {
    Scratch<T> scratch(static_cast<size_t>(out.rows * out.columns));
    multiplyPart(a, b, Matrix<T>{scratch.data(), out.rows, out.columns, out.columns, 1}, false);
    for (int64_t row = 0; row < out.rows; row++) {
      const T* from = scratch.data() + row * out.columns;
      T* to = out.data + row * out.rowStride;
      for (int64_t column = 0; column < out.columns; column++) {
        T& target = to[column * out.columnStride];
        target = accumulate ? target + from[column] : from[column];
      }
    }
    return;
  }
  const Packed<T> packedA(a), packedB(b);
  const int ldc = static_cast<int>(out.rows == 1 ? out.columns : out.rowStride);
  gemm(describe(packedA.matrix()), describe(packedB.matrix()), packedA.matrix(), packedB.matrix(), out, ldc,
       accumulate);
}

}  // namespace

template <typename T>
void multiplyBlas(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out, bool accumulate) {
  useOneThread();
  for (int64_t k = 0; k < a.columns; k += kLongestSum) {
    const int64_t length = std::min(kLongestSum, a.columns - k);
    multiplyPart(a.part(0, a.rows, k, length), b.part(k, length, 0, b.columns), out, accumulate || k > 0);
  }
}

template void multiplyBlas(const Matrix<const float>&, const Matrix<const float>&, const Matrix<float>&, bool);
template void multiplyBlas(const Matrix<const double>&, const Matrix<const double>&, const Matrix<double>&, bool);
template void multiplyBlas(const Matrix<const Complex>&, const Matrix<const Complex>&, const Matrix<Complex>&, bool);

}  // namespace metalgrad::cpu
