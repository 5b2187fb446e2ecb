// Arithmetic of float32 and float64: everything that IEEE 754 defines, and what NumPy makes of division with floor.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/float.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <cmath>

#include "cpu/ops/families.h"
#include "cpu/ops/loops-inl.h"
#include "cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return a + b;
  }
};
struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    return a - b;
  }
};
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    return a * b;
  }
};
struct Divide {
  template <class T>
  static T apply(T a, T b) {
    return a / b;
  }
};
struct MultiplyAdd {
  template <class T>
  static T apply(T a, T b, T c) {
    return std::fma(a, b, c);
  }
};
struct Negative {
  template <class T>
  static T apply(T a) {
    return -a;
  }
};
struct Abs {
  template <class T>
  static T apply(T a) {
    return std::abs(a);
  }
};
struct Sign {
  template <class T>
  static T apply(T a) {
    return a > 0 ? T{1} : a < 0 ? T{-1} : a == 0 ? T{0} : a;
  }
};
struct Square {
  template <class T>
  static T apply(T a) {
    return a * a;
  }
};
struct Reciprocal {
  template <class T>
  static T apply(T a) {
    return 1 / a;
  }
};
struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    return (a > b) | (a != a) ? a : b;
  }
};
struct Minimum {
  template <class T>
  static T apply(T a, T b) {
    return (a < b) | (a != a) ? a : b;
  }
};

/// Has the divisor's sign, also where it is zero, as in Python.
struct Remainder {
  template <class T>
  static T apply(T a, T b) {
    const T rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(T{0}, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
  }
};
/// The quotient that goes with Remainder: exact where a rounded a / b is not. After NumPy's npy_divmod.
struct FloorDivide {
  template <class T>
  static T apply(T a, T b) {
    if (b == 0) return a / b;
    T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T{0}, a / b);
    const T down = std::floor(quotient);
    return quotient - down > T{0.5} ? down + 1 : down;
  }
};

struct Sqrt {
  template <class D, class V>
  static V apply(D, V v) {
    return hn::Sqrt(v);
  }
};
struct Rsqrt {
  template <class D, class V>
  static V apply(D d, V v) {
    return hn::Div(hn::Set(d, 1), hn::Sqrt(v));
  }
};
struct Floor {
  template <class D, class V>
  static V apply(D, V v) {
    return hn::Floor(v);
  }
};
struct Ceil {
  template <class D, class V>
  static V apply(D, V v) {
    return hn::Ceil(v);
  }
};
struct Round {
  template <class D, class V>
  static V apply(D, V v) {
    return hn::Round(v);
  }
};
struct Trunc {
  template <class D, class V>
  static V apply(D, V v) {
    return hn::Trunc(v);
  }
};

/// start + step · position, computed in float64.
template <class T>
void arange(void* out, const void* a, const void* b, const void* c, int64_t n) {
  T* z = static_cast<T*>(out);
  const int64_t* position = static_cast<const int64_t*>(a);
  const double start = *static_cast<const double*>(b), step = *static_cast<const double*>(c);
  METALGRAD_INDEPENDENT
  for (int64_t i = 0; i < n; i++) z[i] = static_cast<T>(start + step * static_cast<double>(position[i]));
}

template <class T>
TileFn arithmetic(ElementwiseOp op, unsigned scalars) {
  switch (op) {
    case ElementwiseOp::arange:
      return &arange<T>;
    case ElementwiseOp::negative:
      return unary<Negative, T>(scalars);
    case ElementwiseOp::abs:
      return unary<Abs, T>(scalars);
    case ElementwiseOp::sign:
      return unary<Sign, T>(scalars);
    case ElementwiseOp::sqrt:
      return vectors<Sqrt, T>(scalars);
    case ElementwiseOp::rsqrt:
      return vectors<Rsqrt, T>(scalars);
    case ElementwiseOp::square:
      return unary<Square, T>(scalars);
    case ElementwiseOp::reciprocal:
      return unary<Reciprocal, T>(scalars);
    case ElementwiseOp::floor:
      return vectors<Floor, T>(scalars);
    case ElementwiseOp::ceil:
      return vectors<Ceil, T>(scalars);
    case ElementwiseOp::round:
      return vectors<Round, T>(scalars);
    case ElementwiseOp::trunc:
      return vectors<Trunc, T>(scalars);
    case ElementwiseOp::add:
      return binary<Add, T>(scalars);
    case ElementwiseOp::subtract:
      return binary<Subtract, T>(scalars);
    case ElementwiseOp::multiply:
      return binary<Multiply, T>(scalars);
    case ElementwiseOp::divide:
      return binary<Divide, T>(scalars);
    case ElementwiseOp::floorDivide:
      return binary<FloorDivide, T>(scalars);
    case ElementwiseOp::remainder:
      return binary<Remainder, T>(scalars);
    case ElementwiseOp::maximum:
      return binary<Maximum, T>(scalars);
    case ElementwiseOp::minimum:
      return binary<Minimum, T>(scalars);
    case ElementwiseOp::multiplyAdd:
      return ternary<MultiplyAdd, T, T>(scalars);
    default:
      return nullptr;
  }
}

}  // namespace

TileFn floatFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  switch (dtype) {
    case Dtype::float32:
      return arithmetic<float>(op, scalars);
    case Dtype::float64:
      return arithmetic<double>(op, scalars);
    default:
      return nullptr;
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

TileFn floatFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  return METALGRAD_CHOOSE(floatFn)(op, dtype, scalars);
}

}  // namespace metalgrad::cpu
#endif
