// The Hadamard transform of rows of length m · 2^k: a matrix of order m = 1, 12, 20 or 28 times Sylvester's of order
// 2^k.
//
//   hadamard  ints: m, transposed (0 or 1); args: scale (double); x → y, along the last axis
#include <algorithm>
#include <array>
#include <bit>
#include <complex>
#include <string>

#include "cpu/half.h"
#include "cpu/iteration.h"
#include "cpu/routines/hadamard_signs.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements that one chunk of rows transforms.
constexpr int64_t kGrain = 1 << 14;
constexpr int64_t kLargestFactor = 28;

enum { kIn, kOut, kArrays };

/// Sylvester's transform in place.
template <typename T>
void butterflies(T* row, int64_t length) {
  for (int64_t half = 1; half < length; half *= 2) {
    for (int64_t block = 0; block < length; block += 2 * half) {
      T* low = row + block;
      T* high = low + half;
      for (int64_t i = 0; i < half; i++) {
        const T a = low[i], b = high[i];
        low[i] = a + b;
        high[i] = a - b;
      }
    }
  }
}

/// Mixes m chunks of `length` elements by the signs.
template <typename T>
void mix(T* row, int64_t m, int64_t length, const Signs& signs, bool transposed) {
  std::array<T, kLargestFactor> column;
  for (int64_t k = 0; k < length; k++) {
    for (int64_t j = 0; j < m; j++) column[j] = row[j * length + k];
    for (int64_t i = 0; i < m; i++) {
      T sum{};
      for (int64_t j = 0; j < m; j++) {
        const bool plus = signs[transposed ? j * m + i : i * m + j] > 0;
        sum = plus ? sum + column[j] : sum - column[j];
      }
      row[i * length + k] = sum;
    }
  }
}

template <typename T, typename Stored, typename Load, typename Store>
void transform(const RoutineStep& step, const Run& run, Load load, Store store) {
  const auto& in = step.inputs[0].operand;
  const auto& out = step.outputs[0].operand;
  const auto& shape = step.outputs[0].shape;
  const size_t last = shape.size() - 1;
  const int64_t length = shape[last], m = step.ints[0], stride = in.strides[last];
  const bool transposed = step.ints[1] == 1;
  const auto scale = static_cast<T>(std::bit_cast<double>(run.args[step.args[0]]));
  Space<kArrays> rows;
  for (size_t axis = 0; axis < last; axis++) rows.append(shape[axis], {in.strides[axis], out.strides[axis]});
  const auto* from = reinterpret_cast<const Stored*>(run.at(in));
  auto* to = reinterpret_cast<Stored*>(run.at(out));
  run.pool.parallelFor(rows.size(), std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
    Scratch<T> buffer(static_cast<size_t>(length));
    T* row = buffer.data();
    Odometer<kArrays> at(rows, begin);
    for (int64_t i = begin; i < end; i++, at.next()) {
      for (int64_t k = 0; k < length; k++) row[k] = load(from[at.offsets[kIn] + k * stride]);
      for (int64_t chunk = 0; chunk < m; chunk++) butterflies(row + chunk * (length / m), length / m);
      if (m > 1) mix(row, m, length / m, signsOf(m), transposed);
      for (int64_t k = 0; k < length; k++) to[at.offsets[kOut] + k] = store(row[k] * scale);
    }
  });
}

std::string check(const RoutineStep& step) {
  if (step.ints.size() != 2 || step.args.size() != 1 || step.inputs.size() != 1 || step.outputs.size() != 1) {
    return "wrong numbers of integers, arguments or arrays";
  }
  const int64_t m = step.ints[0];
  if (m != 1 && m != 12 && m != 20 && m != 28) return "no matrix of this order";
  if (step.ints[1] != 0 && step.ints[1] != 1) return "no such transform";
  const auto& in = step.inputs[0];
  const auto& out = step.outputs[0];
  if (in.shape != out.shape || out.shape.empty()) return "arrays differ in shape";
  if (in.operand.dtype != out.operand.dtype || out.operand.dtype < Dtype::float16)
    return "arrays are of one floating dtype";
  const int64_t length = out.shape.back();
  if (length > 0 && (length % m != 0 || !std::has_single_bit(static_cast<uint64_t>(length / m)))) {
    return "the last axis does not fit";
  }
  return {};
}

void runHadamard(const RoutineStep& step, const Run& run) {
  const auto same = [](auto x) { return x; };
  switch (step.outputs[0].operand.dtype) {
    case Dtype::float16:
      return transform<float, uint16_t>(step, run, halfToFloat, floatToHalf);
    case Dtype::bfloat16:
      return transform<float, uint16_t>(step, run, bfloatToFloat, floatToBfloat);
    case Dtype::float32:
      return transform<float, float>(step, run, same, same);
    case Dtype::float64:
      return transform<double, double>(step, run, same, same);
    default:
      return transform<std::complex<float>, std::complex<float>>(step, run, same, same);
  }
}

const RoutineRegistration hadamards(Routine::hadamard, {.check = check, .run = runHadamard});

}  // namespace
}  // namespace metalgrad::cpu
