// Sums, exponentials, norms and turns of rows, compiled for each vector target.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/rows.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <algorithm>
#include <limits>
#include <type_traits>

#include "cpu/ops/exp-inl.h"
#include "cpu/ops/rows.h"
#include "cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

/// Elements that are added up in T before float64 takes over.
constexpr int64_t kRun = 4096;

template <typename T>
double sum(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  double result = 0;
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = std::min(n, begin + kRun);
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      s0 = hn::Add(s0, hn::LoadU(d, x + i));
      s1 = hn::Add(s1, hn::LoadU(d, x + i + lanes));
      s2 = hn::Add(s2, hn::LoadU(d, x + i + 2 * lanes));
      s3 = hn::Add(s3, hn::LoadU(d, x + i + 3 * lanes));
    }
    // What loadPart leaves out is 0.
    for (; i < end; i += lanes) s0 = hn::Add(s0, loadPart(d, x + i, std::min(lanes, end - i)));
    result += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)))));
  }
  return result;
}

template <typename T>
T largest(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto least = hn::Set(d, -std::numeric_limits<T>::infinity());
  auto m0 = least, m1 = least, m2 = least, m3 = least;
  auto nan = hn::IsNaN(least);
  const auto take = [&](auto& most, auto v) HWY_ATTR {
    most = hn::Max(most, v);
    nan = hn::Or(nan, hn::IsNaN(v));
  };
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    take(m0, hn::LoadU(d, x + i));
    take(m1, hn::LoadU(d, x + i + lanes));
    take(m2, hn::LoadU(d, x + i + 2 * lanes));
    take(m3, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) take(m0, hn::LoadU(d, x + i));
  if (i < n) {
    const auto there = hn::FirstN(d, static_cast<size_t>(n - i));
    take(m0, hn::IfThenElse(there, loadPart(d, x + i, n - i), least));
  }
  if (!hn::AllFalse(d, nan)) return std::numeric_limits<T>::quiet_NaN();
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3))));
}

template <typename T, bool kStored>
double exponentialsWith(T* to, const T* x, T shift, int64_t n) {
  using Exponential = std::conditional_t<std::is_same_v<T, float>, Exp, SleefExp>;
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto from = hn::Set(d, shift);
  const auto at = [&](int64_t i) HWY_ATTR {
    const auto y = Exponential::apply(d, hn::Sub(hn::LoadU(d, x + i), from));
    if constexpr (kStored) hn::StoreU(y, d, to + i);
    return y;
  };
  double result = 0;
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = std::min(n, begin + kRun);
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      s0 = hn::Add(s0, at(i));
      s1 = hn::Add(s1, at(i + lanes));
      s2 = hn::Add(s2, at(i + 2 * lanes));
      s3 = hn::Add(s3, at(i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) s0 = hn::Add(s0, at(i));
    if (i < end) {
      const int64_t rest = end - i;
      const auto y = Exponential::apply(d, hn::Sub(loadPart(d, x + i, rest), from));
      if constexpr (kStored) storePart(d, y, to + i, rest);
      s0 = hn::Add(s0, hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(rest)), y));
    }
    result += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)))));
  }
  return result;
}

template <typename T>
double exponentials(T* to, const T* x, T shift, int64_t n) {
  return to ? exponentialsWith<T, true>(to, x, shift, n) : exponentialsWith<T, false>(to, x, shift, n);
}

template <typename T>
RowMoments moments(const T* x, T near, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto from = hn::Set(d, near);
  RowMoments result{0, 0};
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = std::min(n, begin + kRun);
    auto s0 = hn::Zero(d), s1 = s0, q0 = s0, q1 = s0;
    int64_t i = begin;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      const auto a = hn::Sub(hn::LoadU(d, x + i), from), b = hn::Sub(hn::LoadU(d, x + i + lanes), from);
      s0 = hn::Add(s0, a);
      s1 = hn::Add(s1, b);
      q0 = hn::MulAdd(a, a, q0);
      q1 = hn::MulAdd(b, b, q1);
    }
    for (; i < end; i += lanes) {
      const int64_t rest = std::min(lanes, end - i);
      const auto there = hn::FirstN(d, static_cast<size_t>(rest));
      const auto a = hn::IfThenElseZero(there, hn::Sub(loadPart(d, x + i, rest), from));
      s0 = hn::Add(s0, a);
      q0 = hn::MulAdd(a, a, q0);
    }
    result.differences += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1))));
    result.squares += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(q0, q1))));
  }
  return result;
}

template <typename T, bool kWeight, bool kBias>
void normalizeWith(T* to, const T* x, const RowNorm<T>& norm, int64_t begin, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto high = hn::Set(d, norm.mean), low = hn::Set(d, norm.meanRest), factor = hn::Set(d, norm.factor);
  const T* from = x + begin;
  const auto at = [&](int64_t i, auto load) HWY_ATTR {
    auto y = hn::Mul(hn::Sub(hn::Sub(load(from + i), high), low), factor);
    if constexpr (kWeight) y = hn::Mul(y, load(norm.weight + begin + i));
    if constexpr (kBias) y = hn::Add(y, load(norm.bias + begin + i));
    return y;
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(at(i, [&](const T* p) HWY_ATTR { return hn::LoadU(d, p); }), d, to + i);
  }
  if (i < n) {
    const int64_t rest = n - i;
    storePart(d, at(i, [&](const T* p) HWY_ATTR { return loadPart(d, p, rest); }), to + i, rest);
  }
}

template <typename T>
void normalize(T* to, const T* x, const RowNorm<T>& norm, int64_t begin, int64_t n) {
  const auto chosen = norm.weight ? (norm.bias ? &normalizeWith<T, true, true> : &normalizeWith<T, true, false>)
                                  : (norm.bias ? &normalizeWith<T, false, true> : &normalizeWith<T, false, false>);
  chosen(to, x, norm, begin, n);
}

/// Pairs (a, b) of vectors turned: a cos - b sin and a sin + b cos.
template <class V>
struct Turned {
  V a, b;
};
template <class V>
HWY_INLINE Turned<V> turn(V a, V b, V cosine, V sine) {
  return {hn::Sub(hn::Mul(a, cosine), hn::Mul(b, sine)), hn::Add(hn::Mul(a, sine), hn::Mul(b, cosine))};
}

template <typename T>
void turnHalves(T* toA, T* toB, const T* a, const T* b, const T* cosines, const T* sines, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto pair =
        turn(hn::LoadU(d, a + i), hn::LoadU(d, b + i), hn::LoadU(d, cosines + i), hn::LoadU(d, sines + i));
    hn::StoreU(pair.a, d, toA + i);
    hn::StoreU(pair.b, d, toB + i);
  }
  if (i < n) {
    const int64_t rest = n - i;
    const auto pair = turn(loadPart(d, a + i, rest), loadPart(d, b + i, rest), loadPart(d, cosines + i, rest),
                           loadPart(d, sines + i, rest));
    storePart(d, pair.a, toA + i, rest);
    storePart(d, pair.b, toB + i, rest);
  }
}

template <typename T>
void turnNeighbours(T* to, const T* x, const T* cosines, const T* sines, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto pass = [&](T* out, const T* in, int64_t i, auto load) HWY_ATTR {
    hn::Vec<decltype(d)> a, b;
    hn::LoadInterleaved2(d, in, a, b);
    const auto pair = turn(a, b, load(cosines + i), load(sines + i));
    hn::StoreInterleaved2(pair.a, pair.b, d, out);
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    pass(to + 2 * i, x + 2 * i, i, [&](const T* p) HWY_ATTR { return hn::LoadU(d, p); });
  }
  if (i < n) {
    const int64_t rest = n - i;
    T buffer[2 * hn::MaxLanes(hn::ScalableTag<T>())] = {};
    std::copy_n(x + 2 * i, 2 * rest, buffer);
    pass(buffer, buffer, i, [&](const T* p) HWY_ATTR { return loadPart(d, p, rest); });
    std::copy_n(buffer, 2 * rest, to + 2 * i);
  }
}

template <typename T>
const RowFns<T>& fns() {
  static constexpr RowFns<T> kFns = {&sum<T>,       &largest<T>,    &exponentials<T>,  &moments<T>,
                                     &normalize<T>, &turnHalves<T>, &turnNeighbours<T>};
  return kFns;
}

}  // namespace

const RowFns<float>& floatRows() { return fns<float>(); }
const RowFns<double>& doubleRows() { return fns<double>(); }

void anglesOf(double* to, const double* speeds, double position, int64_t n) {
  const hn::ScalableTag<double> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // 2π in two parts, the first of so few digits that its products with whole numbers below 2^24 are exact.
  const auto perTurn = hn::Set(d, 0.15915494309189535), high = hn::Set(d, 6.283185303211212),
             low = hn::Set(d, 3.968374318722162e-09);
  const auto all = hn::Set(d, position);
  const auto at = [&](auto speed) HWY_ATTR {
    const auto angle = hn::Mul(all, speed);
    const auto turns = hn::Round(hn::Mul(angle, perTurn));
    return hn::Sub(hn::Sub(angle, hn::Mul(turns, high)), hn::Mul(turns, low));
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(at(hn::LoadU(d, speeds + i)), d, to + i);
  if (i < n) storePart(d, at(loadPart(d, speeds + i, n - i)), to + i, n - i);
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

template <>
const RowFns<float>& rowFns<float>() {
  static const auto chosen = METALGRAD_CHOOSE(floatRows);
  return chosen();
}
template <>
const RowFns<double>& rowFns<double>() {
  static const auto chosen = METALGRAD_CHOOSE(doubleRows);
  return chosen();
}

void angles(double* to, const double* speeds, double position, int64_t n) {
  static const auto chosen = METALGRAD_CHOOSE(anglesOf);
  chosen(to, speeds, position, n);
}

}  // namespace metalgrad::cpu
#endif
