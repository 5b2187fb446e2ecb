// Operations of complex64. Products and quotients with more digits than they show, elementary functions in float64.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/complex.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <cmath>
#include <complex>

#include "cpu/ops/complex.h"
#include "cpu/ops/families.h"
#include "cpu/ops/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

using Wide = std::complex<double>;

Wide wide(Complex z) { return {static_cast<double>(z.re), static_cast<double>(z.im)}; }
Complex narrow(Wide z) { return {static_cast<float>(z.real()), static_cast<float>(z.imag())}; }
bool isNan(Complex z) { return (z.re != z.re) | (z.im != z.im); }

struct Add {
  static Complex apply(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
};
struct Subtract {
  static Complex apply(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
};
/// In float64, where the products are exact.
struct MultiplyAdd {
  static Complex apply(Complex a, Complex b, Complex c) {
    const double ar = a.re, ai = a.im, br = b.re, bi = b.im;
    return {static_cast<float>(ar * br - ai * bi + c.re), static_cast<float>(ar * bi + ai * br + c.im)};
  }
};
struct Multiply {
  static Complex apply(Complex a, Complex b) {
    const double ar = a.re, ai = a.im, br = b.re, bi = b.im;
    return {static_cast<float>(ar * br - ai * bi), static_cast<float>(ar * bi + ai * br)};
  }
};
/// Nothing overflows in float64; infinite and zero divisors as C's rules give them.
struct Divide {
  static Complex apply(Complex a, Complex b) { return narrow(wide(a) / wide(b)); }
};
struct Negative {
  static Complex apply(Complex z) { return {-z.re, -z.im}; }
};
struct Conjugate {
  static Complex apply(Complex z) { return {z.re, -z.im}; }
};
struct Square {
  static Complex apply(Complex z) { return Multiply::apply(z, z); }
};
struct Reciprocal {
  static Complex apply(Complex z) { return Divide::apply({1, 0}, z); }
};
struct Abs {
  static float apply(Complex z) {
    const double re = z.re, im = z.im;
    const double length = std::sqrt(re * re + im * im);
    return std::isinf(z.re) || std::isinf(z.im) ? INFINITY : static_cast<float>(length);
  }
};
/// z / |z|, and 0 for 0.
struct Sign {
  static Complex apply(Complex z) {
    if (z.re == 0 && z.im == 0) return {0, 0};
    const double re = z.re, im = z.im, length = std::sqrt(re * re + im * im);
    return {static_cast<float>(re / length), static_cast<float>(im / length)};
  }
};
struct Real {
  static float apply(Complex z) { return z.re; }
};
struct Imag {
  static float apply(Complex z) { return z.im; }
};
struct Maximum {
  static Complex apply(Complex a, Complex b) { return isNan(a) || (a > b && !isNan(b)) ? a : b; }
};
struct Minimum {
  static Complex apply(Complex a, Complex b) { return isNan(a) || (a < b && !isNan(b)) ? a : b; }
};
/// 0 to a power is 0 or 1 where that has a sense, and small integral powers are products, exact where products are.
struct Power {
  static Complex apply(Complex base, Complex exponent) {
    if (exponent.re == 0 && exponent.im == 0) return {1, 0};
    if (base.re == 0 && base.im == 0) return exponent.re > 0 ? Complex{0, 0} : Complex{NAN, NAN};
    if (exponent.im == 0 && std::abs(exponent.re) <= 64 && exponent.re == std::trunc(exponent.re)) {
      const Wide z = wide(base);
      Wide result{1, 0}, factor = z;
      for (int e = static_cast<int>(std::abs(exponent.re)); e > 0; e >>= 1) {
        if (e & 1) result *= factor;
        factor *= factor;
      }
      return narrow(exponent.re < 0 ? Wide{1, 0} / result : result);
    }
    return narrow(std::pow(wide(base), wide(exponent)));
  }
};

/// From |1 + z|² - 1, but near -1, where that would lose what |1 + z| is.
Wide log1p(Wide z) {
  const double re = z.real(), im = z.imag();
  const double length = re < -0.5 ? std::log(std::hypot(1 + re, im)) : 0.5 * std::log1p(re * (2 + re) + im * im);
  return {length, std::atan2(im, 1 + re)};
}
struct Logaddexp {
  static Complex apply(Complex a, Complex b) {
    const Complex larger = a.re > b.re ? a : b, smaller = a.re > b.re ? b : a;
    if (a == b) return narrow(wide(a) + std::log(2.0));
    return narrow(wide(larger) + log1p(std::exp(wide(smaller) - wide(larger))));
  }
};

#define METALGRAD_COMPLEX(Function, expression) \
  struct Function {                             \
    static Complex apply(Complex narrowed) {    \
      const Wide z = wide(narrowed);            \
      return narrow(expression);                \
    }                                           \
  };
METALGRAD_COMPLEX(Exp, std::exp(z))
METALGRAD_COMPLEX(Expm1,
                  (Wide{std::expm1(z.real()) * std::cos(z.imag()) - 2 * std::sin(z.imag() / 2) * std::sin(z.imag() / 2),
                        std::exp(z.real()) * std::sin(z.imag())}))
METALGRAD_COMPLEX(Log, std::log(z))
METALGRAD_COMPLEX(Log2, std::log(z) / 0.69314718055994530942)
METALGRAD_COMPLEX(Log10, std::log(z) / 2.30258509299404568402)
METALGRAD_COMPLEX(Log1p, log1p(z))
METALGRAD_COMPLEX(Sqrt, std::sqrt(z))
METALGRAD_COMPLEX(Rsqrt, (Wide{1, 0} / std::sqrt(z)))
METALGRAD_COMPLEX(Sin, std::sin(z))
METALGRAD_COMPLEX(Cos, std::cos(z))
METALGRAD_COMPLEX(Tan, std::tan(z))
METALGRAD_COMPLEX(Sinh, std::sinh(z))
METALGRAD_COMPLEX(Cosh, std::cosh(z))
METALGRAD_COMPLEX(Tanh, std::tanh(z))
METALGRAD_COMPLEX(Arcsin, std::asin(z))
METALGRAD_COMPLEX(Arccos, std::acos(z))
METALGRAD_COMPLEX(Arctan, std::atan(z))
METALGRAD_COMPLEX(Arcsinh, std::asinh(z))
METALGRAD_COMPLEX(Arccosh, std::acosh(z))
METALGRAD_COMPLEX(Arctanh, std::atanh(z))
METALGRAD_COMPLEX(Sigmoid, (Wide{1, 0} / (1.0 + std::exp(-z))))
#undef METALGRAD_COMPLEX

void arange(void* out, const void* a, const void* b, const void* c, int64_t n) {
  Complex* z = static_cast<Complex*>(out);
  const int64_t* position = static_cast<const int64_t*>(a);
  const Wide start = wide(*static_cast<const Complex*>(b)), step = wide(*static_cast<const Complex*>(c));
  for (int64_t i = 0; i < n; i++) z[i] = narrow(start + step * static_cast<double>(position[i]));
}

}  // namespace

TileFn complexFn(ElementwiseOp op, unsigned scalars) {
  switch (op) {
    case ElementwiseOp::arange:
      return &arange;
    case ElementwiseOp::negative:
      return unary<Negative, Complex>(scalars);
    case ElementwiseOp::abs:
      return unary<Abs, Complex, float>(scalars);
    case ElementwiseOp::sign:
      return unary<Sign, Complex>(scalars);
    case ElementwiseOp::exp:
      return unary<Exp, Complex>(scalars);
    case ElementwiseOp::expm1:
      return unary<Expm1, Complex>(scalars);
    case ElementwiseOp::log:
      return unary<Log, Complex>(scalars);
    case ElementwiseOp::log2:
      return unary<Log2, Complex>(scalars);
    case ElementwiseOp::log10:
      return unary<Log10, Complex>(scalars);
    case ElementwiseOp::log1p:
      return unary<Log1p, Complex>(scalars);
    case ElementwiseOp::sqrt:
      return unary<Sqrt, Complex>(scalars);
    case ElementwiseOp::rsqrt:
      return unary<Rsqrt, Complex>(scalars);
    case ElementwiseOp::square:
      return unary<Square, Complex>(scalars);
    case ElementwiseOp::reciprocal:
      return unary<Reciprocal, Complex>(scalars);
    case ElementwiseOp::sin:
      return unary<Sin, Complex>(scalars);
    case ElementwiseOp::cos:
      return unary<Cos, Complex>(scalars);
    case ElementwiseOp::tan:
      return unary<Tan, Complex>(scalars);
    case ElementwiseOp::sinh:
      return unary<Sinh, Complex>(scalars);
    case ElementwiseOp::cosh:
      return unary<Cosh, Complex>(scalars);
    case ElementwiseOp::tanh:
      return unary<Tanh, Complex>(scalars);
    case ElementwiseOp::arcsin:
      return unary<Arcsin, Complex>(scalars);
    case ElementwiseOp::arccos:
      return unary<Arccos, Complex>(scalars);
    case ElementwiseOp::arctan:
      return unary<Arctan, Complex>(scalars);
    case ElementwiseOp::arcsinh:
      return unary<Arcsinh, Complex>(scalars);
    case ElementwiseOp::arccosh:
      return unary<Arccosh, Complex>(scalars);
    case ElementwiseOp::arctanh:
      return unary<Arctanh, Complex>(scalars);
    case ElementwiseOp::sigmoid:
      return unary<Sigmoid, Complex>(scalars);
    case ElementwiseOp::real:
      return unary<Real, Complex, float>(scalars);
    case ElementwiseOp::imag:
      return unary<Imag, Complex, float>(scalars);
    case ElementwiseOp::conjugate:
      return unary<Conjugate, Complex>(scalars);
    case ElementwiseOp::add:
      return binary<Add, Complex>(scalars);
    case ElementwiseOp::subtract:
      return binary<Subtract, Complex>(scalars);
    case ElementwiseOp::multiply:
      return binary<Multiply, Complex>(scalars);
    case ElementwiseOp::divide:
      return binary<Divide, Complex>(scalars);
    case ElementwiseOp::power:
      return binary<Power, Complex>(scalars);
    case ElementwiseOp::maximum:
      return binary<Maximum, Complex>(scalars);
    case ElementwiseOp::minimum:
      return binary<Minimum, Complex>(scalars);
    case ElementwiseOp::logaddexp:
      return binary<Logaddexp, Complex>(scalars);
    case ElementwiseOp::multiplyAdd:
      return ternary<MultiplyAdd, Complex, Complex>(scalars);
    default:
      return nullptr;
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

TileFn complexFn(ElementwiseOp op, unsigned scalars) { return METALGRAD_CHOOSE(complexFn)(op, scalars); }

}  // namespace metalgrad::cpu
#endif
