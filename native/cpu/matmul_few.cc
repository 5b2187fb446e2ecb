// Products with few rows or columns: the other operand is read once, row by row as it lies in memory.
#include <algorithm>
#include <optional>

#include "cpu/elements.h"
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

/// The rows of a matrix as vectors of wide numbers, where it lies or as a copy.
template <typename E>
class Packed {
 public:
  using Wide = typename E::Wide;

  explicit Packed(const Matrix<const typename E::Stored>& matrix)
      : copied_(kNarrow<E> || (matrix.columns > 1 && matrix.columnStride != 1)),
        scratch_(copied_ ? static_cast<size_t>(matrix.rows * matrix.columns) : 0) {
    if constexpr (!kNarrow<E>) vectors_ = {matrix.data, matrix.rowStride};
    if (!copied_) return;
    vectors_ = {scratch_.data(), matrix.columns};
    for (int64_t row = 0; row < matrix.rows; row++) {
      const auto* from = matrix.data + row * matrix.rowStride;
      loadRun<E>(from, matrix.columnStride, scratch_.data() + row * matrix.columns, matrix.columns);
    }
  }

  const Vectors<const Wide>& vectors() const { return vectors_; }

 private:
  bool copied_;
  Scratch<Wide> scratch_;
  Vectors<const Wide> vectors_{};
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
template <typename E>
void multiplyRows(Dtype dtype, bool added, const Matrix<const typename E::Stored>& a,
                  const Matrix<const typename E::Stored>& b, const Matrix<typename E::Stored>& out) {
  using Wide = typename E::Wide;
  const MatvecFns<Wide>& fns = *matvecFns<Wide>(dtype);
  const Packed<E> packed(a);
  const bool contiguous = out.columns == 1 || out.columnStride == 1;
  if constexpr (!kNarrow<E>) {
    if (contiguous) {
      multiplyVectors(fns, added, packed.vectors(), out.rows, b, Vectors<Wide>{out.data, out.rowStride});
      return;
    }
  }
  Scratch<Wide> sums(static_cast<size_t>(out.rows * out.columns));
  multiplyVectors(fns, added, packed.vectors(), out.rows, b, Vectors<Wide>{sums.data(), out.columns});
  for (int64_t row = 0; row < out.rows; row++) {
    const Wide* from = sums.data() + row * out.columns;
    auto* to = out.data + row * out.rowStride;
    if (contiguous) {
      storeRun<E>(from, to, out.columns);
    } else {
      for (int64_t i = 0; i < out.columns; i++) to[i * out.columnStride] = E::store(from[i]);
    }
  }
}

template <typename E>
void multiplyAs(const FewVectors& few, Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out) {
  using Stored = typename E::Stored;
  const Matrix<const Stored> left = a.as<const Stored>(), right = b.as<const Stored>();
  const Matrix<Stored> result = out.as<Stored>();
  if (few.transposed) {
    return multiplyRows<E>(dtype, few.addsRows, right.transposed(), left.transposed(), result.transposed());
  }
  multiplyRows<E>(dtype, few.addsRows, left, right, result);
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
      return multiplyAs<Plain<double>>(few, dtype, a, b, out);
    case Dtype::float32:
      return multiplyAs<Plain<float>>(few, dtype, a, b, out);
    case Dtype::float16:
      return multiplyAs<Half>(few, dtype, a, b, out);
    default:
      return multiplyAs<Bfloat>(few, dtype, a, b, out);
  }
}

}  // namespace metalgrad::cpu
