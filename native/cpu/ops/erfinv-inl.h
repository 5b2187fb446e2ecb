// The inverse error function in float64.
#if defined(METALGRAD_CPU_OPS_ERFINV_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALGRAD_CPU_OPS_ERFINV_INL_H_
#undef METALGRAD_CPU_OPS_ERFINV_INL_H_
#else
#define METALGRAD_CPU_OPS_ERFINV_INL_H_
#endif

#include "cpu/ops/sleef-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {

/// Horner's rule, highest coefficient first.
template <class D, class V, class... Rest>
HWY_INLINE V polynomial(D d, V x, hn::TFromD<D> first, Rest... rest) {
  V sum = hn::Set(d, first);
  ((sum = hn::MulAdd(sum, x, hn::Set(d, static_cast<hn::TFromD<D>>(rest)))), ...);
  return sum;
}

/// erfinv(x) = Φ⁻¹((x + 1) / 2) / √2, with Φ⁻¹ as in M. J. Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37
/// (1988). Its p - 0.5 and min(p, 1 - p) are x / 2 and (1 - |x|) / 2, without cancellation.
struct Erfinv {
  static DoubleVec apply(Doubles d, DoubleVec x) {
    const auto magnitude = hn::Abs(x);
    const auto q = hn::Mul(x, hn::Set(d, 0.5));

    const auto center = hn::NegMulAdd(q, q, hn::Set(d, 0.180625));
    const auto inCenter =
        hn::Mul(q, hn::Div(polynomial(d, center, 2.5090809287301226727e+3, 3.3430575583588128105e+4,
                                      6.7265770927008700853e+4, 4.5921953931549871457e+4, 1.3731693765509461125e+4,
                                      1.9715909503065514427e+3, 1.3314166789178437745e+2, 3.3871328727963666080e+0),
                           polynomial(d, center, 5.2264952788528545610e+3, 2.8729085735721942674e+4,
                                      3.9307895800092710610e+4, 2.1213794301586595867e+4, 5.3941960214247511077e+3,
                                      6.8718700749205790830e+2, 4.2313330701600911252e+1, 1.0)));

    const auto tail = hn::Mul(hn::Sub(hn::Set(d, 1.0), magnitude), hn::Set(d, 0.5));
    const auto r = hn::Sqrt(hn::Neg(SleefLog::apply(d, tail)));
    const auto near = hn::Sub(r, hn::Set(d, 1.6));
    const auto inNear =
        hn::Div(polynomial(d, near, 7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
                           1.27045825245236838258e+0, 3.64784832476320460504e+0, 5.76949722146069140550e+0,
                           4.63033784615654529590e+0, 1.42343711074968357734e+0),
                polynomial(d, near, 1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
                           1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e+0,
                           2.05319162663775882187e+0, 1.0));
    const auto far = hn::Sub(r, hn::Set(d, 5.0));
    const auto inFar =
        hn::Div(polynomial(d, far, 2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
                           2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e+0,
                           5.46378491116411436990e+0, 6.65790464350110377720e+0),
                polynomial(d, far, 2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
                           7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
                           5.99832206555887937690e-1, 1.0));

    auto outside = hn::IfThenElse(hn::Le(r, hn::Set(d, 5.0)), inNear, inFar);
    outside = hn::IfThenElse(hn::Eq(magnitude, hn::Set(d, 1.0)), hn::Inf(d), outside);
    const auto result = hn::IfThenElse(hn::Le(hn::Abs(q), hn::Set(d, 0.425)), inCenter, hn::CopySign(outside, x));
    return hn::Mul(result, hn::Set(d, 0.70710678118654752440));
  }
};

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
