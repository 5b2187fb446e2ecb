// Discrete Fourier transforms along one axis: KISS FFT for lengths that are products of small primes, Bluestein's
// convolution for all others. Everything is computed in double precision.
//
//   fft  ints: axis, inverse (the exponent's sign only, nothing is scaled); x complex64 → complex64 of its shape
#include <cmath>
#include <complex>
#include <kissfft/kissfft.hh>
#include <list>
#include <memory>
#include <mutex>
#include <numbers>
#include <string>
#include <vector>

#include "cpu/iteration.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

using Single = std::complex<float>;
using Double = std::complex<double>;

/// A prime factor beyond this makes Bluestein's way the shorter one.
constexpr int64_t kLargestFactor = 31;
/// Elements that one chunk of rows transforms.
constexpr int64_t kGrain = 1 << 14;

Double product(Double a, Double b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// exp(i · sign · π · numerator / length)
Double rootOfUnity(int64_t numerator, int64_t length, int sign) {
  const double angle = sign * std::numbers::pi * static_cast<double>(numerator) / static_cast<double>(length);
  return {std::cos(angle), std::sin(angle)};
}

bool isSmooth(int64_t n) {
  for (int64_t factor = 2; factor <= kLargestFactor && n > 1; factor++) {
    while (n % factor == 0) n /= factor;
  }
  return n == 1;
}

/// The least 2^a · 3^b · 5^c that is not below `least`.
int64_t smoothLength(int64_t least) {
  int64_t best = 1;
  while (best < least) best *= 2;
  for (int64_t five = 1; five < best; five *= 5) {
    for (int64_t three = five; three < best; three *= 3) {
      int64_t n = three;
      while (n < least) n *= 2;
      best = std::min(best, n);
    }
  }
  return best;
}

/// All that transforms of one length share. Immutable, so used by all threads at once.
class Transform {
 public:
  Transform(int64_t length, bool inverse) : length_(length) {
    if (isSmooth(length)) {
      plan_ = std::make_unique<kissfft<double>>(static_cast<size_t>(length), inverse);
      return;
    }
    // L. I. Bluestein 1970: j·k = (j² + k² - (k - j)²) / 2 makes the sum a convolution with a chirp.
    padded_ = smoothLength(2 * length - 1);
    plan_ = std::make_unique<kissfft<double>>(static_cast<size_t>(padded_), false);
    back_ = std::make_unique<kissfft<double>>(static_cast<size_t>(padded_), true);
    chirp_.resize(static_cast<size_t>(length));
    const int sign = inverse ? 1 : -1;
    int64_t square = 0;  // k² modulo 2 · length, where the chirp repeats
    for (int64_t k = 0; k < length; k++) {
      chirp_[static_cast<size_t>(k)] = rootOfUnity(square, length, sign);
      square = (square + 2 * k + 1) % (2 * length);
    }
    std::vector<Double> kernel(static_cast<size_t>(padded_));
    for (int64_t k = 0; k < length; k++) {
      const Double value = std::conj(chirp_[static_cast<size_t>(k)]) / static_cast<double>(padded_);
      kernel[static_cast<size_t>(k)] = value;
      if (k > 0) kernel[static_cast<size_t>(padded_ - k)] = value;
    }
    spectrum_.resize(kernel.size());
    plan_->transform(kernel.data(), spectrum_.data());
  }

  /// Elements of workspace that `run` needs.
  int64_t workspace() const { return chirp_.empty() ? 2 * length_ : 2 * padded_; }

  /// Transforms the first `length` elements of `work` and returns where the result lies.
  const Double* run(Double* work) const {
    if (chirp_.empty()) {
      plan_->transform(work, work + length_);
      return work + length_;
    }
    const size_t length = static_cast<size_t>(length_), padded = static_cast<size_t>(padded_);
    Double* other = work + padded;
    for (size_t k = 0; k < length; k++) work[k] = product(work[k], chirp_[k]);
    std::fill(work + length, work + padded, Double(0));
    plan_->transform(work, other);
    for (size_t k = 0; k < padded; k++) other[k] = product(other[k], spectrum_[k]);
    back_->transform(other, work);
    for (size_t k = 0; k < length; k++) work[k] = product(work[k], chirp_[k]);
    return work;
  }

 private:
  int64_t length_, padded_ = 0;
  std::unique_ptr<kissfft<double>> plan_, back_;
  std::vector<Double> chirp_, spectrum_;
};

/// Transforms are expensive to prepare: those used last are kept, up to a number of elements.
std::shared_ptr<const Transform> transformFor(int64_t length, bool inverse) {
  struct Entry {
    int64_t length;
    bool inverse;
    std::shared_ptr<const Transform> transform;
  };
  constexpr int64_t kKeptElements = 1 << 21;
  static std::mutex mutex;
  static std::list<Entry> kept;  // used last first
  {
    const std::lock_guard lock(mutex);
    for (auto entry = kept.begin(); entry != kept.end(); ++entry) {
      if (entry->length != length || entry->inverse != inverse) continue;
      kept.splice(kept.begin(), kept, entry);
      return entry->transform;
    }
  }
  auto made = std::make_shared<const Transform>(length, inverse);
  const std::lock_guard lock(mutex);
  kept.push_front({length, inverse, made});
  int64_t elements = 0;
  for (auto entry = kept.begin(); entry != kept.end();) {
    elements += entry->transform->workspace();
    entry = elements > kKeptElements ? kept.erase(entry) : std::next(entry);
  }
  return made;
}

std::string checkFourier(const RoutineStep& step) {
  if (step.ints.size() != 2 || !step.args.empty() || step.inputs.size() != 1 || step.outputs.size() != 1) {
    return "wrong numbers of integers or arrays";
  }
  const Array &x = step.inputs[0], &out = step.outputs[0];
  const int64_t axis = step.ints[0];
  if (axis < 0 || axis >= static_cast<int64_t>(out.shape.size())) return "no such axis";
  if (step.ints[1] != 0 && step.ints[1] != 1) return "no such direction";
  if (x.shape != out.shape) return "arrays differ in shape";
  if (x.operand.dtype != Dtype::complex64 || out.operand.dtype != Dtype::complex64) return "arrays are complex64";
  if (out.shape[static_cast<size_t>(axis)] > int64_t{1} << 40) return "the axis is too long";
  return {};
}

void runFourier(const RoutineStep& step, const Run& run) {
  const Array &x = step.inputs[0], &out = step.outputs[0];
  const size_t axis = static_cast<size_t>(step.ints[0]);
  const int64_t length = out.shape[axis];
  const int64_t inStep = x.operand.strides[axis], outStep = out.operand.strides[axis];
  Space<2> rows;
  for (size_t k = 0; k < out.shape.size(); k++) {
    if (k != axis) rows.append(out.shape[k], {x.operand.strides[k], out.operand.strides[k]});
  }
  const auto shared = transformFor(length, step.ints[1] == 1);
  const Transform& transform = *shared;
  const auto* in = reinterpret_cast<const Single*>(run.at(x.operand));
  auto* to = reinterpret_cast<Single*>(run.at(out.operand));
  run.pool.parallelFor(rows.size(), std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
    Scratch<Double> work(static_cast<size_t>(transform.workspace()));
    Odometer<2> row(rows, begin);
    for (int64_t i = begin; i < end; i++, row.next()) {
      const Single* from = in + row.offsets[0];
      for (int64_t k = 0; k < length; k++) work[static_cast<size_t>(k)] = from[k * inStep];
      const Double* result = transform.run(work.data());
      Single* target = to + row.offsets[1];
      for (int64_t k = 0; k < length; k++) target[k * outStep] = Single(result[k]);
    }
  });
}

const RoutineRegistration fouriers(Routine::fft, {.check = checkFourier, .run = runFourier});

}  // namespace
}  // namespace metalgrad::cpu
