// SLEEF's functions with an error of at most 1 ULP, by the vector target's own names.
#if defined(METALGRAD_CPU_OPS_SLEEF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALGRAD_CPU_OPS_SLEEF_INL_H_
#undef METALGRAD_CPU_OPS_SLEEF_INL_H_
#else
#define METALGRAD_CPU_OPS_SLEEF_INL_H_
#endif

#include "hwy/highway.h"

// Declared here because sleef.h declares only what the whole translation unit is compiled for.
#undef METALGRAD_SLEEF_F
#undef METALGRAD_SLEEF_D
#if HWY_TARGET == HWY_AVX3
#define METALGRAD_SLEEF_F(name) Sleef_##name##f16_u10avx512f
#define METALGRAD_SLEEF_D(name) Sleef_##name##d8_u10avx512f
#elif HWY_TARGET == HWY_AVX2
#define METALGRAD_SLEEF_F(name) Sleef_##name##f8_u10avx2
#define METALGRAD_SLEEF_D(name) Sleef_##name##d4_u10avx2
#elif HWY_TARGET == HWY_SCALAR
#define METALGRAD_SLEEF_F(name) Sleef_##name##f_u10
#define METALGRAD_SLEEF_D(name) Sleef_##name##_u10
#else
#define METALGRAD_SLEEF_F(name) Sleef_##name##f4_u10advsimd
#define METALGRAD_SLEEF_D(name) Sleef_##name##d2_u10advsimd
#endif

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Doubles = hn::ScalableTag<double>;
using FloatVec = hn::Vec<Floats>;
using DoubleVec = hn::Vec<Doubles>;
using RawFloats = decltype(FloatVec().raw);
using RawDoubles = decltype(DoubleVec().raw);

#define METALGRAD_SLEEF(Function, name)                                                                \
  extern "C" RawFloats METALGRAD_SLEEF_F(name)(RawFloats);                                             \
  extern "C" RawDoubles METALGRAD_SLEEF_D(name)(RawDoubles);                                           \
  struct Function {                                                                                    \
    static FloatVec apply(Floats, FloatVec v) { return FloatVec{METALGRAD_SLEEF_F(name)(v.raw)}; }     \
    static DoubleVec apply(Doubles, DoubleVec v) { return DoubleVec{METALGRAD_SLEEF_D(name)(v.raw)}; } \
  };
#define METALGRAD_SLEEF2(Function, name)                                                                              \
  extern "C" RawFloats METALGRAD_SLEEF_F(name)(RawFloats, RawFloats);                                                 \
  extern "C" RawDoubles METALGRAD_SLEEF_D(name)(RawDoubles, RawDoubles);                                              \
  struct Function {                                                                                                   \
    static FloatVec apply(Floats, FloatVec v, FloatVec w) { return FloatVec{METALGRAD_SLEEF_F(name)(v.raw, w.raw)}; } \
    static DoubleVec apply(Doubles, DoubleVec v, DoubleVec w) {                                                       \
      return DoubleVec{METALGRAD_SLEEF_D(name)(v.raw, w.raw)};                                                        \
    }                                                                                                                 \
  };

METALGRAD_SLEEF(SleefExp, exp)
METALGRAD_SLEEF(SleefExpm1, expm1)
METALGRAD_SLEEF(SleefLog, log)
METALGRAD_SLEEF(SleefLog2, log2)
METALGRAD_SLEEF(SleefLog10, log10)
METALGRAD_SLEEF(SleefLog1p, log1p)
METALGRAD_SLEEF(SleefSin, sin)
METALGRAD_SLEEF(SleefCos, cos)
METALGRAD_SLEEF(SleefTan, tan)
METALGRAD_SLEEF(SleefSinh, sinh)
METALGRAD_SLEEF(SleefCosh, cosh)
METALGRAD_SLEEF(SleefTanh, tanh)
METALGRAD_SLEEF(SleefArcsin, asin)
METALGRAD_SLEEF(SleefArccos, acos)
METALGRAD_SLEEF(SleefArctan, atan)
METALGRAD_SLEEF(SleefArcsinh, asinh)
METALGRAD_SLEEF(SleefArccosh, acosh)
METALGRAD_SLEEF(SleefArctanh, atanh)
METALGRAD_SLEEF(SleefErf, erf)
METALGRAD_SLEEF2(SleefPower, pow)
METALGRAD_SLEEF2(SleefArctan2, atan2)

#undef METALGRAD_SLEEF
#undef METALGRAD_SLEEF2

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
