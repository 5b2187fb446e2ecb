// Products of a matrix with few vectors: each number of the matrix is read once, and what takes time is reading it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "program/opcodes.h"

namespace metalgrad::cpu {

/// Vectors that one pass over a matrix is multiplied with, at most.
constexpr int64_t kMatvecVectors = 4;

/// Rows of a matrix; the numbers of each are neighbours.
struct MatvecRows {
  const std::byte* data;
  int64_t count, length;
  /// Between rows, in elements.
  int64_t stride;
};

/// Contiguous vectors of float or double, one every `stride` elements.
template <typename Sum>
struct Vectors {
  Sum* data;
  int64_t stride;
};

/// What is added to a sum does not depend on how the other sums are shared among calls.
template <typename Sum>
struct MatvecFns {
  /// Up to so many vectors are worth it: a product of matrices copies the matrix first, but reads it once for all.
  int64_t mostVectors;
  /// sums[v] += Σ factors[v][i] · rows[i] for `vectors` vectors.
  void (*combine)(const MatvecRows& rows, Vectors<const Sum> factors, int64_t vectors, Vectors<Sum> sums);
  /// sums[v][i] += rows[i] · others[v]
  void (*dot)(const MatvecRows& rows, Vectors<const Sum> others, int64_t vectors, Vectors<Sum> sums);
};

/// For matrices of float32, float16 and bfloat16 (sums of float), and of float64 (sums of double). Null where the
/// machine's vector unit has no code of its own.
template <typename Sum>
const MatvecFns<Sum>* matvecFns(Dtype dtype);

}  // namespace metalgrad::cpu
