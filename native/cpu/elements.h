// Floating elements as they are stored, and the type in which they are multiplied and added.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "cpu/half.h"

namespace metalgrad::cpu {

template <typename T>
struct Plain {
  using Stored = T;
  using Wide = T;
  static T load(T x) { return x; }
  static T store(T x) { return x; }
};

struct Half {
  using Stored = uint16_t;
  using Wide = float;
  static constexpr Dtype kDtype = Dtype::float16;
  static float load(uint16_t x) { return halfToFloat(x); }
  static uint16_t store(float x) { return floatToHalf(x); }
};

struct Bfloat {
  using Stored = uint16_t;
  using Wide = float;
  static constexpr Dtype kDtype = Dtype::bfloat16;
  static float load(uint16_t x) { return bfloatToFloat(x); }
  static uint16_t store(float x) { return floatToBfloat(x); }
};

/// Whether elements are stored in less than they are computed in.
template <typename E>
constexpr bool kNarrow = !std::is_same_v<typename E::Stored, typename E::Wide>;

/// Elements that lie `step` apart, side by side.
template <typename E>
void loadRun(const typename E::Stored* from, int64_t step, typename E::Wide* to, int64_t count) {
  if (step != 1) {
    for (int64_t i = 0; i < count; i++) to[i] = E::load(from[i * step]);
  } else if constexpr (kNarrow<E>) {
    widen(E::kDtype, from, to, count);
  } else {
    std::copy_n(from, count, to);
  }
}

/// Elements side by side.
template <typename E>
void storeRun(const typename E::Wide* from, typename E::Stored* to, int64_t count) {
  if constexpr (kNarrow<E>) {
    narrow(E::kDtype, from, to, count);
  } else {
    std::copy_n(from, count, to);
  }
}

}  // namespace metalgrad::cpu
