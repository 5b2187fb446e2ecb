// Arrays of float16 and bfloat16 to float32 and back.
#include "cpu/half.h"

#include "cpu/clones.h"

namespace metalgrad::cpu {
namespace {

METALGRAD_CLONES void widenHalf(const uint16_t* __restrict from, float* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = halfToFloat(from[i]);
}

METALGRAD_CLONES void narrowHalf(const float* __restrict from, uint16_t* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = floatToHalf(from[i]);
}

METALGRAD_CLONES void widenBfloat(const uint16_t* __restrict from, float* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = bfloatToFloat(from[i]);
}

METALGRAD_CLONES void narrowBfloat(const float* __restrict from, uint16_t* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = floatToBfloat(from[i]);
}

}  // namespace

void widen(Dtype dtype, const uint16_t* from, float* to, int64_t count) {
  dtype == Dtype::float16 ? widenHalf(from, to, count) : widenBfloat(from, to, count);
}

void narrow(Dtype dtype, const float* from, uint16_t* to, int64_t count) {
  dtype == Dtype::float16 ? narrowHalf(from, to, count) : narrowBfloat(from, to, count);
}

}  // namespace metalgrad::cpu
