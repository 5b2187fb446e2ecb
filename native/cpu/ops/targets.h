// The generations of vector units that tile functions are compiled for, and the choice among them at run time.
// Include first, before hwy/foreach_target.h.
#pragma once

#include <string_view>

// Portable code stands for everything older than AVX2; on ARM, NEON is always there and SVE brings nothing here.
#define HWY_DISABLED_TARGETS \
  (HWY_AVX3_DL | HWY_SSE4 | HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

namespace metalgrad::cpu {

enum class SimdTarget { portable, neon, avx2, avx512 };

/// The best target that this machine has; METALGRAD_SIMD=portable or avx2 asks for a lesser one.
SimdTarget simdTarget();
std::string_view simdTargetName();

}  // namespace metalgrad::cpu

// METALGRAD_CHOOSE(f): the version of f for simdTarget(). Usable once all targets are compiled (#if HWY_ONCE).
#if defined(__x86_64__)
#define METALGRAD_CHOOSE(function)                                  \
  (simdTarget() == SimdTarget::avx512 ? &N_AVX3::function           \
   : simdTarget() == SimdTarget::avx2 ? &N_AVX2::function           \
                                      : &N_EMU128::function)
#elif defined(__aarch64__)
#define METALGRAD_CHOOSE(function) (&N_NEON::function)
#else
#error "metalgrad runs on x86-64 and arm64"
#endif
