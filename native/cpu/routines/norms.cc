// Layer and RMS norms, row by row while the row is in the cache: memory is read once.
//
//   norm  ints: centered, weight, bias (0 or 1); args: eps (double)
//         x [rows…, n], weight [n], bias [n] → y, the same shape; the factors [rows…]; the means [rows…] if centered
//
// Statistics are computed in float64 from sums that float32 carries over short runs, the variance from differences.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>

#include "cpu/ops/rows.h"
#include "cpu/routines/registry.h"
#include "cpu/routines/row_format.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements that one chunk of rows has, and those of a row that are written together.
constexpr int64_t kGrain = 1 << 14, kPiece = 1 << 12;

enum { kCentered, kWeight, kBias };
enum { kResult, kFactor, kMean };

/// The operands of a step by name; those that are not there are null.
struct Operands {
  explicit Operands(const RoutineStep& step) : x(&step.inputs[0]) {
    size_t next = 1;
    if (step.ints[kWeight] == 1) weight = &step.inputs[next++];
    if (step.ints[kBias] == 1) bias = &step.inputs[next];
  }
  const Array* x;
  const Array* weight = nullptr;
  const Array* bias = nullptr;
};

template <typename T>
RowNorm<T> statistics(const T* x, int64_t n, bool centered, double eps) {
  const RowFns<T>& fns = rowFns<T>();
  const auto count = static_cast<double>(n);
  RowNorm<T> norm;
  if (centered) norm.mean = static_cast<T>(fns.sum(x, n) / count);
  // The sum of what the rows have beyond that mean is more exact than its own rounding.
  const RowMoments moments = fns.moments(x, norm.mean, n);
  const double rest = centered ? moments.differences / count : 0;
  norm.meanRest = static_cast<T>(rest);
  const double square = moments.squares / count - rest * rest;
  norm.factor = static_cast<T>(1 / std::sqrt((square < 0 ? 0 : square) + eps));
  return norm;
}

template <typename T>
void normRows(const RoutineStep& step, const Run& run) {
  const Operands operands(step);
  const Array& in = *operands.x;
  const int64_t n = in.shape.back(), count = rowsOf(in);
  const int64_t bytes = n * static_cast<int64_t>(itemSize(in.operand.dtype));
  const RowFormat<T> format(in.operand.dtype, count * bytes);
  const bool centered = step.ints[kCentered] == 1;
  const double eps = std::bit_cast<double>(run.args[step.args[0]]);
  const std::byte* x = run.at(in.operand);
  const auto statistic = [&](size_t output) -> T* {
    if (output >= step.outputs.size() || step.outputs[output].absent()) return nullptr;
    return reinterpret_cast<T*>(run.at(step.outputs[output].operand));
  };
  T* factors = statistic(kFactor);
  T* means = statistic(kMean);
  std::byte* y = run.at(step.outputs[kResult].operand);
  const auto vector = [&](const Array* array, T* room) -> const T* {
    return array ? format.read(run.at(array->operand), room, n) : nullptr;
  };
  run.pool.parallelFor(count, std::max<int64_t>(1, kGrain / n), [&](int64_t begin, int64_t end) {
    // A row, and what weight and bias are as numbers.
    Scratch<T> scratch(static_cast<size_t>(3 * n));
    T* room = scratch.data();
    const T* weight = vector(operands.weight, room + n);
    const T* bias = vector(operands.bias, room + 2 * n);
    for (int64_t row = begin; row < end; row++) {
      const T* values = format.read(x + row * bytes, room, n);
      RowNorm<T> norm = statistics(values, n, centered, eps);
      norm.weight = weight;
      norm.bias = bias;
      if (factors) factors[row] = norm.factor;
      if (means) means[row] = norm.mean;
      for (int64_t i = 0; i < n; i += kPiece) {
        const int64_t part = std::min(kPiece, n - i);
        std::byte* to = y + row * bytes + i * format.itemSizeStored();
        T* place = format.place(to, room + i);
        rowFns<T>().normalize(place, values, norm, i, part);
        format.write(to, place, part, x + (row + 1) * bytes + i * format.itemSizeStored());
      }
    }
    endStream();
  });
}

std::string check(const RoutineStep& step) {
  if (step.ints.size() != 3 || step.args.size() != 1) return "wrong numbers of integers or arguments";
  for (const int64_t flag : step.ints) {
    if (flag != 0 && flag != 1) return "a flag is 0 or 1";
  }
  const auto vectors = static_cast<size_t>(step.ints[kWeight] + step.ints[kBias]);
  const auto statistics = static_cast<size_t>(1 + step.ints[kCentered]);
  if (step.inputs.size() != 1 + vectors || step.outputs.size() != 1 + statistics) return "wrong numbers of arrays";
  const Array& in = step.inputs[0];
  const Dtype dtype = in.operand.dtype;
  if (dtype < Dtype::float16 || dtype > Dtype::float64) return "rows are real floats";
  if (in.shape.empty() || in.shape.back() == 0) return "rows have no elements";
  for (const Array& input : step.inputs) {
    if (input.operand.dtype != dtype) return "inputs are of one dtype";
    if (!isContiguous(input)) return "an input is not contiguous";
  }
  for (size_t i = 1; i <= vectors; i++) {
    if (step.inputs[i].shape != std::vector<int64_t>{in.shape.back()}) return "weight and bias are like a row";
  }
  if (step.outputs[kResult].operand.dtype != dtype || step.outputs[kResult].shape != in.shape)
    return "the result is like the rows";
  const std::vector<int64_t> rows(in.shape.begin(), in.shape.end() - 1);
  for (size_t i = 1; i <= statistics; i++) {
    const Array& out = step.outputs[i];
    const Dtype wide = dtype == Dtype::float64 ? Dtype::float64 : Dtype::float32;
    if (out.operand.dtype != wide || out.shape != rows) return "statistics are a number a row";
  }
  return {};
}

void runNorm(const RoutineStep& step, const Run& run) {
  const bool wide = step.inputs[0].operand.dtype == Dtype::float64;
  return wide ? normRows<double>(step, run) : normRows<float>(step, run);
}

const RoutineRegistration norms(Routine::norm,
                                {.check = check, .run = runNorm, .optionalOutputs = 1 << kFactor | 1 << kMean});

}  // namespace
}  // namespace metalgrad::cpu
