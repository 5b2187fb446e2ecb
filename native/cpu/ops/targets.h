// The generations of vector units that tile functions are compiled for, and the choice among them at run time.
// Include first, before hwy/foreach_target.h.
#pragma once

#include <string_view>

#if defined(__x86_64__)
// Portable code (Highway's scalar target, which the compiler vectorizes for SSE2) stands for everything before AVX2.
// Bits 0 to 14 are Highway's x86 targets, whatever its version.
#define HWY_BROKEN_SCALAR 1
#define HWY_DISABLED_TARGETS (0x7fffLL & ~(HWY_AVX2 | HWY_AVX3))
#else
// Every arm64 processor has NEON.
#define HWY_COMPILE_ONLY_STATIC
#endif

namespace metalgrad::cpu {

enum class SimdTarget { portable, neon, avx2, avx512 };

/// The best target that this machine has; METALGRAD_SIMD=portable or avx2 asks for a lesser one.
SimdTarget simdTarget();
std::string_view simdTargetName();

}  // namespace metalgrad::cpu

// METALGRAD_CHOOSE(f): the version of f for simdTarget(). Usable once all targets are compiled (#if HWY_ONCE).
#if defined(__x86_64__)
#define METALGRAD_CHOOSE(function)                        \
  (simdTarget() == SimdTarget::avx512 ? &N_AVX3::function \
   : simdTarget() == SimdTarget::avx2 ? &N_AVX2::function \
                                      : &N_SCALAR::function)
#elif defined(__aarch64__)
#define METALGRAD_CHOOSE(function) (&HWY_NAMESPACE::function)
#else
#error "metalgrad runs on x86-64 and arm64"
#endif
