// Products of integers, wrapping, and of bools (or of ands): a blocked loop that the compiler makes vectors of.
#include <algorithm>
#include <cstring>

#include "cpu/matmul_product.h"
#include "cpu/scratch.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kRows = 4, kColumns = 512, kSum = 128;

template <typename T>
void multiplyAdd(T& sum, T a, T b) {
  // In 64 bits nothing overflows that the narrowing does not cut off; uint16 alone would be multiplied as int.
  sum = static_cast<T>(sum + static_cast<uint64_t>(a) * b);
}

template <>
void multiplyAdd(uint32_t& sum, uint32_t a, uint32_t b) {
  sum += a * b;
}

template <>
void multiplyAdd(uint16_t& sum, uint16_t a, uint16_t b) {
  sum = static_cast<uint16_t>(sum + static_cast<uint32_t>(a) * b);
}

template <>
void multiplyAdd(uint8_t& sum, uint8_t a, uint8_t b) {
  sum = static_cast<uint8_t>(sum + a * b);
}

/// A bool in memory; whatever is not 0 is true.
enum class Bit : uint8_t { no, yes };

template <>
void multiplyAdd(Bit& sum, Bit a, Bit b) {
  sum = static_cast<Bit>(static_cast<int>(sum) | ((a != Bit::no) & (b != Bit::no)));
}

/// T is unsigned: the low bits of sums and products do not depend on the sign.
template <typename T>
void multiplyBlocked(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out) {
  Scratch<T> block(static_cast<size_t>(kSum * kColumns)), sums(static_cast<size_t>(kRows * kColumns));
  const int64_t m = out.rows, n = out.columns, k = a.columns;
  for (int64_t column = 0; column < n; column += kColumns) {
    const int64_t columns = std::min(kColumns, n - column);
    for (int64_t from = 0; from < k; from += kSum) {
      const int64_t length = std::min(kSum, k - from);
      for (int64_t i = 0; i < length; i++) {
        const T* source = b.data + (from + i) * b.rowStride + column * b.columnStride;
        for (int64_t j = 0; j < columns; j++) block[i * kColumns + j] = source[j * b.columnStride];
      }
      for (int64_t row = 0; row < m; row += kRows) {
        const int64_t rows = std::min(kRows, m - row);
        for (int64_t r = 0; r < rows; r++) {
          T* sum = sums.data() + r * kColumns;
          const T* target = out.data + (row + r) * out.rowStride + column * out.columnStride;
          for (int64_t j = 0; j < columns; j++) sum[j] = from == 0 ? T(0) : target[j * out.columnStride];
          for (int64_t i = 0; i < length; i++) {
            const T factor = a.data[(row + r) * a.rowStride + (from + i) * a.columnStride];
            const T* line = block.data() + i * kColumns;
            for (int64_t j = 0; j < columns; j++) multiplyAdd(sum[j], factor, line[j]);
          }
          T* store = out.data + (row + r) * out.rowStride + column * out.columnStride;
          for (int64_t j = 0; j < columns; j++) store[j * out.columnStride] = sum[j];
        }
      }
    }
  }
}

template <typename T>
void run(const Untyped& a, const Untyped& b, const Untyped& out) {
  multiplyBlocked<T>(a.as<const T>(), b.as<const T>(), out.as<T>());
}

}  // namespace

void multiplyIntegers(Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out) {
  if (dtype == Dtype::bool_) return run<Bit>(a, b, out);
  switch (itemSize(dtype)) {
    case 1:
      return run<uint8_t>(a, b, out);
    case 2:
      return run<uint16_t>(a, b, out);
    case 4:
      return run<uint32_t>(a, b, out);
    default:
      return run<uint64_t>(a, b, out);
  }
}

}  // namespace metalgrad::cpu
