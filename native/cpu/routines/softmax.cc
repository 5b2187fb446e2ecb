// Softmax and the logarithm of a sum of exponentials, row by row while the row is in the cache: memory is read once.
//
//   softmax    x [rows…, n] → y, the same shape
//   logsumexp  x [rows…, n] → y [rows…]
#include <algorithm>
#include <cmath>
#include <string>

#include "cpu/ops/chain.h"
#include "cpu/ops/tile.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements that one chunk of rows has, and those of a row that are worked on together, in the innermost cache.
constexpr int64_t kGrain = 1 << 14, kPiece = 1 << 12;
/// Accumulators come in areas for a multiple of 16 results.
constexpr int64_t kCapacity = 16;

constexpr size_t roundUp(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

/// One reduction of a row to a number.
template <typename T>
class Total {
 public:
  Total(ReduceOp op, Dtype dtype) : fns_(reduceFns(op, dtype)) {}
  size_t bytes() const { return roundUp(fns_.bytes * kCapacity); }

  void begin(void* memory) const { fns_.init(memory, kCapacity, 1); }
  void add(void* memory, const T* values, int64_t n, int64_t first) const {
    fns_.accumulate(memory, kCapacity, values, 1, n, 1, first);
  }
  T end(const void* memory) const {
    T result;
    fns_.finish(&result, memory, kCapacity, 1);
    return result;
  }

 private:
  ReduceFns fns_;
};

/// The tile functions of float or double rows whose memory has dtype `stored`.
template <typename T>
class Rows {
 public:
  Rows(Dtype stored, int64_t n)
      : stored_(stored),
        n_(n),
        half_(itemSize(stored) == 2),
        largest_(ReduceOp::max, kType),
        sum_(ReduceOp::sum, kType),
        subtract_(elementwise(ElementwiseOp::subtract, kType, kScalarB)),
        exp_(elementwise(ElementwiseOp::exp, kType, 0)),
        multiply_(elementwise(ElementwiseOp::multiply, kType, kScalarB)) {}

  /// A thread's memory: the row, and accumulators.
  size_t scratchBytes() const { return rowBytes() + std::max(largest_.bytes(), sum_.bytes()); }

  /// exp(x - largest) goes into the scratch row; gives its sum, and the largest element.
  T exponentials(const void* x, std::byte* scratch, T& largest) const {
    T* row = reinterpret_cast<T*>(scratch);
    void* memory = scratch + rowBytes();
    const T* values = static_cast<const T*>(x);
    if (half_) {
      widenHalf(stored_)(row, x, nullptr, nullptr, n_);
      values = row;
    }
    largest_.begin(memory);
    largest_.add(memory, values, n_, 0);
    largest = largest_.end(memory);
    sum_.begin(memory);
    for (int64_t i = 0; i < n_; i += kPiece) {
      const int64_t count = std::min(kPiece, n_ - i);
      shifted(row + i, values + i, largest, count);
      sum_.add(memory, row + i, count, i);
    }
    return sum_.end(memory);
  }

  /// The scratch row times `factor`, as memory has it.
  void write(void* out, std::byte* scratch, T factor, bool streamed) const {
    T* row = reinterpret_cast<T*>(scratch);
    for (int64_t i = 0; i < n_; i += kPiece) {
      const int64_t count = std::min(kPiece, n_ - i);
      std::byte* to = static_cast<std::byte*>(out) + i * static_cast<int64_t>(itemSize(stored_));
      const bool straight = !half_ && !streamed;
      multiply_(straight ? static_cast<void*>(to) : row + i, row + i, &factor, nullptr, count);
      if (half_) {
        roundTo(stored_)(row + i, row + i, nullptr, nullptr, count);
        narrowHalf(stored_)(to, row + i, nullptr, nullptr, count);
      } else if (streamed) {
        streamCopy(to, row + i, count * static_cast<int64_t>(sizeof(T)));
      }
    }
  }

 private:
  static constexpr Dtype kType = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;

  size_t rowBytes() const { return roundUp(static_cast<size_t>(n_) * sizeof(T)); }

  void shifted(T* to, const T* from, const T& largest, int64_t n) const {
    if constexpr (sizeof(T) == 4) {
      const ChainStep steps[] = {{.code = ChainCode::subtractS, .b = &largest}, {.code = ChainCode::exp}};
      runChain(steps, 2, from, to, n);
    } else {
      subtract_(to, from, &largest, nullptr, n);
      exp_(to, to, nullptr, nullptr, n);
    }
  }

  const Dtype stored_;
  const int64_t n_;
  const bool half_;
  const Total<T> largest_, sum_;
  const TileFn subtract_, exp_, multiply_;
};

int64_t rowsOf(const Array& in) {
  int64_t rows = 1;
  for (size_t axis = 0; axis + 1 < in.shape.size(); axis++) rows *= in.shape[axis];
  return rows;
}

/// Calls body(rows, scratch, row) for each row.
template <typename T, typename Body>
void eachRow(const Run& run, const Array& in, const Body& body) {
  const int64_t n = in.shape.back();
  const Rows<T> rows(in.operand.dtype, n);
  run.pool.parallelFor(rowsOf(in), std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n)),
                       [&](int64_t begin, int64_t end) {
                         Scratch<std::byte> scratch(rows.scratchBytes());
                         for (int64_t row = begin; row < end; row++) body(rows, scratch.data(), row);
                         endStream();
                       });
}

template <typename T>
void softmax(const RoutineStep& step, const Run& run) {
  const Array& in = step.inputs[0];
  const auto bytes = in.shape.back() * static_cast<int64_t>(itemSize(in.operand.dtype));
  const std::byte* x = run.at(in.operand);
  std::byte* y = run.at(step.outputs[0].operand);
  const bool streamed = bytes * rowsOf(in) >= kLeastStreamed;
  eachRow<T>(run, in, [&](const Rows<T>& rows, std::byte* scratch, int64_t row) {
    T largest;
    const T sum = rows.exponentials(x + row * bytes, scratch, largest);
    rows.write(y + row * bytes, scratch, T{1} / sum, streamed);
  });
}

template <typename T>
void logsumexp(const RoutineStep& step, const Run& run) {
  const Array& in = step.inputs[0];
  const Dtype dtype = in.operand.dtype;
  const auto bytes = in.shape.back() * static_cast<int64_t>(itemSize(dtype));
  const std::byte* x = run.at(in.operand);
  std::byte* y = run.at(step.outputs[0].operand);
  eachRow<T>(run, in, [&](const Rows<T>& rows, std::byte* scratch, int64_t row) {
    T largest;
    const T sum = rows.exponentials(x + row * bytes, scratch, largest);
    T result = std::isfinite(largest) ? largest + std::log(sum) : largest;
    std::byte* to = y + row * static_cast<int64_t>(itemSize(dtype));
    if (itemSize(dtype) == 2) {
      roundTo(dtype)(&result, &result, nullptr, nullptr, 1);
      narrowHalf(dtype)(to, &result, nullptr, nullptr, 1);
    } else {
      *reinterpret_cast<T*>(to) = result;
    }
  });
}

std::string checkRows(const RoutineStep& step, bool keepsRows) {
  if (!step.ints.empty() || !step.args.empty() || step.inputs.size() != 1 || step.outputs.size() != 1)
    return "wrong numbers of integers, arguments or arrays";
  const Array& in = step.inputs[0];
  const Array& out = step.outputs[0];
  const Dtype dtype = in.operand.dtype;
  if (dtype < Dtype::float16 || dtype > Dtype::float64 || out.operand.dtype != dtype)
    return "arrays are of one real floating dtype";
  if (in.shape.empty() || in.shape.back() == 0) return "rows have no elements";
  if (!isContiguous(in)) return "the input is not contiguous";
  std::vector<int64_t> shape = in.shape;
  if (!keepsRows) shape.pop_back();
  return shape == out.shape ? "" : "shapes do not fit";
}
std::string checkSoftmax(const RoutineStep& step) { return checkRows(step, true); }
std::string checkLogsumexp(const RoutineStep& step) { return checkRows(step, false); }

void runSoftmax(const RoutineStep& step, const Run& run) {
  const bool wide = step.inputs[0].operand.dtype == Dtype::float64;
  return wide ? softmax<double>(step, run) : softmax<float>(step, run);
}
void runLogsumexp(const RoutineStep& step, const Run& run) {
  const bool wide = step.inputs[0].operand.dtype == Dtype::float64;
  return wide ? logsumexp<double>(step, run) : logsumexp<float>(step, run);
}

const RoutineRegistration softmaxes(Routine::softmax, {.check = checkSoftmax, .run = runSoftmax});
const RoutineRegistration logarithms(Routine::logsumexp, {.check = checkLogsumexp, .run = runLogsumexp});

}  // namespace
}  // namespace metalgrad::cpu
