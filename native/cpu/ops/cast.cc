// Conversions between dtypes. Floats become integers by truncation, wrapping as an int64 does (beyond int64 they
// saturate, NaN gives 0); everything but zero is true; complex numbers lose their imaginary part.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/cast.cc"
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
#include "cpu/ops/loops-inl.h"
#include "cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

/// Marks bool among the byte types.
struct Bool {
  uint8_t value;
};

template <class To>
struct Convert {
  template <class From>
  static To apply(From x) {
    if constexpr (std::is_same_v<From, Bool>) {
      return Convert<To>::apply(x.value);
    } else if constexpr (std::is_same_v<To, Bool>) {
      return Bool{static_cast<uint8_t>(x != From{})};
    } else if constexpr (std::is_same_v<From, Complex>) {
      if constexpr (std::is_same_v<To, Complex>)
        return x;
      else
        return Convert<To>::apply(x.re);
    } else if constexpr (std::is_same_v<To, Complex>) {
      return Complex{static_cast<float>(x), 0.0f};
    } else {
      return static_cast<To>(x);
    }
  }
};

template <class To, class From>
To truncate(From x) {
  // 2^63 and 2^64, exact in either format.
  constexpr From k63 = static_cast<From>(9223372036854775808.0), k64 = static_cast<From>(18446744073709551616.0);
  if (x != x) return 0;
  if constexpr (std::is_same_v<To, uint64_t>) {
    if (x >= k64) return std::numeric_limits<uint64_t>::max();
    if (x >= k63) return static_cast<uint64_t>(x - k63) + (uint64_t{1} << 63);
  }
  const int64_t wide = x >= k63    ? std::numeric_limits<int64_t>::max()
                       : x <= -k63 ? std::numeric_limits<int64_t>::min()
                                   : static_cast<int64_t>(x);
  return static_cast<To>(wide);
}

/// Short runs whose numbers all fit in int32 take a conversion that every vector unit has.
template <class From, class To>
void floatToInteger(void* out, const void* a, const void*, const void*, int64_t n) {
  To* z = static_cast<To*>(out);
  const From* x = static_cast<const From*>(a);
  for (int64_t begin = 0; begin < n; begin += 256) {
    const int64_t end = std::min(n, begin + 256);
    unsigned large = 0;
    for (int64_t i = begin; i < end; i++) large |= std::abs(x[i]) < From{2147483648.0} ? 0 : 1;
    if (large) {
      for (int64_t i = begin; i < end; i++) z[i] = truncate<To>(x[i]);
    } else {
      METALGRAD_INDEPENDENT
      for (int64_t i = begin; i < end; i++) z[i] = static_cast<To>(static_cast<int32_t>(x[i]));
    }
  }
}

template <class To>
void complexToInteger(void* out, const void* a, const void*, const void*, int64_t n) {
  To* z = static_cast<To*>(out);
  const Complex* x = static_cast<const Complex*>(a);
  for (int64_t i = 0; i < n; i++) z[i] = truncate<To>(x[i].re);
}

template <class From, class To>
TileFn convert() {
  if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    return &floatToInteger<From, To>;
  } else if constexpr (std::is_integral_v<To> && std::is_same_v<From, Complex>) {
    return &complexToInteger<To>;
  } else {
    return &unaryLoop<Convert<To>, From, To>;
  }
}

template <class From>
TileFn castFrom(Dtype to) {
  switch (to) {
    case Dtype::bool_:
      return convert<From, Bool>();
    case Dtype::uint8:
    case Dtype::int8:
      return convert<From, uint8_t>();
    case Dtype::uint16:
    case Dtype::int16:
      return convert<From, uint16_t>();
    case Dtype::uint32:
    case Dtype::int32:
      return convert<From, uint32_t>();
    case Dtype::uint64:
      return convert<From, uint64_t>();
    case Dtype::int64:
      return convert<From, int64_t>();
    case Dtype::float32:
      return convert<From, float>();
    case Dtype::float64:
      return convert<From, double>();
    case Dtype::complex64:
      return convert<From, Complex>();
    default:
      return nullptr;
  }
}

/// Keeps the 24 leading bits, the last of them set if any bit was lost.
struct OddOfInteger {
  template <class T>
  static float apply(T x) {
    const uint64_t magnitude = x < 0 ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
    const int lost = std::max(0, 40 - std::countl_zero(magnitude));
    const uint64_t rest = magnitude & ((uint64_t{1} << lost) - 1);
    const uint64_t kept = (magnitude >> lost | (rest != 0 ? 1 : 0)) << lost;
    const float result = static_cast<float>(kept);
    return x < 0 ? -result : result;
  }
};
struct OddOfDouble {
  static float apply(double x) {
    const float nearest = static_cast<float>(x);
    uint32_t bits = std::bit_cast<uint32_t>(nearest);
    bits -= std::abs(static_cast<double>(nearest)) > std::abs(x) ? 1 : 0;
    bits |= static_cast<double>(nearest) != x ? 1 : 0;
    return std::bit_cast<float>(bits);
  }
};

struct RoundToBfloat {
  static float apply(float x) { return bfloatToFloat(floatToBfloat(x)); }
};
struct FromBfloat {
  static float apply(uint16_t x) { return bfloatToFloat(x); }
};
struct ToBfloat {
  static uint16_t apply(float x) { return floatToBfloat(x); }
};

#if HWY_TARGET == HWY_SCALAR
struct RoundToHalf {
  static float apply(float x) { return halfToFloat(floatToHalf(x)); }
};
struct FromHalf {
  static float apply(uint16_t x) { return halfToFloat(x); }
};
struct ToHalf {
  static uint16_t apply(float x) { return floatToHalf(x); }
};
constexpr TileFn kRoundToHalf = &unaryLoop<RoundToHalf, float, float>;
constexpr TileFn kFromHalf = &unaryLoop<FromHalf, uint16_t, float>;
constexpr TileFn kToHalf = &unaryLoop<ToHalf, float, uint16_t>;
#else
void roundToHalf(void* out, const void* a, const void*, const void*, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  float* z = static_cast<float*>(out);
  const float* x = static_cast<const float*>(a);
  const auto apply = [&](auto v) { return hn::PromoteTo(d, hn::DemoteTo(d16, v)); };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(apply(hn::LoadU(d, x + i)), d, z + i);
  if (i < n) storePart(d, apply(loadPart(d, x + i, n - i)), z + i, n - i);
}
void fromHalf(void* out, const void* a, const void*, const void*, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  float* z = static_cast<float*>(out);
  const hwy::float16_t* x = static_cast<const hwy::float16_t*>(a);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::PromoteTo(d, hn::LoadU(d16, x + i)), d, z + i);
  if (i < n) storePart(d, hn::PromoteTo(d, loadPart(d16, x + i, n - i)), z + i, n - i);
}
void toHalf(void* out, const void* a, const void*, const void*, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hwy::float16_t* z = static_cast<hwy::float16_t*>(out);
  const float* x = static_cast<const float*>(a);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::DemoteTo(d16, hn::LoadU(d, x + i)), d16, z + i);
  if (i < n) storePart(d16, hn::DemoteTo(d16, loadPart(d, x + i, n - i)), z + i, n - i);
}
constexpr TileFn kRoundToHalf = &roundToHalf;
constexpr TileFn kFromHalf = &fromHalf;
constexpr TileFn kToHalf = &toHalf;
#endif

}  // namespace

TileFn castTile(Dtype from, Dtype to) {
  switch (from) {
    case Dtype::bool_:
      return castFrom<Bool>(to);
    case Dtype::uint8:
      return castFrom<uint8_t>(to);
    case Dtype::uint16:
      return castFrom<uint16_t>(to);
    case Dtype::uint32:
      return castFrom<uint32_t>(to);
    case Dtype::uint64:
      return castFrom<uint64_t>(to);
    case Dtype::int8:
      return castFrom<int8_t>(to);
    case Dtype::int16:
      return castFrom<int16_t>(to);
    case Dtype::int32:
      return castFrom<int32_t>(to);
    case Dtype::int64:
      return castFrom<int64_t>(to);
    case Dtype::float32:
      return castFrom<float>(to);
    case Dtype::float64:
      return castFrom<double>(to);
    case Dtype::complex64:
      return castFrom<Complex>(to);
    default:
      return nullptr;
  }
}

TileFn castToOdd(Dtype from) {
  switch (from) {
    case Dtype::uint32:
      return &unaryLoop<OddOfInteger, uint32_t, float>;
    case Dtype::uint64:
      return &unaryLoop<OddOfInteger, uint64_t, float>;
    case Dtype::int32:
      return &unaryLoop<OddOfInteger, int32_t, float>;
    case Dtype::int64:
      return &unaryLoop<OddOfInteger, int64_t, float>;
    case Dtype::float64:
      return &unaryLoop<OddOfDouble, double, float>;
    default:
      return castTile(from, Dtype::float32);
  }
}

TileFn roundTo(Dtype half) { return half == Dtype::float16 ? kRoundToHalf : &unaryLoop<RoundToBfloat, float, float>; }
TileFn widenHalf(Dtype half) { return half == Dtype::float16 ? kFromHalf : &unaryLoop<FromBfloat, uint16_t, float>; }
TileFn narrowHalf(Dtype half) { return half == Dtype::float16 ? kToHalf : &unaryLoop<ToBfloat, float, uint16_t>; }

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

TileFn castTile(Dtype from, Dtype to) { return METALGRAD_CHOOSE(castTile)(from, to); }
TileFn castToOdd(Dtype from) { return METALGRAD_CHOOSE(castToOdd)(from); }
TileFn roundTo(Dtype half) { return METALGRAD_CHOOSE(roundTo)(half); }
TileFn widenHalf(Dtype half) { return METALGRAD_CHOOSE(widenHalf)(half); }
TileFn narrowHalf(Dtype half) { return METALGRAD_CHOOSE(narrowHalf)(half); }

}  // namespace metalgrad::cpu
#endif
