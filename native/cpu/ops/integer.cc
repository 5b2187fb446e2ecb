// Arithmetic of integers, which wraps, and of bool, where add is or and multiply is and.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/integer.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <limits>
#include <type_traits>

#include "cpu/ops/families.h"
#include "cpu/ops/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

/// Wide enough for the product of two T, so that no promotion to int overflows.
template <class T>
using Wide = std::conditional_t<(sizeof(T) < 4), uint32_t, std::make_unsigned_t<T>>;

template <class T>
constexpr T lowest = std::numeric_limits<T>::min();

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wide<T>>(a) + static_cast<Wide<T>>(b));
  }
};
struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wide<T>>(a) - static_cast<Wide<T>>(b));
  }
};
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b));
  }
};
struct MultiplyAdd {
  template <class T>
  static T apply(T a, T b, T c) {
    return Add::apply(Multiply::apply(a, b), c);
  }
};
struct Negative {
  template <class T>
  static T apply(T a) {
    return Subtract::apply(T{0}, a);
  }
};
struct Abs {
  template <class T>
  static T apply(T a) {
    return a < 0 ? Negative::apply(a) : a;
  }
};
struct Sign {
  template <class T>
  static T apply(T a) {
    return static_cast<T>((a > 0) - (a < 0));
  }
};
struct Square {
  template <class T>
  static T apply(T a) {
    return Multiply::apply(a, a);
  }
};
struct Identity {
  template <class T>
  static T apply(T a) {
    return a;
  }
};
struct Invert {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(~a);
  }
};
struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    return a > b ? a : b;
  }
};
struct Minimum {
  template <class T>
  static T apply(T a, T b) {
    return a < b ? a : b;
  }
};
struct And {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};

/// The quotient rounded to zero; 0 for b = 0. A floating quotient is exact enough for up to 32 bits, and vectorizes:
/// a quotient that is no integer is at least 1 / |b| away from one.
struct Divide {
  template <class T>
  static T apply(T a, T b) {
    const T divisor = b == 0 ? T{1} : b;
    T quotient;
    if constexpr (sizeof(T) < 4) {
      quotient = static_cast<T>(static_cast<int32_t>(static_cast<float>(a) / static_cast<float>(divisor)));
    } else if constexpr (sizeof(T) == 4) {
      quotient = static_cast<T>(static_cast<int64_t>(static_cast<double>(a) / static_cast<double>(divisor)));
    } else if constexpr (std::is_signed_v<T>) {
      quotient = divisor == -1 ? Negative::apply(a) : static_cast<T>(a / divisor);
    } else {
      quotient = a / divisor;
    }
    return b == 0 ? T{0} : quotient;
  }
};

/// Rounds to minus infinity.
struct FloorDivide {
  template <class T>
  static T apply(T a, T b) {
    const T quotient = Divide::apply(a, b);
    if constexpr (std::is_unsigned_v<T>) {
      return quotient;
    } else {
      const T rest = Subtract::apply(a, Multiply::apply(quotient, b));
      const bool down = b != 0 && rest != 0 && ((rest < 0) != (b < 0));
      return static_cast<T>(quotient - (down ? 1 : 0));
    }
  }
};

/// Has the divisor's sign.
struct Remainder {
  template <class T>
  static T apply(T a, T b) {
    const T rest = Subtract::apply(a, Multiply::apply(Divide::apply(a, b), b));
    if constexpr (std::is_unsigned_v<T>) {
      return b == 0 ? T{0} : rest;
    } else {
      const bool up = rest != 0 && ((rest < 0) != (b < 0));
      return b == 0 ? T{0} : up ? Add::apply(rest, b) : rest;
    }
  }
};

/// Wraps; a negative exponent gives 0 but for the bases 1 and -1.
struct Power {
  template <class T>
  static T apply(T base, T exponent) {
    if constexpr (std::is_signed_v<T>) {
      if (exponent < 0) {
        if (base == 1) return 1;
        if (base == -1) return (exponent & 1) ? T{-1} : T{1};
        return 0;
      }
    }
    T result = 1;
    for (auto e = static_cast<std::make_unsigned_t<T>>(exponent); e != 0; e = static_cast<decltype(e)>(e >> 1)) {
      if (e & 1) result = Multiply::apply(result, base);
      base = Multiply::apply(base, base);
    }
    return result;
  }
};

/// Bits that leave are lost; a negative distance counts as a large one.
struct LeftShift {
  template <class T>
  static T apply(T a, T b) {
    constexpr std::make_unsigned_t<T> kBits = sizeof(T) * 8;
    const bool inside = static_cast<std::make_unsigned_t<T>>(b) < kBits;
    const T shifted = static_cast<T>(static_cast<Wide<T>>(a) << (static_cast<unsigned>(b) & (kBits - 1)));
    return inside ? shifted : T{0};
  }
};
struct RightShift {
  template <class T>
  static T apply(T a, T b) {
    constexpr std::make_unsigned_t<T> kBits = sizeof(T) * 8;
    const bool inside = static_cast<std::make_unsigned_t<T>>(b) < kBits;
    const T shifted = static_cast<T>(a >> (static_cast<unsigned>(b) & (kBits - 1)));
    return inside ? shifted : static_cast<T>(a < 0 ? -1 : 0);
  }
};

struct Zero {
  static uint8_t apply(uint8_t, uint8_t) { return 0; }
};
struct AndNot {
  static uint8_t apply(uint8_t a, uint8_t b) { return a & (b ^ 1); }
};
struct OrNot {
  static uint8_t apply(uint8_t a, uint8_t b) { return a | (b ^ 1); }
};
struct LogicalNot {
  static uint8_t apply(uint8_t a) { return a ^ 1; }
};
struct AndOr {
  static uint8_t apply(uint8_t a, uint8_t b, uint8_t c) { return (a & b) | c; }
};

/// start + step · position, wrapping.
template <class T>
void arange(void* out, const void* a, const void* b, const void* c, int64_t n) {
  T* z = static_cast<T*>(out);
  const int64_t* position = static_cast<const int64_t*>(a);
  const uint64_t start = *static_cast<const uint64_t*>(b), step = *static_cast<const uint64_t*>(c);
  for (int64_t i = 0; i < n; i++) z[i] = static_cast<T>(start + step * static_cast<uint64_t>(position[i]));
}

template <class T>
TileFn integer(ElementwiseOp op, unsigned scalars) {
  // Where sign makes no difference one function serves both.
  using U = std::make_unsigned_t<T>;
  switch (op) {
    case ElementwiseOp::arange:
      return &arange<U>;
    case ElementwiseOp::negative:
      return unary<Negative, U>(scalars);
    case ElementwiseOp::abs:
      if constexpr (std::is_signed_v<T>) return unary<Abs, T>(scalars);
      return unary<Identity, U>(scalars);
    case ElementwiseOp::sign:
      return unary<Sign, T>(scalars);
    case ElementwiseOp::square:
      return unary<Square, U>(scalars);
    case ElementwiseOp::floor:
    case ElementwiseOp::ceil:
    case ElementwiseOp::round:
    case ElementwiseOp::trunc:
      return unary<Identity, U>(scalars);
    case ElementwiseOp::invert:
      return unary<Invert, U>(scalars);
    case ElementwiseOp::add:
      return binary<Add, U>(scalars);
    case ElementwiseOp::subtract:
      return binary<Subtract, U>(scalars);
    case ElementwiseOp::multiply:
      return binary<Multiply, U>(scalars);
    case ElementwiseOp::divide:
      return binary<Divide, T>(scalars);
    case ElementwiseOp::floorDivide:
      return binary<FloorDivide, T>(scalars);
    case ElementwiseOp::remainder:
      return binary<Remainder, T>(scalars);
    case ElementwiseOp::power:
      return binary<Power, T>(scalars);
    case ElementwiseOp::maximum:
      return binary<Maximum, T>(scalars);
    case ElementwiseOp::minimum:
      return binary<Minimum, T>(scalars);
    case ElementwiseOp::and_:
      return binary<And, U>(scalars);
    case ElementwiseOp::or_:
      return binary<Or, U>(scalars);
    case ElementwiseOp::xor_:
      return binary<Xor, U>(scalars);
    case ElementwiseOp::leftShift:
      return binary<LeftShift, U>(scalars);
    case ElementwiseOp::rightShift:
      return binary<RightShift, T>(scalars);
    case ElementwiseOp::multiplyAdd:
      return ternary<MultiplyAdd, U, U>(scalars);
    default:
      return nullptr;
  }
}

TileFn boolean(ElementwiseOp op, unsigned scalars) {
  switch (op) {
    case ElementwiseOp::negative:
    case ElementwiseOp::abs:
    case ElementwiseOp::sign:
    case ElementwiseOp::square:
    case ElementwiseOp::floor:
    case ElementwiseOp::ceil:
    case ElementwiseOp::round:
    case ElementwiseOp::trunc:
      return unary<Identity, uint8_t>(scalars);
    case ElementwiseOp::invert:
      return unary<LogicalNot, uint8_t>(scalars);
    case ElementwiseOp::add:
    case ElementwiseOp::maximum:
    case ElementwiseOp::or_:
      return binary<Or, uint8_t>(scalars);
    case ElementwiseOp::subtract:
    case ElementwiseOp::xor_:
      return binary<Xor, uint8_t>(scalars);
    case ElementwiseOp::multiply:
    case ElementwiseOp::minimum:
    case ElementwiseOp::divide:
    case ElementwiseOp::floorDivide:
    case ElementwiseOp::and_:
      return binary<And, uint8_t>(scalars);
    case ElementwiseOp::remainder:
      return binary<Zero, uint8_t>(scalars);
    case ElementwiseOp::power:
      return binary<OrNot, uint8_t>(scalars);
    case ElementwiseOp::leftShift:
    case ElementwiseOp::rightShift:
      return binary<AndNot, uint8_t>(scalars);
    case ElementwiseOp::multiplyAdd:
      return ternary<AndOr, uint8_t, uint8_t>(scalars);
    default:
      return nullptr;
  }
}

}  // namespace

TileFn integerFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  switch (dtype) {
    case Dtype::bool_:
      return boolean(op, scalars);
    case Dtype::uint8:
      return integer<uint8_t>(op, scalars);
    case Dtype::uint16:
      return integer<uint16_t>(op, scalars);
    case Dtype::uint32:
      return integer<uint32_t>(op, scalars);
    case Dtype::uint64:
      return integer<uint64_t>(op, scalars);
    case Dtype::int8:
      return integer<int8_t>(op, scalars);
    case Dtype::int16:
      return integer<int16_t>(op, scalars);
    case Dtype::int32:
      return integer<int32_t>(op, scalars);
    case Dtype::int64:
      return integer<int64_t>(op, scalars);
    default:
      return nullptr;
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

TileFn integerFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  return METALGRAD_CHOOSE(integerFn)(op, dtype, scalars);
}

}  // namespace metalgrad::cpu
#endif
