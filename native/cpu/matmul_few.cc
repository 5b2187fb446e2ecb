// Products with few rows or columns: the other operand is read once, row by row as it lies in memory.
#include <algorithm>
#include <optional>
#include <type_traits>

#include "cpu/half.h"
#include "cpu/matmul_product.h"
#include "cpu/ops/matvec.h"
#include "cpu/scratch.h"

namespace metalgrad::cpu {
namespace {

/// Several vectors are worth it from so many numbers of the matrix on, in rows of at least so many: a product of
/// matrices keeps its sums in registers.
constexpr int64_t kLeastMatrix = 1 << 17, kLeastRow = 64;
/// Shorter columns are left to BLAS, which adds the lanes of several sums up at once; but not those of 16-bit floats,
/// which would be copied for it.
constexpr int64_t kLeastColumn = 256, kLeastHalves = 32;
/// What stays in the second cache until all vectors have been multiplied with it.
constexpr int64_t kPanelBytes = 1 << 18;
/// Panels have a multiple of this many rows, so that rows are taken together in the same way however long they are.
constexpr int64_t kPanelRows = 16;

template <typename T, typename Sum>
Sum widened(Dtype dtype, T value) {
  if constexpr (std::is_same_v<T, Sum>) {
    return value;
  } else {
    return dtype == Dtype::float16 ? halfToFloat(value) : bfloatToFloat(value);
  }
}

template <typename T, typename Sum>
T narrowed(Dtype dtype, Sum value) {
  if constexpr (std::is_same_v<T, Sum>) {
    return value;
  } else {
    return dtype == Dtype::float16 ? floatToHalf(value) : floatToBfloat(value);
  }
}

/// The rows of a matrix as vectors of Sum, where it lies or as a copy.
template <typename T, typename Sum>
class Packed {
 public:
  Packed(Dtype dtype, const Matrix<const T>& matrix)
      : copied_(!std::is_same_v<T, Sum> || (matrix.columns > 1 && matrix.columnStride != 1)),
        scratch_(copied_ ? static_cast<size_t>(matrix.rows * matrix.columns) : 0) {
    if constexpr (std::is_same_v<T, Sum>) vectors_ = {matrix.data, matrix.rowStride};
    if (!copied_) return;
    Sum* to = scratch_.data();
    vectors_ = {to, matrix.columns};
    for (int64_t row = 0; row < matrix.rows; row++) {
      const T* from = matrix.data + row * matrix.rowStride;
      for (int64_t i = 0; i < matrix.columns; i++) *to++ = widened<T, Sum>(dtype, from[i * matrix.columnStride]);
    }
  }

  const Vectors<const Sum>& vectors() const { return vectors_; }

 private:
  bool copied_;
  Scratch<Sum> scratch_;
  Vectors<const Sum> vectors_{};
};

int64_t mostVectors(Dtype dtype) {
  if (const auto* floats = matvecFns<float>(dtype)) return floats->mostVectors;
  const auto* doubles = matvecFns<double>(dtype);
  return doubles ? doubles->mostVectors : 0;
}

/// Whether rows of the matrix are to be added up; nothing where BLAS is to multiply the vectors.
std::optional<bool> addsRows(Dtype dtype, int64_t vectors, const Untyped& matrix) {
  if (vectors > 1 && matrix.columns < kLeastMatrix / matrix.rows) return std::nullopt;
  if (matrix.columnStride == 1 && matrix.columns >= (vectors > 1 ? kLeastRow : 2)) return true;
  const bool halves = dtype == Dtype::float16 || dtype == Dtype::bfloat16;
  if (matrix.rowStride == 1 && matrix.rows >= (halves && vectors == 1 ? kLeastHalves : kLeastColumn)) return false;
  return std::nullopt;
}

/// sums = vectors · matrix
template <typename T, typename Sum>
void multiplyVectors(const MatvecFns<Sum>& fns, bool added, const Vectors<const Sum>& vectors, int64_t count,
                     const Matrix<const T>& matrix, const Vectors<Sum>& sums) {
  for (int64_t v = 0; v < count; v++) std::fill_n(sums.data + v * sums.stride, matrix.columns, Sum(0));
  const Matrix<const T> lines = added ? matrix : matrix.transposed();
  const int64_t bytes = lines.columns * static_cast<int64_t>(sizeof(T)) * kPanelRows;
  const int64_t panel = count <= kMatvecVectors ? lines.rows : std::max<int64_t>(1, kPanelBytes / bytes) * kPanelRows;
  for (int64_t from = 0; from < lines.rows; from += panel) {
    const MatvecRows rows{reinterpret_cast<const std::byte*>(lines.data + from * lines.rowStride),
                          std::min(panel, lines.rows - from), lines.columns, lines.rowStride};
    for (int64_t v = 0; v < count; v += kMatvecVectors) {
      const int64_t some = std::min(kMatvecVectors, count - v);
      const Vectors<const Sum> in{vectors.data + v * vectors.stride + (added ? from : 0), vectors.stride};
      const Vectors<Sum> out{sums.data + v * sums.stride + (added ? 0 : from), sums.stride};
      (added ? fns.combine : fns.dot)(rows, in, some, out);
    }
  }
}

/// a has few rows.
template <typename T, typename Sum>
void multiplyRows(Dtype dtype, bool added, const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out) {
  const MatvecFns<Sum>& fns = *matvecFns<Sum>(dtype);
  const Packed<T, Sum> packed(dtype, a);
  if constexpr (std::is_same_v<T, Sum>) {
    if (out.columns == 1 || out.columnStride == 1) {
      multiplyVectors(fns, added, packed.vectors(), out.rows, b, Vectors<Sum>{out.data, out.rowStride});
      return;
    }
  }
  Scratch<Sum> sums(static_cast<size_t>(out.rows * out.columns));
  multiplyVectors(fns, added, packed.vectors(), out.rows, b, Vectors<Sum>{sums.data(), out.columns});
  const Sum* from = sums.data();
  for (int64_t row = 0; row < out.rows; row++) {
    T* to = out.data + row * out.rowStride;
    for (int64_t i = 0; i < out.columns; i++) to[i * out.columnStride] = narrowed<T, Sum>(dtype, *from++);
  }
}

template <typename T, typename Sum>
void multiplyAs(const FewVectors& few, Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out) {
  const Matrix<const T> left = a.as<const T>(), right = b.as<const T>();
  if (few.transposed) {
    return multiplyRows<T, Sum>(dtype, few.addsRows, right.transposed(), left.transposed(), out.as<T>().transposed());
  }
  multiplyRows<T, Sum>(dtype, few.addsRows, left, right, out.as<T>());
}

}  // namespace

std::optional<FewVectors> fewVectors(Dtype dtype, const Untyped& a, const Untyped& b) {
  const int64_t most = mostVectors(dtype);
  const auto reading = [&](int64_t vectors, const Untyped& matrix) {
    return vectors <= most && matrix.rows > 0 ? addsRows(dtype, vectors, matrix) : std::nullopt;
  };
  const std::optional<bool> byRow = reading(a.rows, b), byColumn = reading(b.columns, a.transposed());
  if (byRow && (a.rows <= b.columns || !byColumn)) return FewVectors{false, *byRow};
  if (byColumn) return FewVectors{true, *byColumn};
  return std::nullopt;
}

void multiplyFew(const FewVectors& few, Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out) {
  switch (dtype) {
    case Dtype::float64:
      return multiplyAs<double, double>(few, dtype, a, b, out);
    case Dtype::float32:
      return multiplyAs<float, float>(few, dtype, a, b, out);
    default:
      return multiplyAs<uint16_t, float>(few, dtype, a, b, out);
  }
}

}  // namespace metalgrad::cpu
