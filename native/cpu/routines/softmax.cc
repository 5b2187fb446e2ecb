// Softmax and the logarithm of a sum of exponentials, row by row while the row is in the cache: memory is read once.
//
//   softmax    x [rows…, n] → y, the same shape
//   logsumexp  x [rows…, n] → y [rows…]
#include <algorithm>
#include <cmath>
#include <string>

#include "cpu/ops/rows.h"
#include "cpu/ops/tile.h"
#include "cpu/routines/registry.h"
#include "cpu/routines/row_format.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements that one chunk of rows has, and those of a row that are worked on together, in the innermost cache.
constexpr int64_t kGrain = 1 << 14, kPiece = 1 << 12;

/// The tile functions of float or double rows whose memory has dtype `stored`.
template <typename T>
class Rows {
 public:
  Rows(Dtype stored, int64_t n, int64_t bytes)
      : n_(n), format_(stored, bytes), multiply_(elementwise(ElementwiseOp::multiply, kType, kScalarB)) {}

  /// A thread's memory: the row.
  size_t scratchBytes() const { return static_cast<size_t>(n_) * sizeof(T); }

  /// Gives Σ exp(x - largest), and the largest element; the exponentials go into the scratch row if they are `kept`.
  T exponentials(const std::byte* x, std::byte* scratch, bool kept, T& largest) const {
    T* row = reinterpret_cast<T*>(scratch);
    const T* values = format_.read(x, row, n_);
    largest = rowFns<T>().largest(values, n_);
    return static_cast<T>(rowFns<T>().exponentials(kept ? row : nullptr, values, largest, n_));
  }

  /// The scratch row times `factor`, as memory has it; `next` is the row that will be read then.
  void write(std::byte* out, std::byte* scratch, T factor, const std::byte* next) const {
    T* row = reinterpret_cast<T*>(scratch);
    for (int64_t i = 0; i < n_; i += kPiece) {
      const int64_t count = std::min(kPiece, n_ - i);
      const int64_t begin = i * format_.itemSizeStored();
      std::byte* to = out + begin;
      T* values = format_.place(to, row + i);
      multiply_(values, row + i, &factor, nullptr, count);
      format_.write(to, values, count, next + begin);
    }
  }

 private:
  static constexpr Dtype kType = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;

  const int64_t n_;
  const RowFormat<T> format_;
  const TileFn multiply_;
};

/// Calls body(rows, scratch, row) for each row; results have `bytes` bytes altogether.
template <typename T, typename Body>
void eachRow(const Run& run, const Array& in, int64_t bytes, const Body& body) {
  const int64_t n = in.shape.back();
  const Rows<T> rows(in.operand.dtype, n, bytes);
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
  eachRow<T>(run, in, bytes * rowsOf(in), [&](const Rows<T>& rows, std::byte* scratch, int64_t row) {
    T largest;
    const T sum = rows.exponentials(x + row * bytes, scratch, true, largest);
    rows.write(y + row * bytes, scratch, T{1} / sum, x + (row + 1) * bytes);
  });
}

template <typename T>
void logsumexp(const RoutineStep& step, const Run& run) {
  const Array& in = step.inputs[0];
  const Dtype dtype = in.operand.dtype;
  const auto bytes = in.shape.back() * static_cast<int64_t>(itemSize(dtype));
  const std::byte* x = run.at(in.operand);
  std::byte* y = run.at(step.outputs[0].operand);
  const RowFormat<T> format(dtype, 0);
  eachRow<T>(run, in, 0, [&](const Rows<T>& rows, std::byte* scratch, int64_t row) {
    T largest, room;
    const T sum = rows.exponentials(x + row * bytes, scratch, false, largest);
    std::byte* to = y + row * format.itemSizeStored();
    T* result = format.place(to, &room);
    *result = std::isfinite(largest) ? largest + std::log(sum) : largest;
    format.write(to, result, 1);
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
