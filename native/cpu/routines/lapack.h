// LAPACK by one name for every element type: Fortran's functions as overloads, with the workspaces they ask for.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#ifdef __APPLE__
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif

namespace metalgrad::cpu::lapack {

using Complex = std::complex<float>;

template <typename T>
struct RealOf {
  using Type = T;
};
template <>
struct RealOf<Complex> {
  using Type = float;
};
/// The type of singular values and of the eigenvalues of a Hermitian matrix.
template <typename T>
using Real = typename RealOf<T>::Type;

template <typename T>
constexpr bool kIsComplex = false;
template <>
inline constexpr bool kIsComplex<Complex> = true;

inline float conj(float x) { return x; }
inline double conj(double x) { return x; }
inline Complex conj(Complex x) { return std::conj(x); }

inline bool isFinite(float x) { return std::isfinite(x); }
inline bool isFinite(double x) { return std::isfinite(x); }
inline bool isFinite(Complex x) { return std::isfinite(x.real()) && std::isfinite(x.imag()); }

template <typename T>
T notANumber() {
  const auto nan = std::numeric_limits<Real<T>>::quiet_NaN();
  if constexpr (kIsComplex<T>) {
    return {nan, nan};
  } else {
    return nan;
  }
}

/// Makes this thread's BLAS run on this thread alone: batches share the cores through our own pool.
void useOneThread();

// Matrices are column-major, as Fortran has them. Each returns LAPACK's `info`.

/// A = P · L · U in place; pivots count from 1.
int getrf(int m, int n, float* a, int lda, int* pivots);
int getrf(int m, int n, double* a, int lda, int* pivots);
int getrf(int m, int n, Complex* a, int lda, int* pivots);

/// A = Uᴴ · U in place, in the upper triangle.
int potrf(int n, float* a);
int potrf(int n, double* a);
int potrf(int n, Complex* a);

/// A = Q · R in place: R in the upper triangle, Q as reflectors.
int geqrf(int m, int n, float* a, float* tau);
int geqrf(int m, int n, double* a, double* tau);
int geqrf(int m, int n, Complex* a, Complex* tau);

/// The first n columns of Q from k reflectors, in place.
int orgqr(int m, int n, int k, float* a, const float* tau);
int orgqr(int m, int n, int k, double* a, const double* tau);
int orgqr(int m, int n, int k, Complex* a, const Complex* tau);

/// A = U · S · Vᴴ with whole U (m × m) and Vᴴ (n × n), or singular values alone where these are null. Destroys a.
int gesdd(int m, int n, float* a, float* s, float* u, float* vt);
int gesdd(int m, int n, double* a, double* s, double* u, double* vt);
int gesdd(int m, int n, Complex* a, float* s, Complex* u, Complex* vt);

/// Eigenvalues, ascending, and if wanted eigenvectors (in place of a) of the Hermitian matrix in the upper triangle.
int heevd(bool vectors, int n, float* a, float* w);
int heevd(bool vectors, int n, double* a, double* w);
int heevd(bool vectors, int n, Complex* a, float* w);

/// Eigenvalues and, unless v is null, right eigenvectors of norm 1 whose largest component is real. Destroys a.
int geev(int n, float* a, std::complex<float>* w, std::complex<float>* v);
int geev(int n, double* a, std::complex<double>* w, std::complex<double>* v);
int geev(int n, Complex* a, Complex* w, Complex* v);

/// B = op(A)⁻¹ · B for a triangular A, both row-major; op is the conjugate transpose where `adjoint`.
void trsm(bool upper, bool adjoint, bool unit, int n, int columns, const float* a, float* b);
void trsm(bool upper, bool adjoint, bool unit, int n, int columns, const double* a, double* b);
void trsm(bool upper, bool adjoint, bool unit, int n, int columns, const Complex* a, Complex* b);

}  // namespace metalgrad::cpu::lapack
