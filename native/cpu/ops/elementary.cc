// Elementary functions of float32 and float64.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/elementary.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include "cpu/ops/erfinv-inl.h"
#include "cpu/ops/exp-inl.h"
#include "cpu/ops/families.h"
#include "cpu/ops/sleef-inl.h"
#include "cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

/// Rounds to float32. Highway's scalar target would turn infinities into the largest number.
template <class D>
HWY_INLINE hn::Vec<D> narrowed(D d, DoubleVec v) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(d, static_cast<float>(hn::GetLane(v)));
#else
  return hn::DemoteTo(d, v);
#endif
}

/// A float32 function computed in float64, where that is the simple way to a good result.
template <class Op>
void throughDouble(void* out, const void* a, const void*, const void*, int64_t n) {
  const Doubles dd;
  const hn::Rebind<float, Doubles> df;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(dd));
  float* z = static_cast<float*>(out);
  const float* x = static_cast<const float*>(a);
  const auto apply = [&](auto v) { return narrowed(df, Op::apply(dd, hn::PromoteTo(dd, v))); };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(apply(hn::LoadU(df, x + i)), df, z + i);
  if (i < n) storePart(df, apply(loadPart(df, x + i, n - i)), z + i, n - i);
}

template <class Op, bool kA, bool kB>
void throughDouble2(void* out, const void* a, const void* b, const void*, int64_t n) {
  const Doubles dd;
  const hn::Rebind<float, Doubles> df;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(dd));
  float* z = static_cast<float*>(out);
  const float* x = static_cast<const float*>(a);
  const float* y = static_cast<const float*>(b);
  const auto x0 = hn::Set(df, *x), y0 = hn::Set(df, *y);
  const auto apply = [&](auto v, auto w) {
    return narrowed(df, Op::apply(dd, hn::PromoteTo(dd, v), hn::PromoteTo(dd, w)));
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(apply(kA ? x0 : hn::LoadU(df, x + i), kB ? y0 : hn::LoadU(df, y + i)), df, z + i);
  }
  if (i < n) {
    const int64_t rest = n - i;
    storePart(df, apply(kA ? x0 : loadPart(df, x + i, rest), kB ? y0 : loadPart(df, y + i, rest)), z + i, rest);
  }
}

template <class Op>
TileFn widened(unsigned scalars) {
  return scalars == 0 ? &throughDouble<Op> : nullptr;
}

template <class Op>
TileFn widened2(unsigned scalars) {
  switch (scalars) {
    case 0:
      return &throughDouble2<Op, false, false>;
    case kScalarA:
      return &throughDouble2<Op, true, false>;
    case kScalarB:
      return &throughDouble2<Op, false, true>;
    default:
      return nullptr;
  }
}

/// log(exp(a) + exp(b)) = max + log1p(exp(-|a - b|)); equal infinities have no difference.
struct Logaddexp {
  static DoubleVec apply(Doubles d, DoubleVec a, DoubleVec b) {
    const auto larger = hn::IfThenElse(hn::Gt(a, b), a, b);
    const auto distance = hn::IfThenElse(hn::Eq(a, b), hn::Zero(d), hn::Abs(hn::Sub(a, b)));
    const auto sum = hn::Add(larger, SleefLog1p::apply(d, SleefExp::apply(d, hn::Neg(distance))));
    return hn::IfThenElse(hn::Eq(a, a), sum, a);
  }
};

/// SLEEF's functions below overflow before their results do: beyond its bounds the other exponential vanishes.
/// Half the exponent first: exp(x) / 2 = (exp(x / 2) / 2) · exp(x / 2).
HWY_INLINE DoubleVec halfExp(Doubles d, DoubleVec magnitude) {
  const auto root = SleefExp::apply(d, hn::Mul(magnitude, hn::Set(d, 0.5)));
  return hn::Mul(hn::Mul(root, hn::Set(d, 0.5)), root);
}
struct Sinh {
  static DoubleVec apply(Doubles d, DoubleVec x) {
    const auto far = hn::Gt(hn::Abs(x), hn::Set(d, 100.0));
    const auto near = SleefSinh::apply(d, x);
    return hn::AllFalse(d, far) ? near : hn::IfThenElse(far, hn::CopySign(halfExp(d, hn::Abs(x)), x), near);
  }
};
struct Cosh {
  static DoubleVec apply(Doubles d, DoubleVec x) {
    const auto far = hn::Gt(hn::Abs(x), hn::Set(d, 100.0));
    const auto near = SleefCosh::apply(d, x);
    return hn::AllFalse(d, far) ? near : hn::IfThenElse(far, halfExp(d, hn::Abs(x)), near);
  }
};
/// log(2|x|), which asinh and acosh are once 1 / x² is nothing beside 1.
HWY_INLINE DoubleVec logTwice(Doubles d, DoubleVec magnitude) {
  return hn::Add(SleefLog::apply(d, magnitude), hn::Set(d, 0.69314718055994530942));
}
/// SLEEF's log1p gives infinity for the largest numbers, where adding 1 changes nothing.
struct Log1p {
  template <class D, class V>
  static V apply(D d, V x) {
    const auto far = hn::Gt(x, hn::Set(d, 1e30f));
    const auto near = SleefLog1p::apply(d, x);
    return hn::AllFalse(d, far) ? near : hn::IfThenElse(far, SleefLog::apply(d, x), near);
  }
};
struct Arcsinh {
  static DoubleVec apply(Doubles d, DoubleVec x) {
    const auto far = hn::Gt(hn::Abs(x), hn::Set(d, 1e10));
    const auto near = SleefArcsinh::apply(d, x);
    return hn::AllFalse(d, far) ? near : hn::IfThenElse(far, hn::CopySign(logTwice(d, hn::Abs(x)), x), near);
  }
};
struct Arccosh {
  static DoubleVec apply(Doubles d, DoubleVec x) {
    const auto far = hn::Gt(x, hn::Set(d, 1e10));
    const auto near = SleefArccosh::apply(d, x);
    return hn::AllFalse(d, far) ? near : hn::IfThenElse(far, logTwice(d, x), near);
  }
};

/// A tile to the power of one exponent is, for exponent 2, a square, exact to the last bit.
template <class T>
void powerOfTile(void* out, const void* a, const void* b, const void* c, int64_t n) {
  if (*static_cast<const T*>(b) != T{2}) return binaryVectors<SleefPower, T, false, true>(out, a, b, c, n);
  T* z = static_cast<T*>(out);
  const T* x = static_cast<const T*>(a);
  for (int64_t i = 0; i < n; i++) z[i] = x[i] * x[i];
}

template <class T>
TileFn power(unsigned scalars) {
  return scalars == kScalarB ? &powerOfTile<T> : vectors2<SleefPower, T>(scalars);
}

}  // namespace

TileFn elementary32(ElementwiseOp op, unsigned scalars) {
  switch (op) {
    case ElementwiseOp::exp:
      return vectors<Exp, float>(scalars);
    case ElementwiseOp::expm1:
      return vectors<SleefExpm1, float>(scalars);
    case ElementwiseOp::log:
      return vectors<SleefLog, float>(scalars);
    case ElementwiseOp::log2:
      return vectors<SleefLog2, float>(scalars);
    case ElementwiseOp::log10:
      return vectors<SleefLog10, float>(scalars);
    case ElementwiseOp::log1p:
      return vectors<Log1p, float>(scalars);
    case ElementwiseOp::sin:
      return vectors<SleefSin, float>(scalars);
    case ElementwiseOp::cos:
      return vectors<SleefCos, float>(scalars);
    case ElementwiseOp::tan:
      return vectors<SleefTan, float>(scalars);
    case ElementwiseOp::sinh:
      return widened<Sinh>(scalars);
    case ElementwiseOp::cosh:
      return widened<Cosh>(scalars);
    case ElementwiseOp::tanh:
      return vectors<Tanh, float>(scalars);
    case ElementwiseOp::arcsin:
      return vectors<SleefArcsin, float>(scalars);
    case ElementwiseOp::arccos:
      return vectors<SleefArccos, float>(scalars);
    case ElementwiseOp::arctan:
      return vectors<SleefArctan, float>(scalars);
    case ElementwiseOp::arcsinh:
      return widened<Arcsinh>(scalars);
    case ElementwiseOp::arccosh:
      return widened<Arccosh>(scalars);
    case ElementwiseOp::arctanh:
      return vectors<SleefArctanh, float>(scalars);
    case ElementwiseOp::erf:
      return vectors<SleefErf, float>(scalars);
    case ElementwiseOp::erfinv:
      return widened<Erfinv>(scalars);
    case ElementwiseOp::sigmoid:
      return vectors<Sigmoid, float>(scalars);
    case ElementwiseOp::power:
      return power<float>(scalars);
    case ElementwiseOp::arctan2:
      return vectors2<SleefArctan2, float>(scalars);
    case ElementwiseOp::logaddexp:
      return widened2<Logaddexp>(scalars);
    default:
      return nullptr;
  }
}

TileFn elementary64(ElementwiseOp op, unsigned scalars) {
  switch (op) {
    case ElementwiseOp::exp:
      return vectors<SleefExp, double>(scalars);
    case ElementwiseOp::expm1:
      return vectors<SleefExpm1, double>(scalars);
    case ElementwiseOp::log:
      return vectors<SleefLog, double>(scalars);
    case ElementwiseOp::log2:
      return vectors<SleefLog2, double>(scalars);
    case ElementwiseOp::log10:
      return vectors<SleefLog10, double>(scalars);
    case ElementwiseOp::log1p:
      return vectors<Log1p, double>(scalars);
    case ElementwiseOp::sin:
      return vectors<SleefSin, double>(scalars);
    case ElementwiseOp::cos:
      return vectors<SleefCos, double>(scalars);
    case ElementwiseOp::tan:
      return vectors<SleefTan, double>(scalars);
    case ElementwiseOp::sinh:
      return vectors<Sinh, double>(scalars);
    case ElementwiseOp::cosh:
      return vectors<Cosh, double>(scalars);
    case ElementwiseOp::tanh:
      return vectors<SleefTanh, double>(scalars);
    case ElementwiseOp::arcsin:
      return vectors<SleefArcsin, double>(scalars);
    case ElementwiseOp::arccos:
      return vectors<SleefArccos, double>(scalars);
    case ElementwiseOp::arctan:
      return vectors<SleefArctan, double>(scalars);
    case ElementwiseOp::arcsinh:
      return vectors<Arcsinh, double>(scalars);
    case ElementwiseOp::arccosh:
      return vectors<Arccosh, double>(scalars);
    case ElementwiseOp::arctanh:
      return vectors<SleefArctanh, double>(scalars);
    case ElementwiseOp::erf:
      return vectors<SleefErf, double>(scalars);
    case ElementwiseOp::erfinv:
      return vectors<Erfinv, double>(scalars);
    case ElementwiseOp::sigmoid:
      return vectors<Sigmoid, double>(scalars);
    case ElementwiseOp::power:
      return power<double>(scalars);
    case ElementwiseOp::arctan2:
      return vectors2<SleefArctan2, double>(scalars);
    case ElementwiseOp::logaddexp:
      return vectors2<Logaddexp, double>(scalars);
    default:
      return nullptr;
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

TileFn elementary32(ElementwiseOp op, unsigned scalars) { return METALGRAD_CHOOSE(elementary32)(op, scalars); }
TileFn elementary64(ElementwiseOp op, unsigned scalars) { return METALGRAD_CHOOSE(elementary64)(op, scalars); }

}  // namespace metalgrad::cpu
#endif
