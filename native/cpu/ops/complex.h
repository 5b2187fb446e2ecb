// complex64 as it lies in memory.
#pragma once

namespace metalgrad::cpu {

struct Complex {
  float re, im;
};

// Without short circuits, so that loops over comparisons vectorize.
inline bool operator==(Complex a, Complex b) { return (a.re == b.re) & (a.im == b.im); }
inline bool operator!=(Complex a, Complex b) { return (a.re != b.re) | (a.im != b.im); }
// By real, then imaginary part, as NumPy orders.
inline bool operator<(Complex a, Complex b) { return (a.re < b.re) | ((a.re == b.re) & (a.im < b.im)); }
inline bool operator>(Complex a, Complex b) { return b < a; }
inline bool operator<=(Complex a, Complex b) { return (a.re < b.re) | ((a.re == b.re) & (a.im <= b.im)); }

}  // namespace metalgrad::cpu
