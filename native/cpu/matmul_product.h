// One matrix product on one thread: what matmul.cc cuts every step into.
#pragma once

#include <cstddef>
#include <cstdint>

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

  template <typename T>
  Matrix<T> as() const {
    return {reinterpret_cast<T*>(data), rows, columns, rowStride, columnStride};
  }
};

/// Rows and columns of one product are at most this many: matmul.cc cuts larger ones.
constexpr int64_t kLargestSide = int64_t{1} << 30;

/// out = a · b in the dtype's own arithmetic: BLAS for floating dtypes, wrapping for integers, or of ands for bool.
/// float16 and bfloat16 are multiplied and added in float32 and rounded once. `out` shares no memory with a and b.
void multiply(Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out);

/// The parts of it.
void multiplyIntegers(Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out);
void multiplyHalves(Dtype dtype, const Matrix<const uint16_t>& a, const Matrix<const uint16_t>& b,
                    const Matrix<uint16_t>& out);
/// a has one column; false where no side of the result is contiguous. `streamed`: written past the caches.
bool multiplyOuter(const Matrix<const float>& a, const Matrix<const float>& b, const Matrix<float>& out, bool streamed);
/// T is float, double or std::complex<float>. With `accumulate` the product is added to out.
template <typename T>
void multiplyBlas(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out, bool accumulate = false);

}  // namespace metalgrad::cpu
