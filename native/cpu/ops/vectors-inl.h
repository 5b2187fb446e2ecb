// Loops over tiles from functions on vectors, compiled for each vector target.
#if defined(METALGRAD_CPU_OPS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef METALGRAD_CPU_OPS_VECTORS_INL_H_
#undef METALGRAD_CPU_OPS_VECTORS_INL_H_
#else
#define METALGRAD_CPU_OPS_VECTORS_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "cpu/ops/tile.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The last elements are masked, or go through a buffer of one vector: no element outside the operands is touched, and
// every element is computed by the same code, so that a result does not depend on its place in a tile.

template <class D>
HWY_INLINE hn::Vec<D> loadPart(D d, const hn::TFromD<D>* from, int64_t n) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(hn::TFromD<D>) >= 4) return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n)), d, from);
#endif
  HWY_ALIGN hn::TFromD<D> buffer[hn::MaxLanes(D())] = {};
  std::memcpy(buffer, from, static_cast<size_t>(n) * sizeof(buffer[0]));
  return hn::Load(d, buffer);
}

template <class D>
HWY_INLINE void storePart(D d, hn::Vec<D> v, hn::TFromD<D>* to, int64_t n) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(hn::TFromD<D>) >= 4) return hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, to);
#endif
  HWY_ALIGN hn::TFromD<D> buffer[hn::MaxLanes(D())];
  hn::Store(v, d, buffer);
  std::memcpy(to, buffer, static_cast<size_t>(n) * sizeof(buffer[0]));
}

template <class Op, class T>
void unaryVectors(void* out, const void* a, const void*, const void*, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  T* z = static_cast<T*>(out);
  const T* x = static_cast<const T*>(a);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(Op::apply(d, hn::LoadU(d, x + i)), d, z + i);
  if (i < n) storePart(d, Op::apply(d, loadPart(d, x + i, n - i)), z + i, n - i);
}

template <class Op, class T, bool kA, bool kB>
void binaryVectors(void* out, const void* a, const void* b, const void*, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  T* z = static_cast<T*>(out);
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  const auto x0 = hn::Set(d, *x), y0 = hn::Set(d, *y);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(Op::apply(d, kA ? x0 : hn::LoadU(d, x + i), kB ? y0 : hn::LoadU(d, y + i)), d, z + i);
  }
  if (i < n) {
    const int64_t rest = n - i;
    storePart(d, Op::apply(d, kA ? x0 : loadPart(d, x + i, rest), kB ? y0 : loadPart(d, y + i, rest)), z + i, rest);
  }
}

template <class Op, class T>
TileFn vectors(unsigned scalars) {
  return scalars == 0 ? &unaryVectors<Op, T> : nullptr;
}

template <class Op, class T>
TileFn vectors2(unsigned scalars) {
  switch (scalars) {
    case 0:
      return &binaryVectors<Op, T, false, false>;
    case kScalarA:
      return &binaryVectors<Op, T, true, false>;
    case kScalarB:
      return &binaryVectors<Op, T, false, true>;
    default:
      return nullptr;
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
