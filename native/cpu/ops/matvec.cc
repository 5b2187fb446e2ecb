// Passes over rows of a matrix, compiled for each vector target.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/matvec.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <algorithm>
#include <type_traits>

#include "cpu/ops/matvec.h"
#include "cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

/// Products of a row that are added up before they are added to its sum, so that rounding errors stay small.
constexpr int64_t kRun = 4096;

template <typename T>
using SumOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class D, typename T>
HWY_INLINE hn::Vec<D> load(D d, const T* from) {
  if constexpr (std::is_same_v<T, hn::TFromD<D>>) {
    return hn::LoadU(d, from);
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, D>(), from));
  }
}

template <class D, typename T>
HWY_INLINE hn::Vec<D> loadSome(D d, const T* from, int64_t n) {
  if constexpr (std::is_same_v<T, hn::TFromD<D>>) {
    return loadPart(d, from, n);
  } else {
    return hn::PromoteTo(d, loadPart(hn::Rebind<T, D>(), from, n));
  }
}

/// sums[v] += Σ factors[v][i] · rows[i], of kRows rows.
template <typename T, int kRows, int kVectors>
HWY_INLINE void combineRows(const T* rows, int64_t stride, int64_t length, const SumOf<T>* factors,
                            int64_t factorStride, const Vectors<SumOf<T>>& sums) {
  using Sum = SumOf<T>;
  const hn::ScalableTag<Sum> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V factor[kVectors][kRows];
  for (int v = 0; v < kVectors; v++) {
    for (int row = 0; row < kRows; row++) factor[v][row] = hn::Set(d, factors[v * factorStride + row]);
  }
  const auto add = [&](int64_t at, auto loadRow, auto loadSum, auto store) HWY_ATTR {
    V total[kVectors];
    const V first = loadRow(rows + at);
    for (int v = 0; v < kVectors; v++) total[v] = hn::Mul(factor[v][0], first);
    for (int row = 1; row < kRows; row++) {
      const V next = loadRow(rows + row * stride + at);
      for (int v = 0; v < kVectors; v++) total[v] = hn::MulAdd(factor[v][row], next, total[v]);
    }
    for (int v = 0; v < kVectors; v++) {
      Sum* sum = sums.data + v * sums.stride + at;
      store(hn::Add(loadSum(sum), total[v]), sum);
    }
  };
  int64_t at = 0;
  for (; at + lanes <= length; at += lanes) {
    add(
        at, [d](const T* from) HWY_ATTR { return load(d, from); },
        [d](const Sum* from) HWY_ATTR { return hn::LoadU(d, from); },
        [d](V sum, Sum* to) HWY_ATTR { hn::StoreU(sum, d, to); });
  }
  if (at < length) {
    const int64_t rest = length - at;
    add(
        at, [d, rest](const T* from) HWY_ATTR { return loadSome(d, from, rest); },
        [d, rest](const Sum* from) HWY_ATTR { return loadPart(d, from, rest); },
        [d, rest](V sum, Sum* to) HWY_ATTR { storePart(d, sum, to, rest); });
  }
}

/// Several rows at once, because sums are read and written once for all of them.
template <typename T, int kVectors>
void combineAll(const MatvecRows& rows, Vectors<const SumOf<T>> factors, Vectors<SumOf<T>> sums) {
  const T* data = reinterpret_cast<const T*>(rows.data);
  int64_t row = 0;
  const auto take = [&](auto count) {
    for (; row + count() <= rows.count; row += count()) {
      combineRows<T, count(), kVectors>(data + row * rows.stride, rows.stride, rows.length, factors.data + row,
                                        factors.stride, sums);
    }
  };
  // More factors than these would not stay in registers.
  if constexpr (kVectors == 1) take(std::integral_constant<int, 8>());
  take(std::integral_constant<int, 4>());
  take(std::integral_constant<int, 2>());
  take(std::integral_constant<int, 1>());
}

/// sums[v][i] += rows[i] · others[v], of kRows rows. Each is kParts sums in turn, so that no addition waits for the one
/// before.
template <typename T, int kRows, int kVectors, int kParts>
HWY_INLINE void dotRows(const T* rows, int64_t stride, int64_t length, const SumOf<T>* others, int64_t otherStride,
                        SumOf<T>* sums, int64_t sumStride) {
  const hn::ScalableTag<SumOf<T>> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V total[kParts][kRows][kVectors];
  for (int part = 0; part < kParts; part++) {
    for (int row = 0; row < kRows; row++) {
      for (int v = 0; v < kVectors; v++) total[part][row][v] = hn::Zero(d);
    }
  }
  const auto add = [&](int part, int64_t at, auto loadNext) HWY_ATTR {
    for (int row = 0; row < kRows; row++) {
      const V number = loadNext(rows + row * stride + at);
      for (int v = 0; v < kVectors; v++) {
        total[part][row][v] = hn::MulAdd(number, loadNext(others + v * otherStride + at), total[part][row][v]);
      }
    }
  };
  const auto whole = [d](const auto* from) HWY_ATTR { return load(d, from); };
  int64_t at = 0;
  for (; at + kParts * lanes <= length; at += kParts * lanes) {
    for (int part = 0; part < kParts; part++) add(part, at + part * lanes, whole);
  }
  for (; at + lanes <= length; at += lanes) add(0, at, whole);
  if (at < length) {
    // What is left out is 0 in both.
    add(kParts - 1, at, [d, rest = length - at](const auto* from) HWY_ATTR { return loadSome(d, from, rest); });
  }
  for (int row = 0; row < kRows; row++) {
    for (int v = 0; v < kVectors; v++) {
      V sum = total[0][row][v];
      for (int part = 1; part < kParts; part++) sum = hn::Add(sum, total[part][row][v]);
      sums[v * sumStride + row] += hn::GetLane(hn::SumOfLanes(d, sum));
    }
  }
}

/// Four rows at once, so that several lines are on their way from memory, unless there are too few registers.
template <typename T, int kVectors>
void dotAll(const MatvecRows& rows, Vectors<const SumOf<T>> others, Vectors<SumOf<T>> sums) {
  constexpr int kRows = HWY_TARGET == HWY_AVX2 && kVectors > 2 ? 2 : 4, kParts = kVectors == 1 ? 2 : 1;
  const T* data = reinterpret_cast<const T*>(rows.data);
  const auto some = [&](auto count, int64_t row) {
    for (int64_t from = 0; from < rows.length; from += kRun) {
      dotRows<T, count(), kVectors, kParts>(data + row * rows.stride + from, rows.stride,
                                            std::min(kRun, rows.length - from), others.data + from, others.stride,
                                            sums.data + row, sums.stride);
    }
  };
  int64_t row = 0;
  for (; row + kRows <= rows.count; row += kRows) some(std::integral_constant<int, kRows>(), row);
  for (; row < rows.count; row++) some(std::integral_constant<int, 1>(), row);
}

template <typename T>
void combine(const MatvecRows& rows, Vectors<const SumOf<T>> factors, int64_t vectors, Vectors<SumOf<T>> sums) {
  static_assert(kMatvecVectors == 4);
  const auto chosen = vectors == 1   ? &combineAll<T, 1>
                      : vectors == 2 ? &combineAll<T, 2>
                      : vectors == 3 ? &combineAll<T, 3>
                                     : &combineAll<T, 4>;
  chosen(rows, factors, sums);
}

template <typename T>
void dot(const MatvecRows& rows, Vectors<const SumOf<T>> others, int64_t vectors, Vectors<SumOf<T>> sums) {
  const auto chosen = vectors == 1   ? &dotAll<T, 1>
                      : vectors == 2 ? &dotAll<T, 2>
                      : vectors == 3 ? &dotAll<T, 3>
                                     : &dotAll<T, 4>;
  chosen(rows, others, sums);
}

constexpr int64_t kMostVectors = HWY_TARGET == HWY_AVX3 ? 16 : 10;

template <typename T>
constexpr MatvecFns<SumOf<T>> kFns = {kMostVectors, &combine<T>, &dot<T>};

}  // namespace

const MatvecFns<float>* matvecFloat(Dtype dtype) {
  if (HWY_TARGET == HWY_SCALAR) return nullptr;
  switch (dtype) {
    case Dtype::float32:
      return &kFns<float>;
    case Dtype::float16:
      return &kFns<hwy::float16_t>;
    case Dtype::bfloat16:
      return &kFns<hwy::bfloat16_t>;
    default:
      return nullptr;
  }
}

const MatvecFns<double>* matvecDouble(Dtype dtype) {
  return HWY_TARGET != HWY_SCALAR && dtype == Dtype::float64 ? &kFns<double> : nullptr;
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

template <>
const MatvecFns<float>* matvecFns<float>(Dtype dtype) {
  static const auto chosen = METALGRAD_CHOOSE(matvecFloat);
  return chosen(dtype);
}
template <>
const MatvecFns<double>* matvecFns<double>(Dtype dtype) {
  static const auto chosen = METALGRAD_CHOOSE(matvecDouble);
  return chosen(dtype);
}

}  // namespace metalgrad::cpu
#endif
