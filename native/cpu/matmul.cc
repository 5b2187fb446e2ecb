// The matmul step: products cut into pieces, pieces shared among the threads, each followed by its epilogue.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <optional>
#include <utility>

#include "cpu/executor.h"
#include "cpu/iteration.h"
#include "cpu/matmul_prepared.h"
#include "cpu/matmul_product.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"
#include "cpu/thread_pool.h"
#include "program/matmul_fold.h"

namespace metalgrad::cpu {
namespace {

/// Less work than this (multiplications) is not worth waking a thread.
constexpr double kSmallWork = 1 << 17;
/// Pieces of one product are about this large, so that packing the operands again for each piece costs little.
constexpr double kPieceWork = int64_t{1} << 31;
/// A matrix-vector product reads each number once: what counts is that every thread has some.
constexpr double kRowPieceWork = 1 << 18;
/// Edges between pieces lie on multiples of this, so that BLAS has few ragged tiles.
constexpr int64_t kEdge = 32;
/// Long sums that give few numbers are cut into partial sums of this length.
constexpr int64_t kPartialSum = 1 << 14;
constexpr int64_t kFewOutputs = 1 << 12;
/// Few vectors times a matrix whose rows are added up are cut into partial sums, too, because rows that lie behind one
/// another are read faster than pieces of them: so long for each vector that adding the parts up costs little, and at
/// least this many numbers of the matrix.
constexpr int64_t kPartialRows = 128, kPartialNumbers = 1 << 18;
/// An instruction of an epilogue takes about as long as this many multiplications.
constexpr double kInstructionWork = 8;
/// What is multiplied before its epilogue is computed: so much stays in the second cache. But each time the other
/// operand is packed again: that costs less than the caches save if there are some times as many rows as numbers in a
/// sum.
constexpr int64_t kBytesAtOnce = 1 << 20, kLeastRows = 256, kRowsForSum = 2;

enum { kA, kB, kOut };

/// The matrices of a step.
struct Products {
  Dtype dtype;
  std::optional<FewVectors> few;
  int64_t m, n, k;
  Untyped a, b, out;  // of the first product
  Space<3> batch;
  /// The result is too large to be in the caches when it is read.
  bool streamed;

  Products(const Matmul& matmul, const Run& run)
      : dtype(matmul.step.dtype), few(matmul.few), m(matmul.step.m), n(matmul.step.n), k(matmul.step.k) {
    const MatmulStep& step = matmul.step;
    const size_t axes = step.batch.size();
    const auto matrix = [&](const Operand& operand, int64_t rows, int64_t columns) {
      return Untyped{run.at(operand), rows, columns, operand.strides[axes], operand.strides[axes + 1]};
    };
    a = matrix(step.a, m, k);
    b = matrix(step.b, k, n);
    // With an epilogue each piece says where it goes.
    if (!matmul.epilogue) out = matrix(step.out, m, n);
    for (size_t i = 0; i < axes; i++) {
      batch.append(step.batch[i], {step.a.strides[i], step.b.strides[i], matmul.epilogue ? 0 : step.out.strides[i]});
    }
    const int64_t bytes = matmul.batch * m * n * static_cast<int64_t>(item());
    streamed = !matmul.epilogue && bytes >= kLeastStreamed;
  }

  size_t item() const { return itemSize(dtype); }
};

void fillZero(const Untyped& out, size_t item) {
  for (int64_t row = 0; row < out.rows; row++) {
    for (int64_t column = 0; column < out.columns; column++) {
      std::memset(out.data + (row * out.rowStride + column * out.columnStride) * static_cast<int64_t>(item), 0, item);
    }
  }
}

void multiplyNumbers(const Products& products, const Untyped& a, const Untyped& b, const Untyped& out) {
  if (products.few) return multiplyFew(*products.few, products.dtype, a, b, out);
  multiply(products.dtype, a, b, out);
}

/// A piece of the product whose operands lie at these offsets, to `out`.
void multiplyPiece(const Products& products, const std::array<int64_t, 3>& offsets, const Piece& piece,
                   const Untyped& out) {
  if (products.k == 0) return fillZero(out, products.item());
  const auto item = static_cast<int64_t>(products.item());
  Untyped a = products.a, b = products.b;
  a.data += (offsets[kA] + piece.row * a.rowStride) * item;
  b.data += (offsets[kB] + piece.column * b.columnStride) * item;
  a.rows = piece.rows;
  b.columns = piece.columns;
  if (products.k == 1 && products.dtype == Dtype::float32 &&
      multiplyOuter(a.as<const float>(), b.as<const float>(), out.as<float>(), products.streamed)) {
    return;
  }
  multiplyNumbers(products, a, b, out);
}

/// The same to where the step's result lies.
void multiplyPiece(const Products& products, const std::array<int64_t, 3>& offsets, const Piece& piece) {
  Untyped out = products.out;
  out.data += (offsets[kOut] + piece.row * out.rowStride + piece.column * out.columnStride) *
              static_cast<int64_t>(products.item());
  out.rows = piece.rows;
  out.columns = piece.columns;
  multiplyPiece(products, offsets, piece, out);
}

int64_t pieceSize(int64_t size, int64_t pieces) {
  const int64_t even = (size + pieces - 1) / pieces;
  const int64_t edge = size >= 4 * kEdge * pieces ? kEdge : 1;
  return std::min((even + edge - 1) / edge * edge, kLargestSide);
}

/// At least `pieces` pieces (or as many as there are numbers) with as little packed twice as possible, and otherwise
/// of as long rows as possible.
Cut cut(int64_t m, int64_t n, int64_t pieces) {
  int64_t best = 1;
  double least = INFINITY;
  for (int64_t byRow = 1; byRow <= std::min(pieces, m); byRow++) {
    const int64_t byColumn = std::min((pieces + byRow - 1) / byRow, n);
    if (byRow * byColumn < pieces && byRow < m) continue;
    const double packed = static_cast<double>(byRow) * n + static_cast<double>(byColumn) * m;
    if (packed <= least) {
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

/// Multiplications of one product, those that its epilogue takes as long as among them.
double workOf(const MatmulStep& step) {
  const double outputs = static_cast<double>(step.m) * static_cast<double>(step.n);
  const double each = outputs * static_cast<double>(step.k) * (step.dtype == Dtype::complex64 ? 4 : 1);
  return step.epilogue ? each + outputs * kInstructionWork * static_cast<double>(step.epilogue->code.size() + 1) : each;
}

/// Some rows of all columns of a task, then the epilogue for them while they are in the caches.
void finishTask(const Matmul& matmul, const Products& products, const Epilogue::Bound& epilogue,
                const std::array<int64_t, 3>& offsets, const Piece& task) {
  Scratch<std::byte> scratch(epilogue.scratchBytes({std::min(matmul.rowsAtOnce, task.rows), task.columns}));
  for (int64_t row = 0; row < task.rows; row += matmul.rowsAtOnce) {
    Piece piece = task;
    piece.row += row;
    piece.rows = std::min(matmul.rowsAtOnce, task.rows - row);
    const Untyped target = epilogue.target(piece, scratch.data());
    multiplyPiece(products, offsets, piece, target);
    epilogue.finish(piece, target);
  }
}

void runProducts(const Matmul& matmul, const Products& products, const Epilogue::Bound* epilogue, ThreadPool& pool) {
  const Cut& cut = matmul.cut;
  const int64_t each = cut.rowPieces * cut.columnPieces;
  pool.parallelFor(matmul.batch * each, matmul.grain, [&](int64_t begin, int64_t end) {
    Odometer<3> position(products.batch, begin / each);
    for (int64_t task = begin; task < end; task++) {
      const int64_t number = task % each;
      const int64_t row = number / cut.columnPieces * cut.rowsEach;
      const int64_t column = number % cut.columnPieces * cut.columnsEach;
      const Piece piece{task / each, row, std::min(cut.rowsEach, products.m - row), column,
                        std::min(cut.columnsEach, products.n - column)};
      if (epilogue)
        finishTask(matmul, products, *epilogue, position.offsets, piece);
      else
        multiplyPiece(products, position.offsets, piece);
      if (number == each - 1) position.next();
    }
  });
}

/// A single product of partial sums: these in parallel, then added in order.
template <typename T>
void runPartialSums(const Matmul& matmul, const Products& products, const Untyped& result, ThreadPool& pool) {
  const int64_t m = products.m, n = products.n, k = products.k, each = matmul.partialSum;
  const int64_t parts = (k + each - 1) / each, size = m * n;
  const auto item = static_cast<int64_t>(sizeof(T));
  Scratch<T> partial(static_cast<size_t>(parts * size));
  T* sums = partial.data();
  pool.parallelFor(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      Untyped a = products.a, b = products.b;
      a.data += part * each * a.columnStride * item;
      b.data += part * each * b.rowStride * item;
      a.columns = b.rows = std::min(each, k - part * each);
      multiplyNumbers(products, a, b, {reinterpret_cast<std::byte*>(sums + part * size), m, n, n, 1});
    }
  });
  const Matrix<T> out = result.as<T>();
  pool.parallelFor(size, static_cast<int64_t>(kSmallWork) / parts, [&](int64_t begin, int64_t end) {
    for (int64_t part = 1; part < parts; part++) {
      for (int64_t i = begin; i < end; i++) sums[i] += sums[part * size + i];
    }
    for (int64_t i = begin; i < end; i++) out.data[i / n * out.rowStride + i % n * out.columnStride] = sums[i];
  });
}

void runPartialSums(const Matmul& matmul, const Products& products, const Untyped& out, ThreadPool& pool) {
  switch (products.dtype) {
    case Dtype::float32:
      return runPartialSums<float>(matmul, products, out, pool);
    case Dtype::float64:
      return runPartialSums<double>(matmul, products, out, pool);
    default:
      return runPartialSums<std::complex<float>>(matmul, products, out, pool);
  }
}

std::optional<FewVectors> fewVectors(const MatmulStep& step) {
  const size_t axes = step.batch.size();
  const auto matrix = [axes](const Operand& operand, int64_t rows, int64_t columns) {
    return Untyped{nullptr, rows, columns, operand.strides[axes], operand.strides[axes + 1]};
  };
  return fewVectors(step.dtype, matrix(step.a, step.m, step.k), matrix(step.b, step.k, step.n));
}

/// The length of the partial sums of a single product, or 0.
int64_t partialSumOf(const MatmulStep& step, const std::optional<FewVectors>& few) {
  if (step.dtype != Dtype::float32 && step.dtype != Dtype::float64 && step.dtype != Dtype::complex64) return 0;
  if (step.k >= 4 * kPartialSum && step.m <= kFewOutputs / step.n) return kPartialSum;
  if (!few || !few->addsRows) return 0;
  const auto [vectors, length] = few->transposed ? std::pair(step.n, step.m) : std::pair(step.m, step.n);
  const int64_t each = std::max(kPartialRows * vectors, kPartialNumbers / length);
  return step.k >= 2 * each ? each : 0;
}

/// Pieces along the longer side alone, which all take every vector.
Cut cutFew(const MatmulStep& step, const FewVectors& few, int64_t pieces) {
  Cut cut = few.transposed ? metalgrad::cpu::cut(step.m, 1, pieces) : metalgrad::cpu::cut(1, step.n, pieces);
  (few.transposed ? cut.columnsEach : cut.rowsEach) = few.transposed ? step.n : step.m;
  return cut;
}

/// The sizes that pieces of a cut have along one axis, when `most` are computed at once.
std::vector<int64_t> sizesOf(int64_t size, int64_t each, int64_t most) {
  std::vector<int64_t> sizes;
  const auto add = [&sizes](int64_t length) {
    if (length > 0 && std::ranges::find(sizes, length) == sizes.end()) sizes.push_back(length);
  };
  for (const int64_t piece : {std::min(each, size), (size - 1) % each + 1}) {
    if (piece >= most) add(most);
    add(piece % most);
  }
  return sizes;
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

Matmul::Matmul(const MatmulStep& unfolded) : step(folded(unfolded)) {
  for (const int64_t size : step.batch) batch *= size;
  few = fewVectors(step);
  if (batch == 1) partialSum = partialSumOf(step, few);
  const double work = workOf(step), total = work * static_cast<double>(batch);
  int64_t pieces = 1;
  const int threads = ThreadPool::shared().threads();
  const bool shared = threads > 1 && total > kSmallWork;
  if (shared && batch < 4 * threads && partialSum == 0) {
    const bool row = few || step.m == 1 || step.n == 1;
    // Without the epilogue, which would make one piece more than there are threads of what is just enough for them.
    const double products = static_cast<double>(step.m) * static_cast<double>(step.n) * static_cast<double>(step.k) *
                            static_cast<double>(batch) * (step.dtype == Dtype::complex64 ? 4 : 1);
    const double most = std::max(static_cast<double>(threads), products / (row ? kRowPieceWork : kPieceWork));
    const double tasks = std::min({most, 4.0 * threads, total / kSmallWork});
    pieces = std::max<int64_t>(1, std::llround(std::ceil(tasks / static_cast<double>(batch))));
  }
  cut = few ? cutFew(step, *few, pieces) : metalgrad::cpu::cut(step.m, step.n, pieces);
  const int64_t tasks = batch * cut.rowPieces * cut.columnPieces;
  grain = tasks;
  if (shared) {
    grain = std::clamp<int64_t>(static_cast<int64_t>(kSmallWork / (total / static_cast<double>(tasks))), 1,
                                std::max<int64_t>(1, tasks / (4 * threads)));
  }
  const int64_t fitting = kBytesAtOnce / (cut.columnsEach * static_cast<int64_t>(itemSize(step.dtype)));
  const int64_t least = std::max(kLeastRows, step.k < kLargestSide ? kRowsForSum * step.k : kLargestSide);
  rowsAtOnce = partialSum > 0 ? step.m : std::clamp(fitting, std::min(least, cut.rowsEach), cut.rowsEach);
}

std::unique_ptr<const Matmul> Matmul::prepare(const MatmulStep& step) {
  std::unique_ptr<Matmul> matmul(new Matmul(step));
  if (!matmul->step.epilogue) return matmul;
  std::vector<Epilogue::Size> sizes;
  for (const int64_t rows : sizesOf(matmul->step.m, matmul->cut.rowsEach, matmul->rowsAtOnce)) {
    for (const int64_t columns : sizesOf(matmul->step.n, matmul->cut.columnsEach, matmul->cut.columnsEach)) {
      sizes.push_back({rows, columns});
    }
  }
  matmul->epilogue = Epilogue::prepare(matmul->step, sizes);
  if (!matmul->epilogue) return nullptr;
  return matmul;
}

void run(const Matmul& matmul, const Run& run) {
  const Products products(matmul, run);
  if (!matmul.epilogue) {
    if (matmul.partialSum > 0) return runPartialSums(matmul, products, products.out, run.pool);
    return runProducts(matmul, products, nullptr, run.pool);
  }
  const Epilogue::Bound epilogue(*matmul.epilogue, run);
  if (matmul.partialSum == 0) return runProducts(matmul, products, &epilogue, run.pool);
  const Piece whole{0, 0, products.m, 0, products.n};
  Scratch<std::byte> scratch(epilogue.scratchBytes({products.m, products.n}));
  const Untyped target = epilogue.target(whole, scratch.data());
  runPartialSums(matmul, products, target, run.pool);
  epilogue.finish(whole, target);
}

}  // namespace metalgrad::cpu
