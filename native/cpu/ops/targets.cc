// Asks the processor once which vector unit it has.
#include "cpu/ops/targets.h"

#include <cstdlib>

namespace metalgrad::cpu {
namespace {

SimdTarget detect() {
#if defined(__x86_64__)
  const char* wish = std::getenv("METALGRAD_SIMD");
  const std::string_view most = wish ? wish : "";
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && most != "portable";
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && most != "avx2";
  return avx512 ? SimdTarget::avx512 : avx2 ? SimdTarget::avx2 : SimdTarget::portable;
#else
  return SimdTarget::neon;
#endif
}

}  // namespace

SimdTarget simdTarget() {
  static const SimdTarget target = detect();
  return target;
}

std::string_view simdTargetName() {
  switch (simdTarget()) {
    case SimdTarget::portable:
      return "portable";
    case SimdTarget::neon:
      return "neon";
    case SimdTarget::avx2:
      return "avx2";
    case SimdTarget::avx512:
      return "avx512";
  }
  return "portable";
}

}  // namespace metalgrad::cpu
