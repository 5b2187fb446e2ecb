// Comparisons, which give bool, and select. Complex numbers are ordered by real, then imaginary part.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/compare.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include "cpu/ops/complex.h"
#include "cpu/ops/families.h"
#include "cpu/ops/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

struct Equal {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a != b;
  }
};
struct Less {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  static uint8_t apply(T a, T b) {
    return b < a;
  }
};
struct GreaterEqual {
  template <class T>
  static uint8_t apply(T a, T b) {
    return b <= a;
  }
};
struct Select {
  template <class T>
  static T apply(uint8_t condition, T a, T b) {
    return condition ? a : b;
  }
};

template <class T, class Bits = T>
TileFn compare(ElementwiseOp op, unsigned scalars) {
  switch (op) {
    case ElementwiseOp::equal:
      return binary<Equal, Bits, uint8_t>(scalars);
    case ElementwiseOp::notEqual:
      return binary<NotEqual, Bits, uint8_t>(scalars);
    case ElementwiseOp::less:
      return binary<Less, T, uint8_t>(scalars);
    case ElementwiseOp::lessEqual:
      return binary<LessEqual, T, uint8_t>(scalars);
    case ElementwiseOp::greater:
      return binary<Greater, T, uint8_t>(scalars);
    case ElementwiseOp::greaterEqual:
      return binary<GreaterEqual, T, uint8_t>(scalars);
    default:
      return nullptr;
  }
}

/// The condition of a select is never single: a kernel spreads it first.
template <class T>
TileFn select(unsigned scalars) {
  switch (scalars) {
    case 0:
      return &ternaryLoop<Select, uint8_t, T, false, false, false>;
    case kScalarB:
      return &ternaryLoop<Select, uint8_t, T, false, true, false>;
    case kScalarC:
      return &ternaryLoop<Select, uint8_t, T, false, false, true>;
    case kScalarB | kScalarC:
      return &ternaryLoop<Select, uint8_t, T, false, true, true>;
    default:
      return nullptr;
  }
}

}  // namespace

TileFn compareFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  switch (dtype) {
    case Dtype::bool_:
    case Dtype::uint8:
      return compare<uint8_t>(op, scalars);
    case Dtype::uint16:
      return compare<uint16_t>(op, scalars);
    case Dtype::uint32:
      return compare<uint32_t>(op, scalars);
    case Dtype::uint64:
      return compare<uint64_t>(op, scalars);
    case Dtype::int8:
      return compare<int8_t, uint8_t>(op, scalars);
    case Dtype::int16:
      return compare<int16_t, uint16_t>(op, scalars);
    case Dtype::int32:
      return compare<int32_t, uint32_t>(op, scalars);
    case Dtype::int64:
      return compare<int64_t, uint64_t>(op, scalars);
    case Dtype::float32:
      return compare<float>(op, scalars);
    case Dtype::float64:
      return compare<double>(op, scalars);
    case Dtype::complex64:
      return compare<Complex>(op, scalars);
    default:
      return nullptr;
  }
}

TileFn selectFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  if (op != ElementwiseOp::select) return nullptr;
  switch (itemSize(dtype)) {
    case 1:
      return select<uint8_t>(scalars);
    case 2:
      return select<uint16_t>(scalars);
    case 4:
      return select<uint32_t>(scalars);
    default:
      return select<uint64_t>(scalars);
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

TileFn compareFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  return METALGRAD_CHOOSE(compareFn)(op, dtype, scalars);
}
TileFn selectFn(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  return METALGRAD_CHOOSE(selectFn)(op, dtype, scalars);
}

}  // namespace metalgrad::cpu
#endif
