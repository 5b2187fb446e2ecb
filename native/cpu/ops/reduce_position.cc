// argmax and argmin over tiles: the first position of the extreme; a NaN is more extreme than any number.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/reduce_position.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "cpu/ops/complex.h"
#include "cpu/ops/reductions.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

template <class T>
bool isNan(T x) {
  if constexpr (std::is_same_v<T, Complex>)
    return (x.re != x.re) | (x.im != x.im);
  else
    return x != x;
}

/// Whether b takes the place of the best so far, a, which came first.
template <bool kMax>
struct Better {
  template <class T>
  static bool than(T a, T b) {
    const bool beyond = kMax ? b > a : b < a;
    if constexpr (std::is_integral_v<T>)
      return beyond;
    else if constexpr (std::is_floating_point_v<T>)
      // A NaN, too, is not within; of two comparisons each is one instruction.
      return !(kMax ? b <= a : b >= a) & (a == a);
    else
      return (beyond | isNan(b)) & !isNan(a);
  }
};

template <bool kMax, class T>
struct Positions {
  using B = Better<kMax>;
  static constexpr int64_t kLanes = std::is_class_v<T> ? 4 : 256 / static_cast<int64_t>(sizeof(T));
  /// As wide as an element, for the sake of vectors.
  using Flag = std::conditional_t<sizeof(T) == 8, uint64_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;

  /// Whether a comes after b, for numbers: where one is a NaN it is b that is taken.
  static bool beyond(T a, T b) { return kMax ? a > b : a < b; }

  static uint32_t* indices(void* acc, int64_t capacity) {
    return reinterpret_cast<uint32_t*>(static_cast<T*>(acc) + capacity);
  }
  static const uint32_t* indices(const void* acc, int64_t capacity) {
    return reinterpret_cast<const uint32_t*>(static_cast<const T*>(acc) + capacity);
  }

  /// The first element of a reduction always wins against the unset index.
  static constexpr uint32_t kUnset = std::numeric_limits<uint32_t>::max();

  static void init(void* acc, int64_t capacity, int64_t count) {
    std::fill_n(static_cast<T*>(acc), count, T{});
    std::fill_n(indices(acc, capacity), count, kUnset);
  }

  /// The extreme of a row first, which vectorizes, then where it is. Numbers that are no NaN are compared alone:
  /// whether there is a NaN is asked beside.
  static int64_t firstOf(const T* x, int64_t n) {
    if (n < 2 * kLanes) return scan(x, 0, n);
    T partial[kLanes];
    Flag nan[kLanes];
    for (int64_t lane = 0; lane < kLanes; lane++) {
      partial[lane] = x[lane];
      nan[lane] = isNan(x[lane]);
    }
    int64_t i = kLanes;
    for (; i + kLanes <= n; i += kLanes) {
      for (int64_t lane = 0; lane < kLanes; lane++) {
        partial[lane] = beyond(partial[lane], x[i + lane]) ? partial[lane] : x[i + lane];
        nan[lane] |= isNan(x[i + lane]);
      }
    }
    T best = partial[0];
    bool anyNan = nan[0] != 0;
#pragma GCC unroll 1
    for (int64_t lane = 1; lane < kLanes; lane++) {
      best = beyond(best, partial[lane]) ? best : partial[lane];
      anyNan |= nan[lane] != 0;
    }
#pragma GCC unroll 1
    for (; i < n; i++) {
      best = beyond(best, x[i]) ? best : x[i];
      anyNan |= isNan(x[i]);
    }
    return anyNan ? firstWhere(x, n, [](T y) { return isNan(y); })
                  : firstWhere(x, n, [best](T y) { return y == best; });
  }

  template <class F>
  static int64_t firstWhere(const T* x, int64_t n, F&& is) {
    int64_t begin = 0;
    for (; begin + kLanes <= n; begin += kLanes) {
      Flag found = 0;
      for (int64_t lane = 0; lane < kLanes; lane++) found |= static_cast<Flag>(is(x[begin + lane]));
      if (found) break;
    }
    while (!is(x[begin])) begin++;
    return begin;
  }

  static int64_t scan(const T* x, int64_t begin, int64_t end) {
    int64_t best = begin;
    for (int64_t i = begin + 1; i < end; i++) best = B::than(x[best], x[i]) ? i : best;
    return best;
  }

  static void accumulate(void* acc, int64_t capacity, const void* tile, int64_t m, int64_t k, int64_t c,
                         int64_t first) {
    T* best = static_cast<T*>(acc);
    uint32_t* index = indices(acc, capacity);
    const T* x = static_cast<const T*>(tile);
    if (c == 1) {
      for (int64_t i = 0; i < m; i++, x += k) {
        const int64_t at = firstOf(x, k);
        take(best[i], index[i], x[at], static_cast<uint32_t>(first + at));
      }
      return;
    }
    for (int64_t i = 0; i < m; i++, x += k * c, best += c, index += c) {
      for (int64_t l = 0; l < c; l += kColumns) {
        columns(best + l, index + l, x + l, k, c, std::min(kColumns, c - l), first);
      }
    }
  }

  /// Columns that are read row by row before the next ones, so that what is carried of them stays in the first cache.
  static constexpr int64_t kColumns = 512;

  /// Some columns of rows that have `stride` of them.
  static void columns(T* best, uint32_t* index, const T* x, int64_t rows, int64_t stride, int64_t count,
                      int64_t first) {
    for (int64_t row = 0; row < rows; row++, x += stride) {
      const uint32_t position = static_cast<uint32_t>(first + row);
      // All columns are unset, or none.
      if (*index == kUnset) {
        std::copy_n(x, count, best);
        std::fill_n(index, count, position);
        continue;
      }
#pragma GCC ivdep
      for (int64_t l = 0; l < count; l++) {
        const bool better = B::than(best[l], x[l]);
        best[l] = better ? x[l] : best[l];
        index[l] = better ? position : index[l];
      }
    }
  }

  static void take(T& best, uint32_t& index, T x, uint32_t position) {
    if (index == kUnset || B::than(best, x)) {
      best = x;
      index = position;
    }
  }

  static void combine(void* acc, const void* later, int64_t capacity, int64_t count) {
    T* best = static_cast<T*>(acc);
    uint32_t* index = indices(acc, capacity);
    const T* x = static_cast<const T*>(later);
    const uint32_t* position = indices(later, capacity);
    for (int64_t i = 0; i < count; i++) take(best[i], index[i], x[i], position[i]);
  }

  static void finish(void* out, const void* acc, int64_t capacity, int64_t count) {
    uint32_t* z = static_cast<uint32_t*>(out);
    const uint32_t* index = indices(acc, capacity);
    for (int64_t i = 0; i < count; i++) z[i] = index[i] == kUnset ? 0 : index[i];
  }
};

template <bool kMax, class T>
ReduceFns fns() {
  using P = Positions<kMax, T>;
  return {&P::init, &P::accumulate, &P::combine, &P::finish, sizeof(T) + sizeof(uint32_t)};
}

template <bool kMax>
ReduceFns ofDtype(Dtype dtype) {
  switch (dtype) {
    case Dtype::bool_:
    case Dtype::uint8:
      return fns<kMax, uint8_t>();
    case Dtype::uint16:
      return fns<kMax, uint16_t>();
    case Dtype::uint32:
      return fns<kMax, uint32_t>();
    case Dtype::uint64:
      return fns<kMax, uint64_t>();
    case Dtype::int8:
      return fns<kMax, int8_t>();
    case Dtype::int16:
      return fns<kMax, int16_t>();
    case Dtype::int32:
      return fns<kMax, int32_t>();
    case Dtype::int64:
      return fns<kMax, int64_t>();
    case Dtype::float16:
    case Dtype::bfloat16:
    case Dtype::float32:
      return fns<kMax, float>();
    case Dtype::float64:
      return fns<kMax, double>();
    case Dtype::complex64:
      return fns<kMax, Complex>();
  }
  return {};
}

}  // namespace

ReduceFns positionReduction(ReduceOp op, Dtype dtype) {
  return op == ReduceOp::argmax ? ofDtype<true>(dtype) : ofDtype<false>(dtype);
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

ReduceFns positionReduction(ReduceOp op, Dtype dtype) { return METALGRAD_CHOOSE(positionReduction)(op, dtype); }

}  // namespace metalgrad::cpu
#endif
