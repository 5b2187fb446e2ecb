// Reductions over tiles: sum, prod, max, min. Floating sums and products add up short runs in the tile's own format and
// carry float64 from run to run, so that the sum of 1e8 ones is 1e8.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/reduce.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "cpu/half.h"
#include "cpu/ops/complex.h"
#include "cpu/ops/reductions.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

struct WideComplex {
  double re, im;
};

/// What is carried from run to run.
template <class T>
struct Carried {
  using type = T;
};
template <>
struct Carried<float> {
  using type = double;
};
template <>
struct Carried<Complex> {
  using type = WideComplex;
};

template <class A, class T>
A widenTo(T x) {
  if constexpr (std::is_same_v<A, WideComplex> && std::is_same_v<T, Complex>)
    return {x.re, x.im};
  else
    return static_cast<A>(x);
}

template <class T>
bool isNan(T x) {
  if constexpr (std::is_same_v<T, Complex>)
    return (x.re != x.re) | (x.im != x.im);
  else
    return x != x;
}

template <class T>
constexpr T least() {
  if constexpr (std::is_same_v<T, Complex>)
    return {-INFINITY, -INFINITY};
  else if constexpr (std::numeric_limits<T>::has_infinity)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::lowest();
}
template <class T>
constexpr T greatest() {
  if constexpr (std::is_same_v<T, Complex>)
    return {INFINITY, INFINITY};
  else if constexpr (std::numeric_limits<T>::has_infinity)
    return std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::max();
}

struct Sum {
  template <class T>
  using Carry = typename Carried<T>::type;
  template <class T>
  static constexpr T identity() {
    return T{};
  }
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_class_v<T>)
      return {a.re + b.re, a.im + b.im};
    else
      return static_cast<T>(a + b);
  }
};
struct Prod {
  template <class T>
  using Carry = typename Carried<T>::type;
  template <class T>
  static constexpr T identity() {
    if constexpr (std::is_class_v<T>)
      return {1, 0};
    else
      return 1;
  }
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_class_v<T>)
      return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    else if constexpr (sizeof(T) < 4)
      return static_cast<T>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
    else
      return a * b;
  }
};
struct Max {
  template <class T>
  using Carry = T;
  template <class T>
  static constexpr T identity() {
    return least<T>();
  }
  template <class T>
  static T apply(T a, T b) {
    // Not one choice by two conditions: compilers make branches of several of those.
    const T larger = a > b ? a : b;
    return isNan(a) ? a : larger;
  }
};
struct Min {
  template <class T>
  using Carry = T;
  template <class T>
  static constexpr T identity() {
    return greatest<T>();
  }
  template <class T>
  static T apply(T a, T b) {
    const T smaller = a < b ? a : b;
    return isNan(a) ? a : smaller;
  }
};
template <>
Complex Max::apply<Complex>(Complex a, Complex b) {
  return isNan(a) || (a > b && !isNan(b)) ? a : b;
}
template <>
Complex Min::apply<Complex>(Complex a, Complex b) {
  return isNan(a) || (a < b && !isNan(b)) ? a : b;
}

template <class Op, class T>
struct Reducer {
  using Carry = typename Op::template Carry<T>;
  static constexpr bool kWidens = !std::is_same_v<Carry, T>;
  /// Independent partial results, for the vector lanes and the latency of their operations.
  static constexpr int64_t kLanes = std::is_class_v<T> ? 4 : 256 / static_cast<int64_t>(sizeof(T));
  /// Products keep no long runs in float32: they could overflow where the whole does not.
  static constexpr int64_t kRun = kWidens && std::is_same_v<Op, Prod> ? kLanes : 4096;

  /// Four rows are joined before they meet what is carried: less of it is read and written.
  static constexpr bool kJoins = kRun > kLanes;

  static void init(void* acc, int64_t, int64_t count) {
    std::fill_n(static_cast<Carry*>(acc), count, Op::template identity<Carry>());
  }

  static Carry row(const T* x, int64_t n) {
    Carry total = Op::template identity<Carry>();
    for (int64_t begin = 0; begin < n; begin += kRun) {
      const int64_t end = std::min(n, begin + kRun);
      int64_t i = begin;
      if (end - begin >= 2 * kLanes) {
        T partial[kLanes];
        for (int64_t lane = 0; lane < kLanes; lane++) partial[lane] = x[i + lane];
        for (i += kLanes; i + kLanes <= end; i += kLanes) {
          for (int64_t lane = 0; lane < kLanes; lane++) partial[lane] = Op::apply(partial[lane], x[i + lane]);
        }
#pragma GCC unroll 1
        for (int64_t lane = 0; lane < kLanes; lane++) total = Op::apply(total, widenTo<Carry>(partial[lane]));
      }
#pragma GCC unroll 1
      for (; i < end; i++) total = Op::apply(total, widenTo<Carry>(x[i]));
    }
    return total;
  }

  static void accumulate(void* acc, int64_t, const void* tile, int64_t m, int64_t k, int64_t c, int64_t) {
    Carry* sum = static_cast<Carry*>(acc);
    const T* x = static_cast<const T*>(tile);
    if (c == 1) {
      for (int64_t i = 0; i < m; i++) sum[i] = Op::apply(sum[i], row(x + i * k, k));
      return;
    }
    for (int64_t i = 0; i < m; i++, sum += c) {
      int64_t j = 0;
      if constexpr (kJoins) {
        for (; j + 4 <= k; j += 4, x += 4 * c) {
#pragma GCC ivdep
          for (int64_t l = 0; l < c; l++) {
            const T joined = Op::apply(Op::apply(x[l], x[c + l]), Op::apply(x[2 * c + l], x[3 * c + l]));
            sum[l] = Op::apply(sum[l], widenTo<Carry>(joined));
          }
        }
      }
      for (; j < k; j++, x += c) {
#pragma GCC ivdep
        for (int64_t l = 0; l < c; l++) sum[l] = Op::apply(sum[l], widenTo<Carry>(x[l]));
      }
    }
  }

  static void combine(void* acc, const void* later, int64_t, int64_t count) {
    Carry* sum = static_cast<Carry*>(acc);
    const Carry* x = static_cast<const Carry*>(later);
    for (int64_t i = 0; i < count; i++) sum[i] = Op::apply(sum[i], x[i]);
  }

  template <class Out, Out (*kNarrow)(Carry)>
  static void finish(void* out, const void* acc, int64_t, int64_t count) {
    Out* z = static_cast<Out*>(out);
    const Carry* sum = static_cast<const Carry*>(acc);
    for (int64_t i = 0; i < count; i++) z[i] = kNarrow(sum[i]);
  }
};

template <class T>
T same(T x) {
  return x;
}
float toFloat(double x) { return static_cast<float>(x); }
Complex toComplex(WideComplex x) { return {static_cast<float>(x.re), static_cast<float>(x.im)}; }
/// float32 with the last bit set if it is not exact: rounding it again to 16 bits rounds once.
float toOdd(double x) {
  const float nearest = static_cast<float>(x);
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  bits -= std::abs(static_cast<double>(nearest)) > std::abs(x) ? 1 : 0;
  bits |= static_cast<double>(nearest) != x ? 1 : 0;
  return std::bit_cast<float>(bits);
}
uint16_t toHalf(double x) { return floatToHalf(toOdd(x)); }
uint16_t toBfloat(double x) { return floatToBfloat(toOdd(x)); }
uint16_t toHalfExact(float x) { return floatToHalf(x); }
uint16_t toBfloatExact(float x) { return floatToBfloat(x); }

template <class Op, class T, class Out, Out (*kNarrow)(typename Op::template Carry<T>)>
ReduceFns fns() {
  using R = Reducer<Op, T>;
  return {&R::init, &R::accumulate, &R::combine, &R::template finish<Out, kNarrow>, sizeof(typename R::Carry)};
}

template <class Op>
ReduceFns ofIntegers(Dtype dtype) {
  // The signs of wrapping sums and products do not matter; those of extremes do.
  constexpr bool kSigned = std::is_same_v<Op, Max> || std::is_same_v<Op, Min>;
  switch (dtype) {
    case Dtype::int8:
      if constexpr (kSigned) return fns<Op, int8_t, int8_t, &same<int8_t>>();
      [[fallthrough]];
    case Dtype::uint8:
      return fns<Op, uint8_t, uint8_t, &same<uint8_t>>();
    case Dtype::int16:
      if constexpr (kSigned) return fns<Op, int16_t, int16_t, &same<int16_t>>();
      [[fallthrough]];
    case Dtype::uint16:
      return fns<Op, uint16_t, uint16_t, &same<uint16_t>>();
    case Dtype::int32:
      if constexpr (kSigned) return fns<Op, int32_t, int32_t, &same<int32_t>>();
      [[fallthrough]];
    case Dtype::uint32:
      return fns<Op, uint32_t, uint32_t, &same<uint32_t>>();
    case Dtype::int64:
      if constexpr (kSigned) return fns<Op, int64_t, int64_t, &same<int64_t>>();
      [[fallthrough]];
    case Dtype::uint64:
      return fns<Op, uint64_t, uint64_t, &same<uint64_t>>();
    default:
      return {};
  }
}

/// Sums and products: carried in float64.
template <class Op>
ReduceFns accumulating(Dtype dtype) {
  switch (dtype) {
    case Dtype::float16:
      return fns<Op, float, uint16_t, &toHalf>();
    case Dtype::bfloat16:
      return fns<Op, float, uint16_t, &toBfloat>();
    case Dtype::float32:
      return fns<Op, float, float, &toFloat>();
    case Dtype::float64:
      return fns<Op, double, double, &same<double>>();
    case Dtype::complex64:
      return fns<Op, Complex, Complex, &toComplex>();
    default:
      return ofIntegers<Op>(dtype);
  }
}

template <class Op>
ReduceFns extreme(Dtype dtype) {
  switch (dtype) {
    case Dtype::float16:
      return fns<Op, float, uint16_t, &toHalfExact>();
    case Dtype::bfloat16:
      return fns<Op, float, uint16_t, &toBfloatExact>();
    case Dtype::float32:
      return fns<Op, float, float, &same<float>>();
    case Dtype::float64:
      return fns<Op, double, double, &same<double>>();
    case Dtype::complex64:
      return fns<Op, Complex, Complex, &same<Complex>>();
    default:
      return ofIntegers<Op>(dtype);
  }
}

struct Any {
  template <class T>
  using Carry = T;
  template <class T>
  static constexpr T identity() {
    return 0;
  }
  template <class T>
  static T apply(T a, T b) {
    return a | b;
  }
};
struct All {
  template <class T>
  using Carry = T;
  template <class T>
  static constexpr T identity() {
    return 1;
  }
  template <class T>
  static T apply(T a, T b) {
    return a & b;
  }
};

}  // namespace

ReduceFns arithmeticReduction(ReduceOp op, Dtype dtype) {
  if (dtype == Dtype::bool_) {
    const bool any = op == ReduceOp::sum || op == ReduceOp::max;
    return any ? fns<Any, uint8_t, uint8_t, &same<uint8_t>>() : fns<All, uint8_t, uint8_t, &same<uint8_t>>();
  }
  switch (op) {
    case ReduceOp::sum:
      return accumulating<Sum>(dtype);
    case ReduceOp::prod:
      return accumulating<Prod>(dtype);
    case ReduceOp::max:
      return extreme<Max>(dtype);
    case ReduceOp::min:
      return extreme<Min>(dtype);
    default:
      return {};
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

ReduceFns arithmeticReduction(ReduceOp op, Dtype dtype) { return METALGRAD_CHOOSE(arithmeticReduction)(op, dtype); }

ReduceFns reduceFns(ReduceOp op, Dtype dtype) {
  const bool position = op == ReduceOp::argmax || op == ReduceOp::argmin;
  return position ? positionReduction(op, dtype) : arithmeticReduction(op, dtype);
}

}  // namespace metalgrad::cpu
#endif
