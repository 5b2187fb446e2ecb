// Products with quantized matrices, which are decoded block by block into memory that stays in the cache.
//
//   quantizedMatmul   ints: transposed (0 or 1), numbers of a group, bits of a number
//                     x [batch…, m, k], words [batch…, rows, words], scales and biases [batch…, rows, groups] →
//                     [batch…, m, n]; with indices lhs and rhs [picks] batches are one axis each → [picks, m, n]
//
// Products with one matrix, which indices or strides of 0 repeat, become one product with more rows. A few rows are
// multiplied number by number; more by BLAS.
#include "cpu/ops/quantized.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "cpu/elements.h"
#include "cpu/iteration.h"
#include "cpu/matmul_product.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Up to this many rows are multiplied without BLAS: by dot products with rows of the matrix, or by adding up its rows.
constexpr int64_t kFewRows = 4 * kDotRows, kFewSummed = kDotRows;
/// Columns of sums that stay in the first cache.
constexpr int64_t kSummedColumns = 2048;
/// A block of the matrix has at most this many numbers along the sum, and across it.
constexpr int64_t kAlong = 512, kAcross = 512;
/// Rows of x that a decoded block is multiplied with.
constexpr int64_t kRows = 512;
/// Numbers that one task decodes at least, where rows are few.
constexpr int64_t kTaskWork = 1 << 17;

enum { kX, kWords, kScales, kBiases, kLhs, kRhs };

/// A row as doubles.
void decodeWide(const uint32_t* words, const double* scales, const double* biases, int64_t groups, int64_t groupSize,
                int64_t bits, double* to) {
  const uint32_t mask = (1u << bits) - 1;
  for (int64_t i = 0; i < groups * groupSize; i++) {
    const int64_t bit = i * bits, shift = bit % 32;
    uint32_t number = words[bit / 32] >> shift;
    if (shift + bits > 32) number |= words[bit / 32 + 1] << (32 - shift);
    to[i] = scales[i / groupSize] * (number & mask) + biases[i / groupSize];
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Products.

/// One product of the batch: offsets of its operands, and its place in the result.
struct Item {
  int64_t x, words, scales, biases, number;

  bool sameMatrix(const Item& other) const {
    return words == other.words && scales == other.scales && biases == other.biases;
  }
};

/// Items with one matrix, as one product.
struct Group {
  const Item* items;
  int64_t rows;
};

/// A part of a group's result.
struct Task {
  int64_t group, row, rows, column, columns;
};

template <typename E>
class Products {
 public:
  using Stored = typename E::Stored;
  using Wide = typename E::Wide;

  Products(const RoutineStep& step, const Run& run)
      : inputs_(step.inputs),
        run_(run),
        transposed_(step.ints[0] == 1),
        groupSize_(step.ints[1]),
        bits_(step.ints[2]),
        functions_(quantizedFns(bits_)),
        m_(fromLast(inputs_[kX].shape, 2)),
        k_(inputs_[kX].shape.back()),
        n_(step.outputs[0].shape.back()),
        out_(reinterpret_cast<Stored*>(run.at(step.outputs[0].operand))) {
    if (inputs_.size() > kLhs) {
      pickItems();
    } else {
      batchItems();
    }
    const auto key = [](const Item& item) { return std::tie(item.words, item.scales, item.biases, item.number); };
    std::sort(items_.begin(), items_.end(), [&](const Item& a, const Item& b) { return key(a) < key(b); });
    for (size_t i = 0; i < items_.size();) {
      size_t end = i + 1;
      while (end < items_.size() && items_[end].sameMatrix(items_[i])) end++;
      groups_.push_back({&items_[i], static_cast<int64_t>(end - i) * m_});
      i = end;
    }
  }

  void compute() const {
    if (k_ == 0) {
      std::fill_n(out_, static_cast<int64_t>(items_.size()) * m_ * n_, E::store(Wide(0)));
      return;
    }
    const std::vector<Task> tasks = this->tasks();
    run_.pool.parallelFor(static_cast<int64_t>(tasks.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const Task& task = tasks[static_cast<size_t>(i)];
        if (!isFew(groups_[static_cast<size_t>(task.group)])) {
          computeBlocks(task);
        } else if constexpr (std::is_same_v<Wide, float>) {
          transposed_ ? computeDots(task) : computeSums(task);
        }
      }
    });
  }

 private:
  static int64_t fromLast(const std::vector<int64_t>& of, size_t i) { return of[of.size() - i]; }
  int64_t stride(int input, size_t fromEnd) const {
    return fromLast(inputs_[static_cast<size_t>(input)].operand.strides, fromEnd);
  }
  template <typename T>
  const T* data(int input) const {
    return reinterpret_cast<const T*>(run_.at(inputs_[static_cast<size_t>(input)].operand));
  }

  void batchItems() {
    Space<4> space;
    const size_t axes = inputs_[kX].shape.size() - 2;
    for (size_t axis = 0; axis < axes; axis++) {
      const auto along = [&](int input) { return inputs_[static_cast<size_t>(input)].operand.strides[axis]; };
      space.append(inputs_[kX].shape[axis], {along(kX), along(kWords), along(kScales), along(kBiases)});
    }
    const int64_t count = space.size();
    items_.reserve(static_cast<size_t>(count));
    Odometer<4> position(space, 0);
    for (int64_t i = 0; i < count; i++, position.next()) {
      const auto& at = position.offsets;
      items_.push_back({at[0], at[1], at[2], at[3], i});
    }
  }

  void pickItems() {
    const auto *lhs = data<uint32_t>(kLhs), *rhs = data<uint32_t>(kRhs);
    const int64_t count = inputs_[kLhs].shape[0];
    const int64_t lastX = inputs_[kX].shape[0] - 1, lastMatrix = inputs_[kWords].shape[0] - 1;
    items_.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) {
      const int64_t x = std::min<int64_t>(lhs[i * stride(kLhs, 1)], lastX);
      const int64_t matrix = std::min<int64_t>(rhs[i * stride(kRhs, 1)], lastMatrix);
      items_.push_back(
          {x * stride(kX, 3), matrix * stride(kWords, 3), matrix * stride(kScales, 3), matrix * stride(kBiases, 3), i});
    }
  }

  /// The result's columns come in these units: whole groups where they lie along the rows of the matrix.
  int64_t unit() const { return transposed_ ? 1 : groupSize_; }

  int64_t fewRows() const { return std::is_same_v<Wide, double> ? 0 : transposed_ ? kFewRows : kFewSummed; }
  bool isFew(const Group& group) const { return group.rows <= fewRows(); }

  static int64_t roundUp(int64_t size, int64_t unit) { return (std::max<int64_t>(1, size) + unit - 1) / unit * unit; }

  int64_t columnsOfFew() const {
    const int64_t least = kTaskWork / k_;
    if (transposed_) return std::max<int64_t>(1, least);
    return std::min(kSummedColumns, roundUp(std::max(least, n_ / run_.pool.threads()), unit()));
  }

  /// Some tasks for every thread, as large as the cache allows.
  int64_t columnsOfBlock() const {
    return std::min(kAcross, roundUp(n_ / (int64_t{4} * run_.pool.threads()), std::max<int64_t>(32, unit())));
  }

  std::vector<Task> tasks() const {
    std::vector<Task> tasks;
    for (size_t i = 0; i < groups_.size(); i++) {
      const Group& group = groups_[i];
      const int64_t columns = isFew(group) ? columnsOfFew() : columnsOfBlock();
      const int64_t rows = isFew(group) ? fewRows() : kRows;
      for (int64_t row = 0; row < group.rows; row += rows) {
        for (int64_t column = 0; column < n_; column += columns) {
          tasks.push_back(
              {static_cast<int64_t>(i), row, std::min(rows, group.rows - row), column, std::min(columns, n_ - column)});
        }
      }
    }
    return tasks;
  }

  // Rows of x and of the result.

  const Stored* rowOfX(const Group& group, int64_t row) const {
    return data<Stored>(kX) + group.items[row / m_].x + row % m_ * stride(kX, 2);
  }
  Stored* rowOfOut(const Group& group, int64_t row) const {
    return out_ + (group.items[row / m_].number * m_ + row % m_) * n_;
  }

  /// The distance between rows where it is always the same; else 0.
  template <typename RowOf>
  static int64_t regular(int64_t row, int64_t rows, const RowOf& rowOf) {
    if (rows == 1) return 1;
    const int64_t step = rowOf(row + 1) - rowOf(row);
    for (int64_t i = 1; i + 1 < rows; i++) {
      if (rowOf(row + i + 1) - rowOf(row + i) != step) return 0;
    }
    return step;
  }

  /// Columns of the task's rows of x: where they are, if they may have any strides and do not need widening, or packed
  /// into `room`.
  Matrix<const Wide> packX(const Task& task, int64_t from, int64_t count, bool anyStrides, Wide* room) const {
    const Group& group = groups_[static_cast<size_t>(task.group)];
    const int64_t along = stride(kX, 1);
    if constexpr (!kNarrow<E>) {
      const int64_t step = regular(task.row, task.rows, [&](int64_t row) { return rowOfX(group, row); });
      if (step != 0 && (along == 1 || anyStrides)) {
        return {rowOfX(group, task.row) + from * along, task.rows, count, step, along};
      }
    }
    for (int64_t row = 0; row < task.rows; row++) {
      const Stored* x = rowOfX(group, task.row + row) + from * along;
      loadRun<E>(x, along, room + row * count, count);
    }
    return {room, task.rows, count, count, 1};
  }

  // Rows of the matrix.

  /// Memory for a row's words and for its scales and biases, where they cannot be read in their place.
  struct RowRoom {
    RowRoom(int64_t words, int64_t groups)
        : words(static_cast<size_t>(words)), numbers(static_cast<size_t>(2 * groups)) {}
    Scratch<uint32_t> words;
    Scratch<Wide> numbers;
  };
  template <typename T>
  struct Row {
    const uint32_t* words;
    const T *scales, *biases;
  };

  /// `groups` groups of a row of the matrix, from `group` on.
  Row<Wide> rowOf(const Item& item, int64_t row, int64_t group, int64_t groups, RowRoom& room) const {
    const int64_t perGroup = groupSize_ * bits_ / 32;
    const int64_t along = stride(kWords, 1);
    const uint32_t* words = data<uint32_t>(kWords) + item.words + row * stride(kWords, 2) + group * perGroup * along;
    if (along != 1) {
      for (int64_t i = 0; i < groups * perGroup; i++) room.words[static_cast<size_t>(i)] = words[i * along];
      words = room.words.data();
    }
    const auto wide = [&](int input, int64_t offset, Wide* to) -> const Wide* {
      const int64_t step = stride(input, 1);
      const Stored* from = data<Stored>(input) + offset + row * stride(input, 2) + group * step;
      if constexpr (!kNarrow<E>) {
        if (step == 1) return from;
      }
      loadRun<E>(from, step, to, groups);
      return to;
    };
    Wide* numbers = room.numbers.data();
    return {words, wide(kScales, item.scales, numbers), wide(kBiases, item.biases, numbers + groups)};
  }

  /// Decodes rows [row, row + rows) of the matrix, numbers [from, from + count), whole groups.
  void decode(const Item& item, int64_t row, int64_t rows, int64_t from, int64_t count, RowRoom& room, Wide* to) const {
    const int64_t groups = count / groupSize_;
    for (int64_t i = 0; i < rows; i++) {
      const Row<Wide> packed = rowOf(item, row + i, from / groupSize_, groups, room);
      if constexpr (std::is_same_v<Wide, float>) {
        functions_.decode({packed.words, packed.scales, packed.biases}, groups, groupSize_, to + i * count);
      } else {
        decodeWide(packed.words, packed.scales, packed.biases, groups, groupSize_, bits_, to + i * count);
      }
    }
  }

  // Tasks.

  void computeDots(const Task& task) const {
    const Group& group = groups_[static_cast<size_t>(task.group)];
    const int64_t groups = k_ / groupSize_;
    Scratch<float> packed(static_cast<size_t>(task.rows * k_));
    RowRoom room(k_ * bits_ / 32, groups);
    const Matrix<const float> x = packX(task, 0, k_, false, packed.data());
    for (int64_t column = task.column; column < task.column + task.columns; column++) {
      const Row<float> row = rowOf(*group.items, column, 0, groups, room);
      for (int64_t first = 0; first < task.rows; first += kDotRows) {
        const int64_t count = std::min(kDotRows, task.rows - first);
        float sums[kDotRows];
        functions_.dot({row.words, row.scales, row.biases}, groups, groupSize_, x.data + first * x.rowStride,
                       x.rowStride, count, sums);
        for (int64_t i = 0; i < count; i++) rowOfOut(group, task.row + first + i)[column] = E::store(sums[i]);
      }
    }
  }

  /// Adds up so many rows of the matrix by themselves as a block has, so that rounding errors stay small.
  void computeSums(const Task& task) const {
    const Group& group = groups_[static_cast<size_t>(task.group)];
    const int64_t groups = task.columns / groupSize_, size = task.rows * task.columns;
    Scratch<float> packed(static_cast<size_t>(task.rows * k_)), sums(static_cast<size_t>(2 * size));
    float *total = sums.data(), *part = total + size;
    RowRoom room(task.columns * bits_ / 32, groups);
    const Matrix<const float> x = packX(task, 0, k_, true, packed.data());
    std::fill_n(total, size, 0.0f);
    for (int64_t from = 0; from < k_; from += kAlong) {
      std::fill_n(part, size, 0.0f);
      for (int64_t k = from; k < std::min(k_, from + kAlong); k++) {
        const Row<float> row = rowOf(*group.items, k, task.column / groupSize_, groups, room);
        float factors[kFewSummed];
        for (int64_t i = 0; i < task.rows; i++) factors[i] = x.data[i * x.rowStride + k * x.columnStride];
        functions_.accumulate({row.words, row.scales, row.biases}, groups, groupSize_, factors, task.rows, part,
                              task.columns);
      }
      for (int64_t i = 0; i < size; i++) total[i] += part[i];
    }
    for (int64_t i = 0; i < task.rows; i++) {
      storeRun<E>(total + i * task.columns, rowOfOut(group, task.row + i) + task.column, task.columns);
    }
  }

  void computeBlocks(const Task& task) const {
    const Group& group = groups_[static_cast<size_t>(task.group)];
    const int64_t along = std::min(kAlong, k_);
    Scratch<Wide> block(static_cast<size_t>(along * task.columns)), packed(static_cast<size_t>(task.rows * along));
    RowRoom room(std::max(along, task.columns) * bits_ / 32, std::max(along, task.columns) / groupSize_);
    const int64_t step = regular(task.row, task.rows, [&](int64_t row) { return rowOfOut(group, row); });
    const bool direct = !kNarrow<E> && step != 0;
    Scratch<Wide> sums(direct ? 0 : static_cast<size_t>(task.rows * task.columns));
    Matrix<Wide> out{sums.data(), task.rows, task.columns, task.columns, 1};
    if constexpr (!kNarrow<E>) {
      if (direct) out = {rowOfOut(group, task.row) + task.column, task.rows, task.columns, step, 1};
    }
    for (int64_t from = 0; from < k_; from += along) {
      const int64_t count = std::min(along, k_ - from);
      const Matrix<const Wide> x = packX(task, from, count, true, packed.data());
      Matrix<const Wide> numbers{block.data(), count, task.columns, task.columns, 1};
      if (transposed_) {
        decode(*group.items, task.column, task.columns, from, count, room, block.data());
        numbers = Matrix<const Wide>{block.data(), task.columns, count, count, 1}.transposed();
      } else {
        decode(*group.items, from, count, task.column, task.columns, room, block.data());
      }
      multiplyBlas(x, numbers, out, from > 0);
    }
    if (direct) return;
    for (int64_t row = 0; row < task.rows; row++) {
      storeRun<E>(out.data + row * task.columns, rowOfOut(group, task.row + row) + task.column, task.columns);
    }
  }

  const std::vector<Array>& inputs_;
  const Run& run_;
  bool transposed_;
  int64_t groupSize_, bits_;
  QuantizedFns functions_;
  int64_t m_, k_, n_;
  Stored* out_;
  std::vector<Item> items_;
  std::vector<Group> groups_;
};

// ---------------------------------------------------------------------------------------------------------------------
// From steps.

std::string checkProducts(const RoutineStep& step) {
  const auto& in = step.inputs;
  if (step.ints.size() != 3 || !step.args.empty() || (in.size() != 4 && in.size() != 6) || step.outputs.size() != 1) {
    return "wrong numbers of integers, arguments or arrays";
  }
  const int64_t groupSize = step.ints[1], bits = step.ints[2];
  const bool sizes = groupSize == 32 || groupSize == 64 || groupSize == 128;
  if (step.ints[0] < 0 || step.ints[0] > 1 || !sizes || !quantizedFns(bits).decode) return "no such product";
  const Array &x = in[kX], &words = in[kWords], &out = step.outputs[0];
  const Dtype dtype = out.operand.dtype;
  if (dtype < Dtype::float16 || dtype > Dtype::float64) return "products are of real floats";
  for (const int input : {kX, kScales, kBiases}) {
    if (in[static_cast<size_t>(input)].operand.dtype != dtype) return "arrays differ in dtype";
  }
  if (words.operand.dtype != Dtype::uint32) return "words are uint32";
  const size_t rank = x.shape.size();
  if (rank < 2) return "matrices have two axes";
  for (const Array* array : {&words, &in[kScales], &in[kBiases], &out}) {
    if (array->shape.size() != rank) return "arrays differ in rank";
  }
  for (const int64_t size : words.shape) {
    // So that numbers and bits can be counted.
    if (size > kLargestSide) return "too large";
  }
  const int64_t rows = words.shape[rank - 2], groups = in[kScales].shape.back(), columns = groups * groupSize;
  if (groups > kLargestSide || words.shape.back() * 32 != columns * bits) return "words do not hold the groups";
  const bool transposed = step.ints[0] == 1;
  const bool fits = in[kScales].shape[rank - 2] == rows && in[kBiases].shape == in[kScales].shape &&
                    x.shape[rank - 1] == (transposed ? columns : rows) && out.shape[rank - 2] == x.shape[rank - 2] &&
                    out.shape[rank - 1] == (transposed ? rows : columns);
  if (!fits) return "shapes do not fit";
  if (x.shape[rank - 1] > kLargestSide || out.shape[rank - 1] > kLargestSide) return "too large";
  if (in.size() == 4) {
    for (size_t axis = 0; axis + 2 < rank; axis++) {
      const int64_t size = x.shape[axis];
      if (words.shape[axis] != size || in[kScales].shape[axis] != size || out.shape[axis] != size) {
        return "batches do not fit";
      }
    }
    return {};
  }
  const Array &lhs = in[kLhs], &rhs = in[kRhs];
  if (lhs.operand.dtype != Dtype::uint32 || rhs.operand.dtype != Dtype::uint32) return "indices are uint32";
  if (rank != 3 || lhs.shape.size() != 1 || rhs.shape != lhs.shape || out.shape[0] != lhs.shape[0] ||
      in[kScales].shape[0] != words.shape[0]) {
    return "indices do not fit";
  }
  if (out.shape[0] > 0 && (x.shape[0] == 0 || words.shape[0] == 0)) return "there is nothing to pick";
  return {};
}

void runProducts(const RoutineStep& step, const Run& run) {
  switch (step.outputs[0].operand.dtype) {
    case Dtype::float16:
      return Products<Half>(step, run).compute();
    case Dtype::bfloat16:
      return Products<Bfloat>(step, run).compute();
    case Dtype::float32:
      return Products<Plain<float>>(step, run).compute();
    default:
      return Products<Plain<double>>(step, run).compute();
  }
}

const RoutineRegistration products(Routine::quantizedMatmul, {.check = checkProducts, .run = runProducts});

}  // namespace
}  // namespace metalgrad::cpu
