// Non-temporal stores of products as they are computed, compiled for each vector target.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/outer.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <algorithm>

#include "cpu/ops/outer.h"
#include "cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {

void streamRows(const float* factors, int64_t factorStride, int64_t rows, const float* row, int64_t columns, float* out,
                int64_t pitch) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto zero = hn::Zero(d);
  for (int64_t i = 0; i < rows; i++, out += pitch) {
    const auto factor = hn::Set(d, factors[i * factorStride]);
    // A sum of one product, which begins with 0: no result is −0.
    const auto part = [&](int64_t from, int64_t count) HWY_ATTR {
      storePart(d, hn::Add(hn::Mul(factor, loadPart(d, row + from, count)), zero), out + from, count);
    };
    // Vectors are streamed to where whole ones lie in memory.
    const int64_t misplaced = static_cast<int64_t>(reinterpret_cast<uintptr_t>(out) / sizeof(float)) & (lanes - 1);
    int64_t at = std::min(columns, misplaced == 0 ? 0 : lanes - misplaced);
    if (at > 0) part(0, at);
    for (; at + lanes <= columns; at += lanes) {
      hn::Stream(hn::Add(hn::Mul(factor, hn::LoadU(d, row + at)), zero), d, out + at);
    }
    if (at < columns) part(at, columns - at);
  }
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

void streamOuter(const float* factors, int64_t factorStride, int64_t rows, const float* row, int64_t columns,
                 float* out, int64_t pitch) {
  static const auto chosen = METALGRAD_CHOOSE(streamRows);
  chosen(factors, factorStride, rows, row, columns, out, pitch);
}

}  // namespace metalgrad::cpu
#endif
