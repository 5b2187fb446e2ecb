// Rows of quantized matrices as float32: numbers q of 2, 3, 4, 5, 6 or 8 bits, one after the other in words, groups of
// which stand for scale · q + bias.
#pragma once

#include <cstdint>

namespace metalgrad::cpu {

/// A row, or a part of it that begins with a group.
struct QuantizedRow {
  const uint32_t* words;
  const float* scales;
  const float* biases;
};

/// The vectors, or factors, that a row is multiplied with at once.
constexpr int64_t kDotRows = 4;

struct QuantizedFns {
  /// Writes the numbers of `groups` groups.
  void (*decode)(const QuantizedRow& row, int64_t groups, int64_t groupSize, float* to);
  /// sums[i] is the product of the row with the vector at x + i · stride, for `count` vectors, at most kDotRows. The
  /// result for a vector does not depend on the others.
  void (*dot)(const QuantizedRow& row, int64_t groups, int64_t groupSize, const float* x, int64_t stride, int64_t count,
              float* sums);
  /// Adds the row times factors[i] to what lies at sums + i · stride, for `count` factors, at most kDotRows.
  void (*accumulate)(const QuantizedRow& row, int64_t groups, int64_t groupSize, const float* factors, int64_t count,
                     float* sums, int64_t stride);
};

/// Null functions for other numbers of bits.
QuantizedFns quantizedFns(int64_t bits);

}  // namespace metalgrad::cpu
