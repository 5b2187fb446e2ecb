// Functions on rows of floats or doubles that norms, softmax and rotary positions are made of.
#pragma once

#include <cstdint>

namespace metalgrad::cpu {

/// How a row is normalized: (x - mean) · factor · weight + bias.
template <typename T>
struct RowNorm {
  /// The mean is the sum of both: differences from it lose nothing however large it is.
  T mean = 0, meanRest = 0;
  T factor = 1;
  /// One number an element, or null.
  const T* weight = nullptr;
  const T* bias = nullptr;
};

/// Sums of differences from a number near the mean, and of their squares.
struct RowMoments {
  double differences, squares;
};

template <typename T>
struct RowFns {
  /// Σ x, carried in float64 from run to run.
  double (*sum)(const T* x, int64_t n);
  /// The largest of at least one element; NaN if one is.
  T (*largest)(const T* x, int64_t n);
  /// exp(x - shift) into `to`, which may be x or null, and Σ exp(x - shift), as well.
  double (*exponentials)(T* to, const T* x, T shift, int64_t n);
  /// Σ (x - near) and Σ (x - near)², as well.
  RowMoments (*moments)(const T* x, T near, int64_t n);
  /// Elements from `begin` on of a normalized row, into `to`.
  void (*normalize)(T* to, const T* x, const RowNorm<T>& norm, int64_t begin, int64_t n);
  /// Pairs (a[i], b[i]) turned by the angles whose cosines and sines are given.
  void (*turnHalves)(T* toA, T* toB, const T* a, const T* b, const T* cosines, const T* sines, int64_t n);
  /// The same for pairs of neighbours.
  void (*turnNeighbours)(T* to, const T* x, const T* cosines, const T* sines, int64_t n);
};

/// The functions for float or double.
template <typename T>
const RowFns<T>& rowFns();

/// The angles position · speeds[i], less whole turns.
void angles(double* to, const double* speeds, double position, int64_t n);

}  // namespace metalgrad::cpu
