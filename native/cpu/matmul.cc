// The matmul step: batches folded into larger products, products cut into pieces, pieces shared among the threads.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>

#include "cpu/executor.h"
#include "cpu/iteration.h"
#include "cpu/matmul_product.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Less work than this (multiplications) is not worth waking a thread.
constexpr double kSmallWork = 1 << 17;
/// Pieces of one product are about this large, so that packing the operands again for each piece costs little.
constexpr double kPieceWork = 1 << 29;
/// A matrix-vector product reads each number once: what counts is that every thread has some.
constexpr double kRowPieceWork = 1 << 18;
/// Edges between pieces lie on multiples of this, so that BLAS has few ragged tiles.
constexpr int64_t kEdge = 32;
/// Long sums that give few numbers are cut into partial sums of this length, whatever the number of threads.
constexpr int64_t kPartialSum = 1 << 14;
constexpr int64_t kFewOutputs = 1 << 12;

enum { kA, kB, kOut };

/// A step with its batch axes merged or folded into m and n.
struct Products {
  Dtype dtype;
  int64_t m, n, k;
  Untyped a, b, out;  // of the first product
  Space<3> batch;
  /// The result is too large to be in the caches when it is read.
  bool streamed;

  size_t item() const { return itemSize(dtype); }
};

Products simplify(const MatmulStep& step, const Run& run) {
  const size_t axes = step.batch.size();
  const auto matrix = [&](const Operand& operand, int64_t rows, int64_t columns) {
    return Untyped{run.at(operand), rows, columns, operand.strides[axes], operand.strides[axes + 1]};
  };
  Products products{step.dtype,
                    step.m,
                    step.n,
                    step.k,
                    matrix(step.a, step.m, step.k),
                    matrix(step.b, step.k, step.n),
                    matrix(step.out, step.m, step.n),
                    {},
                    false};
  for (size_t i = 0; i < axes; i++) {
    products.batch.append(step.batch[i], {step.a.strides[i], step.b.strides[i], step.out.strides[i]});
  }
  const int64_t bytes = products.batch.size() * step.m * step.n * static_cast<int64_t>(products.item());
  products.streamed = bytes >= kLeastStreamed;
  return products;
}

/// Makes a batch that shares one operand a single product with more rows (or columns), where the strides allow it.
void fold(Products& products) {
  auto& [dtype, m, n, k, a, b, out, batch, streamed] = products;
  while (batch.rank > 0) {
    const int64_t size = batch.shape[batch.rank - 1];
    const auto& stride = batch.strides[batch.rank - 1];
    if (stride[kB] == 0 && (m == 1 || (stride[kA] == m * a.rowStride && stride[kOut] == m * out.rowStride))) {
      if (m == 1) {
        a.rowStride = stride[kA];
        out.rowStride = stride[kOut];
      }
      m *= size;
      a.rows = out.rows = m;
    } else if (stride[kA] == 0 &&
               (n == 1 || (stride[kB] == n * b.columnStride && stride[kOut] == n * out.columnStride))) {
      if (n == 1) {
        b.columnStride = stride[kB];
        out.columnStride = stride[kOut];
      }
      n *= size;
      b.columns = out.columns = n;
    } else {
      return;
    }
    batch.dropLast();
  }
}

void multiplyPiece(const Products& products, const std::array<int64_t, 3>& offsets, int64_t row, int64_t rows,
                   int64_t column, int64_t columns) {
  const auto item = static_cast<int64_t>(products.item());
  Untyped a = products.a, b = products.b, out = products.out;
  a.data += (offsets[kA] + row * a.rowStride) * item;
  b.data += (offsets[kB] + column * b.columnStride) * item;
  out.data += (offsets[kOut] + row * out.rowStride + column * out.columnStride) * item;
  a.rows = out.rows = rows;
  b.columns = out.columns = columns;
  if (products.k == 1 && products.dtype == Dtype::float32 &&
      multiplyOuter(a.as<const float>(), b.as<const float>(), out.as<float>(), products.streamed)) {
    return;
  }
  multiply(products.dtype, a, b, out);
}

/// How one product is cut: into rows × columns pieces of at most this many rows and columns.
struct Cut {
  int64_t rowsEach, columnsEach;
  int64_t rowPieces, columnPieces;
};

int64_t pieceSize(int64_t size, int64_t pieces) {
  const int64_t even = (size + pieces - 1) / pieces;
  const int64_t edge = size >= 4 * kEdge * pieces ? kEdge : 1;
  return std::min((even + edge - 1) / edge * edge, kLargestSide);
}

/// At least `pieces` pieces (or as many as there are numbers) with as little packed twice as possible.
Cut cut(int64_t m, int64_t n, int64_t pieces) {
  int64_t best = 1;
  double least = INFINITY;
  for (int64_t byRow = 1; byRow <= std::min(pieces, m); byRow++) {
    const int64_t byColumn = std::min((pieces + byRow - 1) / byRow, n);
    if (byRow * byColumn < pieces && byRow < m) continue;
    const double packed = static_cast<double>(byRow) * n + static_cast<double>(byColumn) * m;
    if (packed < least) {
      least = packed;
      best = byRow;
    }
  }
  Cut cut;
  cut.rowsEach = pieceSize(m, best);
  cut.columnsEach = pieceSize(n, std::clamp<int64_t>((pieces + best - 1) / best, 1, n));
  cut.rowPieces = (m + cut.rowsEach - 1) / cut.rowsEach;
  cut.columnPieces = (n + cut.columnsEach - 1) / cut.columnsEach;
  return cut;
}

double workOf(const Products& products) {
  const double each = static_cast<double>(products.m) * products.n * products.k;
  return products.dtype == Dtype::complex64 ? 4 * each : each;
}

void runProducts(const Products& products, ThreadPool& pool) {
  const int64_t batch = products.batch.size();
  const double work = workOf(products), total = work * static_cast<double>(batch);
  int64_t pieces = 1;
  const int threads = pool.threads();
  if (threads > 1 && total > kSmallWork && batch < 4 * threads) {
    const bool row = products.m == 1 || products.n == 1;
    const double most = std::max(static_cast<double>(threads), total / (row ? kRowPieceWork : kPieceWork));
    const double tasks = std::min({most, 4.0 * threads, total / kSmallWork});
    pieces = std::max<int64_t>(1, std::llround(std::ceil(tasks / static_cast<double>(batch))));
  }
  const Cut cut = metalgrad::cpu::cut(products.m, products.n, pieces);
  const int64_t each = cut.rowPieces * cut.columnPieces, tasks = batch * each;
  int64_t grain = tasks;
  if (threads > 1 && total > kSmallWork) {
    grain = std::clamp<int64_t>(static_cast<int64_t>(kSmallWork / (total / static_cast<double>(tasks))), 1,
                                std::max<int64_t>(1, tasks / (4 * threads)));
  }
  pool.parallelFor(tasks, grain, [&](int64_t begin, int64_t end) {
    Odometer<3> position(products.batch, begin / each);
    for (int64_t task = begin; task < end; task++) {
      const int64_t piece = task % each;
      const int64_t row = piece / cut.columnPieces * cut.rowsEach;
      const int64_t column = piece % cut.columnPieces * cut.columnsEach;
      multiplyPiece(products, position.offsets, row, std::min(cut.rowsEach, products.m - row), column,
                    std::min(cut.columnsEach, products.n - column));
      if (piece == each - 1) position.next();
    }
  });
}

/// A single product of few numbers, each a long sum: partial sums in parallel, then added in order.
template <typename T>
void runLongSum(const Products& products, ThreadPool& pool) {
  const int64_t m = products.m, n = products.n, k = products.k;
  const int64_t parts = (k + kPartialSum - 1) / kPartialSum;
  const Matrix<const T> a = products.a.as<const T>(), b = products.b.as<const T>();
  const Matrix<T> out = products.out.as<T>();
  Scratch<T> partial(static_cast<size_t>(parts * m * n));
  pool.parallelFor(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      const int64_t from = part * kPartialSum, length = std::min(kPartialSum, k - from);
      multiplyBlas(a.part(0, m, from, length), b.part(from, length, 0, n),
                   Matrix<T>{partial.data() + part * m * n, m, n, n, 1});
    }
  });
  for (int64_t row = 0; row < m; row++) {
    for (int64_t column = 0; column < n; column++) {
      T sum = partial[row * n + column];
      for (int64_t part = 1; part < parts; part++) sum += partial[(part * m + row) * n + column];
      out.data[row * out.rowStride + column * out.columnStride] = sum;
    }
  }
}

void fillZero(const Products& products, ThreadPool& pool) {
  Space<1> space;
  for (int axis = 0; axis < products.batch.rank; axis++) {
    space.append(products.batch.shape[axis], {products.batch.strides[axis][kOut]});
  }
  space.append(products.m, {products.out.rowStride});
  space.append(products.n, {products.out.columnStride});
  const size_t item = products.item();
  pool.parallelFor(space.size(), int64_t{1} << 16, [&](int64_t begin, int64_t end) {
    Odometer<1> position(space, begin);
    for (int64_t i = begin; i < end; i++, position.next()) {
      std::memset(products.out.data + position.offsets[0] * static_cast<int64_t>(item), 0, item);
    }
  });
}

}  // namespace

void multiply(Dtype dtype, const Untyped& a, const Untyped& b, const Untyped& out) {
  switch (dtype) {
    case Dtype::float32:
      return multiplyBlas(a.as<const float>(), b.as<const float>(), out.as<float>());
    case Dtype::float64:
      return multiplyBlas(a.as<const double>(), b.as<const double>(), out.as<double>());
    case Dtype::complex64:
      return multiplyBlas(a.as<const std::complex<float>>(), b.as<const std::complex<float>>(),
                          out.as<std::complex<float>>());
    case Dtype::float16:
    case Dtype::bfloat16:
      return multiplyHalves(dtype, a.as<const uint16_t>(), b.as<const uint16_t>(), out.as<uint16_t>());
    default:
      return multiplyIntegers(dtype, a, b, out);
  }
}

void run(const MatmulStep& step, const Run& run) {
  Products products = simplify(step, run);
  if (products.batch.size() == 0 || products.m == 0 || products.n == 0) return;
  if (products.k == 0) return fillZero(products, run.pool);
  fold(products);
  const bool longSum =
      products.batch.rank == 0 && products.k >= 4 * kPartialSum && products.m <= kFewOutputs / products.n;
  if (longSum && products.dtype == Dtype::float32) return runLongSum<float>(products, run.pool);
  if (longSum && products.dtype == Dtype::float64) return runLongSum<double>(products, run.pool);
  if (longSum && products.dtype == Dtype::complex64) return runLongSum<std::complex<float>>(products, run.pool);
  runProducts(products, run.pool);
}

}  // namespace metalgrad::cpu
