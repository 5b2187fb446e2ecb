// Products of integers, wrapping, and of bools (or of ands): a blocked loop that the compiler makes vectors of.
#include <algorithm>
#include <type_traits>

#include "cpu/clones.h"
#include "cpu/matmul_product.h"
#include "cpu/scratch.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kRows = 4, kColumns = 512, kSum = 128;

/// A bool in memory; whatever is not 0 is true.
enum class Bit : uint8_t { no, yes };

/// sums[row][j] += factors[row][i] · lines[i][j], both counted in columns of kColumns. In 64 bits nothing overflows
/// that the narrowing does not cut off; uint16 alone would be multiplied as int.
template <typename T, typename Wide>
[[gnu::always_inline]] inline void addProducts(T* sums, const T* factors, const T* lines, int64_t rows, int64_t length,
                                               int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    T* __restrict sum = sums + row * kColumns;
    for (int64_t i = 0; i < length; i++) {
      const T factor = factors[row * kSum + i];
      const T* __restrict line = lines + i * kColumns;
      for (int64_t j = 0; j < columns; j++) {
        if constexpr (std::is_same_v<T, Bit>) {
          sum[j] = static_cast<Bit>(static_cast<int>(sum[j]) | ((factor != Bit::no) & (line[j] != Bit::no)));
        } else {
          sum[j] = static_cast<T>(static_cast<Wide>(sum[j]) + static_cast<Wide>(factor) * line[j]);
        }
      }
    }
  }
}

METALGRAD_CLONES void addBlock(Bit* sums, const Bit* factors, const Bit* lines, int64_t rows, int64_t length,
                               int64_t columns) {
  addProducts<Bit, int>(sums, factors, lines, rows, length, columns);
}

METALGRAD_CLONES void addBlock(uint8_t* sums, const uint8_t* factors, const uint8_t* lines, int64_t rows,
                               int64_t length, int64_t columns) {
  addProducts<uint8_t, uint32_t>(sums, factors, lines, rows, length, columns);
}

METALGRAD_CLONES void addBlock(uint16_t* sums, const uint16_t* factors, const uint16_t* lines, int64_t rows,
                               int64_t length, int64_t columns) {
  addProducts<uint16_t, uint32_t>(sums, factors, lines, rows, length, columns);
}

METALGRAD_CLONES void addBlock(uint32_t* sums, const uint32_t* factors, const uint32_t* lines, int64_t rows,
                               int64_t length, int64_t columns) {
  addProducts<uint32_t, uint32_t>(sums, factors, lines, rows, length, columns);
}

METALGRAD_CLONES void addBlock(uint64_t* sums, const uint64_t* factors, const uint64_t* lines, int64_t rows,
                               int64_t length, int64_t columns) {
  addProducts<uint64_t, uint64_t>(sums, factors, lines, rows, length, columns);
}

/// T is unsigned: the low bits of sums and products do not depend on the sign.
template <typename T>
void multiplyBlocked(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out) {
  Scratch<T> block(static_cast<size_t>(kSum * kColumns)), sums(static_cast<size_t>(kRows * kColumns)),
      factors(static_cast<size_t>(kRows * kSum));
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
          const T* factor = a.data + (row + r) * a.rowStride + from * a.columnStride;
          for (int64_t i = 0; i < length; i++) factors[r * kSum + i] = factor[i * a.columnStride];
        }
        addBlock(sums.data(), factors.data(), block.data(), rows, length, columns);
        for (int64_t r = 0; r < rows; r++) {
          const T* sum = sums.data() + r * kColumns;
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
