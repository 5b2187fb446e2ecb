// The calls of LAPACK and BLAS behind lapack.h.
#include "cpu/routines/lapack.h"

#include "cpu/scratch.h"

#ifndef __APPLE__
#define METALGRAD_LAPACK(name) name##_

// Fortran's interface: everything by address; the lengths of texts, after all else, are those of one letter.
extern "C" {
using ComplexFloat = std::complex<float>;
#define METALGRAD_DECLARE(p, T)                                          \
  void p##getrf_(const int*, const int*, T*, const int*, int*, int*);    \
  void p##potrf_(const char*, const int*, T*, const int*, int*, size_t); \
  void p##geqrf_(const int*, const int*, T*, const int*, T*, T*, const int*, int*);
METALGRAD_DECLARE(s, float)
METALGRAD_DECLARE(d, double)
METALGRAD_DECLARE(c, ComplexFloat)
#undef METALGRAD_DECLARE
#define METALGRAD_DECLARE(name, T) \
  void name(const int*, const int*, const int*, T*, const int*, const T*, T*, const int*, int*);
METALGRAD_DECLARE(sorgqr_, float)
METALGRAD_DECLARE(dorgqr_, double)
METALGRAD_DECLARE(cungqr_, ComplexFloat)
#undef METALGRAD_DECLARE
#define METALGRAD_DECLARE(p, T)                                                                                    \
  void p##gesdd_(const char*, const int*, const int*, T*, const int*, T*, T*, const int*, T*, const int*, T*,      \
                 const int*, int*, int*, size_t);                                                                  \
  void p##syevd_(const char*, const char*, const int*, T*, const int*, T*, T*, const int*, int*, const int*, int*, \
                 size_t, size_t);                                                                                  \
  void p##geev_(const char*, const char*, const int*, T*, const int*, T*, T*, T*, const int*, T*, const int*, T*,  \
                const int*, int*, size_t, size_t);
METALGRAD_DECLARE(s, float)
METALGRAD_DECLARE(d, double)
#undef METALGRAD_DECLARE
void cgesdd_(const char*, const int*, const int*, ComplexFloat*, const int*, float*, ComplexFloat*, const int*,
             ComplexFloat*, const int*, ComplexFloat*, const int*, float*, int*, int*, size_t);
void cheevd_(const char*, const char*, const int*, ComplexFloat*, const int*, float*, ComplexFloat*, const int*, float*,
             const int*, int*, const int*, int*, size_t, size_t);
void cgeev_(const char*, const char*, const int*, ComplexFloat*, const int*, ComplexFloat*, ComplexFloat*, const int*,
            ComplexFloat*, const int*, ComplexFloat*, const int*, float*, int*, size_t, size_t);

/// All that OpenBLAS's LAPACK needs of Fortran's runtime library, which cannot be linked into a shared object.
__attribute__((visibility("hidden"))) void _gfortran_concat_string(size_t length, char* to, size_t aLength,
                                                                   const char* a, size_t bLength, const char* b) {
  for (size_t i = 0; i < length; i++) to[i] = i < aLength ? a[i] : i - aLength < bLength ? b[i - aLength] : ' ';
}
}
#define METALGRAD_LENGTH , 1
#define METALGRAD_LENGTHS , 1, 1
#else
#define METALGRAD_LAPACK(name) name##_
#define METALGRAD_LENGTH
#define METALGRAD_LENGTHS
#endif

namespace metalgrad::cpu::lapack {
namespace {

int lead(int rows) { return std::max(1, rows); }

/// The size of a workspace that LAPACK names in an element of it, which may have been rounded down.
template <typename T>
int sizeFrom(T answer) {
  if constexpr (kIsComplex<T>) {
    return sizeFrom(answer.real());
  } else {
    return std::max(1, static_cast<int>(std::nextafter(answer, std::numeric_limits<T>::infinity())) + 1);
  }
}

/// Calls a function that takes a workspace: once to ask how large, once to run.
template <typename T, typename F>
int withWorkspace(F&& call) {
  T answer{};
  int info = call(&answer, -1);
  if (info != 0) return info;
  const int size = sizeFrom(answer);
  Scratch<T> work(static_cast<size_t>(size));
  return call(work.data(), size);
}

template <typename T, typename F>
int gesddReal(F&& function, int m, int n, T* a, T* s, T* u, T* vt) {
  const char job = u ? 'A' : 'N';
  const int lda = lead(m), ldu = lead(m), ldvt = lead(n);
  Scratch<int> integers(8 * static_cast<size_t>(std::max(1, std::min(m, n))));
  return withWorkspace<T>([&](T* work, int size) {
    int info = 0;
    function(&job, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work, &size, integers.data(), &info METALGRAD_LENGTH);
    return info;
  });
}

template <typename T, typename F>
int syevd(F&& function, bool vectors, int n, T* a, T* w) {
  const char job = vectors ? 'V' : 'N', triangle = 'U';
  const int lda = lead(n), integerCount = vectors ? 3 + 5 * n : 1;
  Scratch<int> integers(static_cast<size_t>(integerCount));
  return withWorkspace<T>([&](T* work, int size) {
    int info = 0;
    function(&job, &triangle, &n, a, &lda, w, work, &size, integers.data(), &integerCount, &info METALGRAD_LENGTHS);
    return info;
  });
}

/// Eigenvalues as two lists of parts; a complex pair of vectors as its real, then its imaginary part.
template <typename T, typename F>
int geevReal(F&& function, int n, T* a, std::complex<T>* w, std::complex<T>* v) {
  const char none = 'N', job = v ? 'V' : 'N';
  const int ld = lead(n), one = 1;
  const size_t count = static_cast<size_t>(n);
  Scratch<T> re(count), im(count), vectors(v ? count * count : 1);
  const int info = withWorkspace<T>([&](T* work, int size) {
    int result = 0;
    function(&none, &job, &n, a, &ld, re.data(), im.data(), nullptr, &one, vectors.data(), &ld, work, &size,
             &result METALGRAD_LENGTHS);
    return result;
  });
  if (info != 0) return info;
  for (size_t j = 0; j < count; j++) {
    w[j] = {re[j], im[j]};
    if (!v) continue;
    const bool first = im[j] > 0, second = im[j] < 0;
    const T* real = vectors.data() + (second && j > 0 ? j - 1 : j) * count;
    for (size_t i = 0; i < count; i++) {
      const T part = first && j + 1 < count ? real[count + i] : second ? -real[count + i] : T(0);
      v[j * count + i] = {real[i], part};
    }
  }
  return 0;
}

CBLAS_UPLO triangle(bool upper) { return upper ? CblasUpper : CblasLower; }
CBLAS_TRANSPOSE operation(bool adjoint) { return adjoint ? CblasConjTrans : CblasNoTrans; }
CBLAS_DIAG diagonal(bool unit) { return unit ? CblasUnit : CblasNonUnit; }

}  // namespace

void useOneThread() {
#ifndef __APPLE__
  static const bool once = (openblas_set_num_threads(1), true);
  (void)once;
#endif
}

#define METALGRAD_DEFINE(p, q, T)                                                                \
  int getrf(int m, int n, T* a, int lda, int* pivots) {                                          \
    int info = 0;                                                                                \
    METALGRAD_LAPACK(p##getrf)(&m, &n, a, &lda, pivots, &info);                                  \
    return info;                                                                                 \
  }                                                                                              \
  int potrf(int n, T* a) {                                                                       \
    const char upper = 'U';                                                                      \
    const int lda = lead(n);                                                                     \
    int info = 0;                                                                                \
    METALGRAD_LAPACK(p##potrf)(&upper, &n, a, &lda, &info METALGRAD_LENGTH);                     \
    return info;                                                                                 \
  }                                                                                              \
  int geqrf(int m, int n, T* a, T* tau) {                                                        \
    const int lda = lead(m);                                                                     \
    return withWorkspace<T>([&](T* work, int size) {                                             \
      int info = 0;                                                                              \
      METALGRAD_LAPACK(p##geqrf)(&m, &n, a, &lda, tau, work, &size, &info);                      \
      return info;                                                                               \
    });                                                                                          \
  }                                                                                              \
  int orgqr(int m, int n, int k, T* a, const T* tau) {                                           \
    const int lda = lead(m);                                                                     \
    return withWorkspace<T>([&](T* work, int size) {                                             \
      int info = 0;                                                                              \
      METALGRAD_LAPACK(p##q##gqr)(&m, &n, &k, a, &lda, const_cast<T*>(tau), work, &size, &info); \
      return info;                                                                               \
    });                                                                                          \
  }
METALGRAD_DEFINE(s, or, float)
METALGRAD_DEFINE(d, or, double)
METALGRAD_DEFINE(c, un, Complex)
#undef METALGRAD_DEFINE

int gesdd(int m, int n, float* a, float* s, float* u, float* vt) {
  return gesddReal(METALGRAD_LAPACK(sgesdd), m, n, a, s, u, vt);
}

int gesdd(int m, int n, double* a, double* s, double* u, double* vt) {
  return gesddReal(METALGRAD_LAPACK(dgesdd), m, n, a, s, u, vt);
}

int gesdd(int m, int n, Complex* a, float* s, Complex* u, Complex* vt) {
  const char job = u ? 'A' : 'N';
  const int lda = lead(m), ldu = lead(m), ldvt = lead(n);
  const size_t k = static_cast<size_t>(std::max(1, std::min(m, n))), most = static_cast<size_t>(std::max(m, n));
  Scratch<int> integers(8 * k);
  Scratch<float> reals(std::max(5 * k * k + 5 * k, 2 * most * k + 2 * k * k + k) + 7 * k);
  return withWorkspace<Complex>([&](Complex* work, int size) {
    int info = 0;
    METALGRAD_LAPACK(cgesdd)
    (&job, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work, &size, reals.data(), integers.data(), &info METALGRAD_LENGTH);
    return info;
  });
}

int heevd(bool vectors, int n, float* a, float* w) { return syevd(METALGRAD_LAPACK(ssyevd), vectors, n, a, w); }
int heevd(bool vectors, int n, double* a, double* w) { return syevd(METALGRAD_LAPACK(dsyevd), vectors, n, a, w); }

int heevd(bool vectors, int n, Complex* a, float* w) {
  const char job = vectors ? 'V' : 'N', triangle = 'U';
  const int lda = lead(n), integerCount = 3 + 5 * n, realCount = 1 + 5 * n + 2 * n * n;
  Scratch<int> integers(static_cast<size_t>(integerCount));
  Scratch<float> reals(static_cast<size_t>(realCount));
  return withWorkspace<Complex>([&](Complex* work, int size) {
    int info = 0;
    METALGRAD_LAPACK(cheevd)
    (&job, &triangle, &n, a, &lda, w, work, &size, reals.data(), &realCount, integers.data(), &integerCount,
     &info METALGRAD_LENGTHS);
    return info;
  });
}

int geev(int n, float* a, std::complex<float>* w, std::complex<float>* v) {
  return geevReal(METALGRAD_LAPACK(sgeev), n, a, w, v);
}

int geev(int n, double* a, std::complex<double>* w, std::complex<double>* v) {
  return geevReal(METALGRAD_LAPACK(dgeev), n, a, w, v);
}

int geev(int n, Complex* a, Complex* w, Complex* v) {
  const char none = 'N', job = v ? 'V' : 'N';
  const int ld = lead(n), one = 1;
  Scratch<float> reals(2 * static_cast<size_t>(n));
  return withWorkspace<Complex>([&](Complex* work, int size) {
    int info = 0;
    METALGRAD_LAPACK(cgeev)
    (&none, &job, &n, a, &ld, w, nullptr, &one, v, &ld, work, &size, reals.data(), &info METALGRAD_LENGTHS);
    return info;
  });
}

void trsm(bool upper, bool adjoint, bool unit, int n, int columns, const float* a, float* b) {
  cblas_strsm(CblasRowMajor, CblasLeft, triangle(upper), operation(adjoint), diagonal(unit), n, columns, 1.0f, a,
              lead(n), b, lead(columns));
}

void trsm(bool upper, bool adjoint, bool unit, int n, int columns, const double* a, double* b) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, triangle(upper), operation(adjoint), diagonal(unit), n, columns, 1.0, a,
              lead(n), b, lead(columns));
}

void trsm(bool upper, bool adjoint, bool unit, int n, int columns, const Complex* a, Complex* b) {
  const Complex one = 1;
  cblas_ctrsm(CblasRowMajor, CblasLeft, triangle(upper), operation(adjoint), diagonal(unit), n, columns, &one, a,
              lead(n), b, lead(columns));
}

}  // namespace metalgrad::cpu::lapack
