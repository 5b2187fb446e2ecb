// Rotary positions: pairs of elements turned by angles that grow with the position. Some rows share the cosines and
// sines of their positions, for as many batches as there are.
//
//   rope  ints: dims, traditional, backwards, offsets, freqs (the last four 0 or 1); args: base, scale, offset
//   (doubles)
//         x [lead…, length, width], offsets [lead…], freqs [lead…, dims / 2] → y, like x
//
// Pair i of row l turns by (offset + l) · scale · base^(-2i / dims), or · 1 / freqs[i]. Angles are computed in float64.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "cpu/iteration.h"
#include "cpu/ops/rows.h"
#include "cpu/routines/registry.h"
#include "cpu/routines/row_format.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements that one chunk turns, and angles that are kept at a time.
constexpr int64_t kGrain = 1 << 15, kAngles = 1 << 11;
/// So many batches that share angles cost more than the angles.
constexpr int64_t kBatches = 16;

enum { kDims, kTraditional, kBackwards, kOffsets, kFreqs };
enum { kBase, kScale, kOffset };
/// The arrays of the space of batches.
enum { kX, kOffsetAt, kFreqAt, kOut, kArrays };

/// The operands of a step by name; those that are not there are null.
struct Operands {
  explicit Operands(const RoutineStep& step) : x(&step.inputs[0]) {
    size_t next = 1;
    if (step.ints[kOffsets] == 1) offsets = &step.inputs[next++];
    if (step.ints[kFreqs] == 1) freqs = &step.inputs[next];
  }
  const Array* x;
  const Array* offsets = nullptr;
  const Array* freqs = nullptr;
};

/// Cosines and sines of some rows.
template <typename T>
class Table {
 public:
  Table(int64_t rows, int64_t half) : half_(half), numbers_(static_cast<size_t>(3 * rows * half)) {
    sines_ = numbers_.data() + rows * half;
    angles_ = sines_ + rows * half;
  }

  const T* cosines(int64_t row) { return numbers_.data() + row * half_; }
  const T* sines(int64_t row) { return sines_ + row * half_; }

  /// For rows whose positions begin with `first` and grow by `step`; pair i turns by position · speeds[i].
  void fill(const double* speeds, double first, double step, int64_t rows) {
    Scratch<double> wide(static_cast<size_t>(half_));
    for (int64_t row = 0; row < rows; row++) {
      angles(wide.data(), speeds, first + static_cast<double>(row) * step, half_);
      std::copy_n(wide.data(), half_, angles_ + row * half_);
    }
    constexpr Dtype kType = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;
    elementwise(ElementwiseOp::cos, kType, 0)(numbers_.data(), angles_, nullptr, nullptr, rows * half_);
    elementwise(ElementwiseOp::sin, kType, 0)(sines_, angles_, nullptr, nullptr, rows * half_);
  }

 private:
  int64_t half_;
  Scratch<T> numbers_;
  T *sines_, *angles_;
};

/// What turns a row of T in memory of type `Stored`.
template <typename T, typename Stored>
class Turner {
 public:
  Turner(const RoutineStep& step, const RowFormat<T>& format)
      : format_(format),
        width_(step.outputs[0].shape.back()),
        dims_(step.ints[kDims]),
        stride_(step.inputs[0].operand.strides.back()),
        traditional_(step.ints[kTraditional] == 1) {}

  /// `room` holds two rows.
  void turn(Stored* to, const Stored* from, const T* cosines, const T* sines, T* room) const {
    const T* x = format_.read(reinterpret_cast<const std::byte*>(straight(from, room)), room, width_);
    auto* bytes = reinterpret_cast<std::byte*>(to);
    T* y = format_.place(bytes, room + width_);
    const int64_t half = dims_ / 2;
    if (traditional_) {
      rowFns<T>().turnNeighbours(y, x, cosines, sines, half);
    } else {
      rowFns<T>().turnHalves(y, y + half, x, x + half, cosines, sines, half);
    }
    std::copy(x + dims_, x + width_, y + dims_);
    format_.write(bytes, y, width_);
  }

 private:
  /// The row without gaps: in the second half of the room for 16-bit floats, which are then widened into the first.
  const Stored* straight(const Stored* from, T* room) const {
    if (stride_ == 1) return from;
    auto* packed = reinterpret_cast<Stored*>(room + (sizeof(Stored) < sizeof(T) ? width_ : 0));
    for (int64_t i = 0; i < width_; i++) packed[i] = from[i * stride_];
    return packed;
  }

  const RowFormat<T>& format_;
  int64_t width_, dims_, stride_;
  bool traditional_;
};

template <typename T, typename Stored>
void ropeRows(const RoutineStep& step, const Run& run) {
  const Operands operands(step);
  const Operand& in = operands.x->operand;
  const Operand& out = step.outputs[0].operand;
  const std::vector<int64_t>& shape = step.outputs[0].shape;
  const size_t lead = shape.size() - 2;
  const int64_t length = shape[lead], width = shape[lead + 1], half = step.ints[kDims] / 2;
  Space<kArrays> batches;
  const auto along = [](const Array* array, size_t axis) { return array ? array->operand.strides[axis] : 0; };
  for (size_t axis = 0; axis < lead; axis++) {
    batches.append(shape[axis],
                   {in.strides[axis], along(operands.offsets, axis), along(operands.freqs, axis), out.strides[axis]});
  }
  const auto argument = [&](int which) {
    return std::bit_cast<double>(run.args[step.args[static_cast<size_t>(which)]]);
  };
  const double scale = step.ints[kBackwards] == 1 ? -argument(kScale) : argument(kScale);
  const T* offsets = operands.offsets ? reinterpret_cast<const T*>(run.at(operands.offsets->operand)) : nullptr;
  const T* freqs = operands.freqs ? reinterpret_cast<const T*>(run.at(operands.freqs->operand)) : nullptr;
  const int64_t freqStride = operands.freqs ? operands.freqs->operand.strides.back() : 0;
  const double base = argument(kBase), offset = argument(kOffset);

  const auto* x = reinterpret_cast<const Stored*>(run.at(in));
  auto* y = reinterpret_cast<Stored*>(run.at(out));
  const int64_t count = batches.size();
  const RowFormat<T> format(in.dtype, count * length * width * static_cast<int64_t>(sizeof(Stored)));
  const Turner<T, Stored> turner(step, format);
  // A task is some neighbouring rows of some batches.
  const int64_t rows = std::clamp<int64_t>(kAngles / half, 1, length);
  const int64_t shared = std::clamp<int64_t>(kGrain / (rows * width), std::min(kBatches, count), count);
  const int64_t blocks = (length + rows - 1) / rows, tasks = blocks * ((count + shared - 1) / shared);
  std::vector<double> constant(freqs ? 0 : static_cast<size_t>(half));
  for (size_t i = 0; i < constant.size(); i++)
    constant[i] = std::pow(base, -static_cast<double>(i) / static_cast<double>(half));
  const auto turnBlock = [&](int64_t task, Table<T>& table, double* speeds, T* room) {
    const int64_t first = task % blocks * rows, last = std::min(first + rows, length);
    const int64_t begin = task / blocks * shared, end = std::min(begin + shared, count);
    Odometer<kArrays> at(batches, begin);
    int64_t offsetOf = 0, freqsOf = 0;
    for (int64_t batch = begin; batch < end; batch++, at.next()) {
      const bool others = batch == begin || at.offsets[kFreqAt] != freqsOf;
      for (int64_t i = 0; freqs && others && i < half; i++) {
        speeds[i] = 1 / static_cast<double>(freqs[at.offsets[kFreqAt] + i * freqStride]);
      }
      if (others || at.offsets[kOffsetAt] != offsetOf) {
        const double start = offsets ? static_cast<double>(offsets[at.offsets[kOffsetAt]]) : offset;
        table.fill(freqs ? speeds : constant.data(), (start + static_cast<double>(first)) * scale, scale, last - first);
      }
      freqsOf = at.offsets[kFreqAt];
      offsetOf = at.offsets[kOffsetAt];
      for (int64_t row = first; row < last; row++) {
        turner.turn(y + at.offsets[kOut] + row * out.strides[lead], x + at.offsets[kX] + row * in.strides[lead],
                    table.cosines(row - first), table.sines(row - first), room);
      }
    }
  };
  run.pool.parallelFor(tasks, std::max<int64_t>(1, kGrain / (rows * width * shared)), [&](int64_t begin, int64_t end) {
    Table<T> table(rows, half);
    Scratch<double> speeds(static_cast<size_t>(half));
    Scratch<T> room(static_cast<size_t>(2 * width));
    for (int64_t task = begin; task < end; task++) turnBlock(task, table, speeds.data(), room.data());
    endStream();
  });
}

std::string check(const RoutineStep& step) {
  if (step.ints.size() != 5 || step.args.size() != 3) return "wrong numbers of integers or arguments";
  for (size_t i = kTraditional; i <= kFreqs; i++) {
    if (step.ints[i] != 0 && step.ints[i] != 1) return "a flag is 0 or 1";
  }
  const auto more = static_cast<size_t>(step.ints[kOffsets] + step.ints[kFreqs]);
  if (step.inputs.size() != 1 + more || step.outputs.size() != 1) return "wrong numbers of arrays";
  const Operands operands(step);
  const Array& in = *operands.x;
  const Dtype dtype = in.operand.dtype, wide = dtype == Dtype::float64 ? Dtype::float64 : Dtype::float32;
  if (dtype < Dtype::float16 || dtype > Dtype::float64) return "rows are real floats";
  if (step.outputs[0].operand.dtype != dtype || step.outputs[0].shape != in.shape) return "the result is like the rows";
  const int64_t dims = step.ints[kDims];
  if (in.shape.size() < 2 || dims < 2 || dims % 2 != 0 || dims > in.shape.back()) return "so many elements do not turn";
  for (size_t i = 1; i <= more; i++) {
    if (step.inputs[i].operand.dtype != wide) return "offsets and frequencies are float32 or wider";
  }
  std::vector<int64_t> lead(in.shape.begin(), in.shape.end() - 2);
  if (operands.offsets && operands.offsets->shape != lead) return "there is an offset a batch";
  lead.push_back(dims / 2);
  if (operands.freqs && operands.freqs->shape != lead) return "there is a frequency a pair";
  return {};
}

void runRope(const RoutineStep& step, const Run& run) {
  switch (step.inputs[0].operand.dtype) {
    case Dtype::float64:
      return ropeRows<double, double>(step, run);
    case Dtype::float32:
      return ropeRows<float, float>(step, run);
    default:
      return ropeRows<float, uint16_t>(step, run);
  }
}

const RoutineRegistration ropes(Routine::rope, {.check = check, .run = runRope});

}  // namespace
}  // namespace metalgrad::cpu
