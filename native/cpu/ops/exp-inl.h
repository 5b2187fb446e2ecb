// exp in float32 on vectors, and what is made of it: tanh and sigmoid.
#if defined(METALGRAD_CPU_OPS_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALGRAD_CPU_OPS_EXP_INL_H_
#undef METALGRAD_CPU_OPS_EXP_INL_H_
#else
#define METALGRAD_CPU_OPS_EXP_INL_H_
#endif

#include "cpu/ops/erfinv-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {

/// exp(x) = 2^n · exp(r) with |r| ≤ ln 2 / 2, and Cephes' polynomial for exp(r) (S. L. Moshier, expf).
struct Exp {
  static FloatVec apply(Floats d, FloatVec x) {
    // Beyond these bounds the result is 0 or infinity all the same.
#if HWY_TARGET == HWY_AVX3
    // The second operand is the result where one is NaN.
    const auto bounded = hn::Min(hn::Set(d, 90.0f), hn::Max(hn::Set(d, -105.0f), x));
#else
    const auto bounded = hn::Min(hn::Max(x, hn::Set(d, -105.0f)), hn::Set(d, 90.0f));
#endif
    const auto n = hn::Round(hn::Mul(bounded, hn::Set(d, 1.44269504088896341f)));
    // ln 2 in two parts; the product with the first is exact even without fused multiply-add.
    auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), bounded);
    r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
    const auto p = polynomial(d, r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                              1.6666665459e-1f, 5.0000001201e-1f);
    const auto y = hn::Add(hn::MulAdd(hn::Mul(r, r), p, r), hn::Set(d, 1.0f));
#if HWY_TARGET == HWY_AVX3
    return FloatVec{_mm512_scalef_ps(y.raw, n.raw)};
#else
    // Two factors, because n may be below the least exponent: then only the second product rounds.
    const hn::RebindToSigned<Floats> di;
    const auto exponent = hn::ConvertTo(di, n);
    const auto half = hn::ShiftRight<1>(exponent);
    const auto power = [&](auto e) { return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(e, hn::Set(di, 127)))); };
    const auto scaled = hn::Mul(hn::Mul(y, power(half)), power(hn::Sub(exponent, half)));
    return hn::IfThenElse(hn::Eq(x, x), scaled, x);
#endif
  }
};

/// Cephes' tanhf: a polynomial near 0, 1 - 2 / (exp(2|x|) + 1) elsewhere.
struct Tanh {
  static FloatVec apply(Floats d, FloatVec x) {
    const auto magnitude = hn::Abs(x);
    const auto z = hn::Mul(x, x);
    const auto p = polynomial(d, z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                              -3.33332819422e-1f);
    const auto near = hn::MulAdd(hn::Mul(p, z), x, x);
    const auto one = hn::Set(d, 1.0f), two = hn::Set(d, 2.0f);
    const auto e = Exp::apply(d, hn::Mul(two, magnitude));
    const auto far = hn::CopySign(hn::Sub(one, hn::Div(two, hn::Add(e, one))), x);
    return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), near, far);
  }
};

/// 1 / (1 + exp(-x)), from exp(-|x|) so that nothing overflows and small results keep their digits.
struct Sigmoid {
  template <class Exponential, class D, class V>
  static V of(D d, V x) {
    const auto one = hn::Set(d, 1);
    const auto e = Exponential::apply(d, hn::Neg(hn::Abs(x)));
    return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  }
  static FloatVec apply(Floats d, FloatVec x) { return of<Exp>(d, x); }
  static DoubleVec apply(Doubles d, DoubleVec x) { return of<SleefExp>(d, x); }
};

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
