// One matrix product on one thread: what matmul.cc cuts every step into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "program/opcodes.h"

namespace metalgrad::cpu {

/// A matrix in memory; strides count elements and may be anything.
template <typename T>
struct Matrix {
  T* data;
  int64_t rows, columns;
  int64_t rowStride, columnStride;

  Matrix transposed() const { return {data, columns, rows, columnStride, rowStride}; }

  Matrix part(int64_t row, int64_t rowCount, int64_t column, int64_t columnCount) const {
    return {data + row * rowStride + column * columnStride, rowCount, columnCount, rowStride, columnStride};
  }

  /// Each row is contiguous and starts behind the one before, as BLAS wants it.
  bool rowMajor() const {
    return (columns == 1 || columnStride == 1) && (rows == 1 || (rowStride >= columns && rowStride <= INT32_MAX));
  }
};

/// A matrix whose dtype the caller knows.
struct Untyped {
  std::byte* data;
  int64_t rows, columns;
  int64_t rowStride, columnStride;

  Untyped transposed() const { return {data, columns, rows, columnStride, rowStride}; }

  template <typename T>
  Matrix<T> as() const {
    return {reinterpret_cast<T*>(data), rows, columns, rowStride, columnStride};
  }
};

/// Rows and columns of one product are at most this many: matmul.cc cuts larger ones.
constexpr int64_t kLargestSide = int64_t{1} << 30;

/// How a product with few rows, or few columns, reads the other operand.
struct FewVectors {
  /// Few columns: it is the product of the transposed matrices.
  bool transposed;
  /// The rows of the matrix are contiguous and added up; else its columns are, and multiplied with whole vectors.
  bool addsRows;
};

/// out = a · b in the dtype's own arithmetic: BLAS for floating dtypes, wrapping for integers, or of ands for bool.
/// float16 and bfloat16 are multiplied and added in float32 and rounded once. `out` shares no memory with a and b.
void multiply(Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out);

/// The parts of it.
void multiplyIntegers(Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out);
void multiplyHalves(Dtype dtype, const Matrix<const uint16_t>& a, const Matrix<const uint16_t>& b,
                    const Matrix<uint16_t>& out);
/// a has one column; false where no side of the result is contiguous. `streamed`: written past the caches.
bool multiplyOuter(const Matrix<const float>& a, const Matrix<const float>& b, const Matrix<float>& out, bool streamed);
/// Nothing where the product is not of that kind, or BLAS is faster. Only layouts, sizes and the dtype count.
std::optional<FewVectors> fewVectors(Dtype dtype, const Untyped& a, const Untyped& b);
/// How many vectors are multiplied must not depend on the number of threads, or else their sums would.
void multiplyFew(const FewVectors& few, Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out);
/// T is float, double or std::complex<float>. With `accumulate` the product is added to out.
template <typename T>
void multiplyBlas(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out, bool accumulate = false);

}  // namespace metalgrad::cpu
