// Loops over tiles from functions on single elements, compiled for each vector target; the compiler vectorizes them.
#if defined(METALGRAD_CPU_OPS_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALGRAD_CPU_OPS_LOOPS_INL_H_
#undef METALGRAD_CPU_OPS_LOOPS_INL_H_
#else
#define METALGRAD_CPU_OPS_LOOPS_INL_H_
#endif

#include <cstdint>

#include "cpu/ops/tile.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {

// Out may be the same memory as an operand, index by index, which is no dependency between iterations.
#define METALGRAD_INDEPENDENT _Pragma("GCC ivdep")

template <class Op, class In, class Out>
void unaryLoop(void* out, const void* a, const void*, const void*, int64_t n) {
  Out* z = static_cast<Out*>(out);
  const In* x = static_cast<const In*>(a);
  METALGRAD_INDEPENDENT
  for (int64_t i = 0; i < n; i++) z[i] = Op::apply(x[i]);
}

template <class Op, class In, class Out, bool kA, bool kB>
void binaryLoop(void* out, const void* a, const void* b, const void*, int64_t n) {
  Out* z = static_cast<Out*>(out);
  const In* x = static_cast<const In*>(a);
  const In* y = static_cast<const In*>(b);
  const In x0 = *x, y0 = *y;
  METALGRAD_INDEPENDENT
  for (int64_t i = 0; i < n; i++) z[i] = Op::apply(kA ? x0 : x[i], kB ? y0 : y[i]);
}

template <class Op, class A, class T, bool kA, bool kB, bool kC>
void ternaryLoop(void* out, const void* a, const void* b, const void* c, int64_t n) {
  T* z = static_cast<T*>(out);
  const A* w = static_cast<const A*>(a);
  const T* x = static_cast<const T*>(b);
  const T* y = static_cast<const T*>(c);
  const A w0 = *w;
  const T x0 = *x, y0 = *y;
  METALGRAD_INDEPENDENT
  for (int64_t i = 0; i < n; i++) z[i] = Op::apply(kA ? w0 : w[i], kB ? x0 : x[i], kC ? y0 : y[i]);
}

template <class Op, class In, class Out = In>
TileFn unary(unsigned scalars) {
  return scalars == 0 ? &unaryLoop<Op, In, Out> : nullptr;
}

template <class Op, class In, class Out = In>
TileFn binary(unsigned scalars) {
  switch (scalars) {
    case 0:
      return &binaryLoop<Op, In, Out, false, false>;
    case kScalarA:
      return &binaryLoop<Op, In, Out, true, false>;
    case kScalarB:
      return &binaryLoop<Op, In, Out, false, true>;
    default:
      return nullptr;
  }
}

template <class Op, class A, class T>
TileFn ternary(unsigned scalars) {
  switch (scalars) {
    case 0:
      return &ternaryLoop<Op, A, T, false, false, false>;
    case kScalarA:
      return &ternaryLoop<Op, A, T, true, false, false>;
    case kScalarB:
      return &ternaryLoop<Op, A, T, false, true, false>;
    case kScalarC:
      return &ternaryLoop<Op, A, T, false, false, true>;
    case kScalarA | kScalarB:
      return &ternaryLoop<Op, A, T, true, true, false>;
    case kScalarA | kScalarC:
      return &ternaryLoop<Op, A, T, true, false, true>;
    case kScalarB | kScalarC:
      return &ternaryLoop<Op, A, T, false, true, true>;
    default:
      return nullptr;
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
