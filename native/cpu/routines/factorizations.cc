// Factorizations of batches of matrices and the systems that they solve, by LAPACK.
//
//   lu               a [m, n] → lu [m, n], pivots [min(m, n)] (uint32): row i was swapped with row pivots[i], in order;
//                    rows [m] (uint32, optional): row i of a is row rows[i] of l · u
//   luSolve          ints: adjoint; a (not read), lu [n, n], pivots [n], b [n, k] → x with a · x = b or aᴴ · x = b
//   triangularSolve  ints: upper, adjoint, unit; a [n, n], b [n, k] → x
//   cholesky         a [n, n] (its lower triangle is read) → l with l · lᴴ = a
//   qr               a [m, n] → q [m, k], r [k, n], k = min(m, n)
//   svd              a [m, n] → s [k], u [m, m], vᴴ [n, n]; singular values alone where u and vᴴ are absent
//   eigh             a [n, n] (its lower triangle is read) → w [n], v [n, n] (optional)
//   eig              a [n, n] → w [n], v [n, n] (optional), both complex64
//
// All arrays are row-major, with the batch axes in front, the same for each. Matrices that are not finite give NaN.
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "cpu/routines/lapack.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

using lapack::Complex;
using lapack::Real;

/// LAPACK counts elements in int, those of workspaces too: squares of the order where it diagonalizes.
constexpr int64_t kMostElements = int64_t{1} << 30;
constexpr int64_t kLargestOrder = 16384;

// ---------------------------------------------------------------------------------------------------------------------
// Checks.

bool isMatrixDtype(Dtype dtype) {
  return dtype == Dtype::float32 || dtype == Dtype::float64 || dtype == Dtype::complex64;
}

Dtype realDtype(Dtype dtype) { return dtype == Dtype::complex64 ? Dtype::float32 : dtype; }

int64_t side(const Array& array, size_t fromEnd) { return array.shape[array.shape.size() - fromEnd]; }

/// What is wrong with one array: its batch axes must be those of `like`, then come `sides`.
std::string checkArray(const Array& array, const Array& like, std::initializer_list<int64_t> sides, Dtype dtype) {
  if (array.absent()) return {};
  if (array.operand.dtype != dtype) return "an array has the wrong dtype";
  std::vector<int64_t> expected(like.shape.begin(), like.shape.end() - 2);
  expected.insert(expected.end(), sides);
  if (array.shape != expected) return "an array has the wrong shape";
  if (!isContiguous(array)) return "arrays are contiguous";
  return {};
}

/// Checks counts and the first input, which must be a matrix.
std::string checkCounts(const RoutineStep& step, size_t ints, size_t inputs, size_t outputs) {
  if (step.ints.size() != ints || !step.args.empty() || step.inputs.size() != inputs ||
      step.outputs.size() != outputs) {
    return "wrong numbers of integers or arrays";
  }
  for (int64_t flag : step.ints) {
    if (flag != 0 && flag != 1) return "integers are flags";
  }
  const Array& a = step.inputs[0];
  if (a.shape.size() < 2) return "a matrix has two axes";
  if (!isMatrixDtype(a.operand.dtype)) return "matrices are float32, float64 or complex64";
  const int64_t m = side(a, 2), n = side(a, 1);
  if (m > kMostElements || n > kMostElements || m * n > kMostElements) return "the matrix is too large";
  return isContiguous(a) ? "" : "arrays are contiguous";
}

std::string first(std::initializer_list<std::string> errors) {
  for (const auto& error : errors) {
    if (!error.empty()) return error;
  }
  return {};
}

std::string checkOrder(int64_t order) { return order <= kLargestOrder ? "" : "the matrix is too large"; }

std::string checkSquare(const Array& a) { return side(a, 1) == side(a, 2) ? "" : "the matrix is not square"; }

// ---------------------------------------------------------------------------------------------------------------------
// Batches.

template <typename T>
T* elements(const Array& array, const Run& run) {
  return array.absent() ? nullptr : reinterpret_cast<T*>(run.at(array.operand));
}

/// Calls fn(i) for each matrix of the batch, on all threads.
template <typename F>
void forEach(const Array& a, const Run& run, F&& fn) {
  lapack::useOneThread();
  int64_t count = 1;
  for (size_t axis = 0; axis + 2 < a.shape.size(); axis++) count *= a.shape[axis];
  // Small matrices in chunks.
  const int64_t elements = std::max<int64_t>(1, side(a, 1) * side(a, 2));
  run.pool.parallelFor(count, std::max<int64_t>(1, 512 / elements), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) fn(i);
  });
}

template <typename F>
void withDtype(Dtype dtype, F&& call) {
  switch (dtype) {
    case Dtype::float32:
      return call(float{});
    case Dtype::float64:
      return call(double{});
    default:
      return call(Complex{});
  }
}

/// to[j, i] = from[i, j]
template <typename T>
void transposeInto(const T* from, int64_t rows, int64_t columns, T* to) {
  constexpr int64_t kTile = 32;
  for (int64_t i0 = 0; i0 < rows; i0 += kTile) {
    for (int64_t j0 = 0; j0 < columns; j0 += kTile) {
      const int64_t iEnd = std::min(rows, i0 + kTile), jEnd = std::min(columns, j0 + kTile);
      for (int64_t i = i0; i < iEnd; i++) {
        for (int64_t j = j0; j < jEnd; j++) to[j * rows + i] = from[i * columns + j];
      }
    }
  }
}

template <typename T>
bool allFinite(const T* a, int64_t count) {
  return std::all_of(a, a + count, [](T x) { return lapack::isFinite(x); });
}

template <typename T>
void setIdentity(T* a, int64_t n) {
  std::fill(a, a + n * n, T(0));
  for (int64_t i = 0; i < n; i++) a[i * n + i] = T(1);
}

template <typename T>
void setNaN(T* a, int64_t count) {
  if (a) std::fill(a, a + count, lapack::notANumber<T>());
}

[[noreturn]] void fail(const char* what) { throw std::runtime_error(what); }

// ---------------------------------------------------------------------------------------------------------------------
// LU and systems.

std::string checkLu(const RoutineStep& step) {
  if (auto error = checkCounts(step, 0, 1, 3); !error.empty()) return error;
  const Array& a = step.inputs[0];
  const int64_t m = side(a, 2), n = side(a, 1);
  return first({checkArray(step.outputs[0], a, {m, n}, a.operand.dtype),
                checkArray(step.outputs[1], a, {std::min(m, n)}, Dtype::uint32),
                checkArray(step.outputs[2], a, {m}, Dtype::uint32)});
}

void runLu(const RoutineStep& step, const Run& run) {
  const Array& a = step.inputs[0];
  const int64_t m = side(a, 2), n = side(a, 1), k = std::min(m, n);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    const T* in = elements<T>(a, run);
    T* out = elements<T>(step.outputs[0], run);
    uint32_t *pivots = elements<uint32_t>(step.outputs[1], run), *rows = elements<uint32_t>(step.outputs[2], run);
    forEach(a, run, [&](int64_t i) {
      Scratch<T> columns(static_cast<size_t>(m * n));
      Scratch<int> swaps(static_cast<size_t>(k));
      transposeInto(in + i * m * n, m, n, columns.data());
      // A pivot that is zero is no failure: the factors exist.
      if (k > 0)
        lapack::getrf(static_cast<int>(m), static_cast<int>(n), columns.data(), static_cast<int>(m), swaps.data());
      transposeInto(columns.data(), n, m, out + i * m * n);
      for (int64_t j = 0; j < k; j++) {
        int& swap = swaps[static_cast<size_t>(j)];
        // Among NaNs there may be no largest element.
        if (swap < 1 || swap > m) swap = static_cast<int>(j) + 1;
        pivots[i * k + j] = static_cast<uint32_t>(swap - 1);
      }
      if (!rows) return;
      std::vector<uint32_t> order(static_cast<size_t>(m));
      std::iota(order.begin(), order.end(), 0u);
      for (size_t j = 0; j < static_cast<size_t>(k); j++) std::swap(order[j], order[static_cast<size_t>(swaps[j] - 1)]);
      for (size_t j = 0; j < order.size(); j++) rows[i * m + order[j]] = static_cast<uint32_t>(j);
    });
  });
}

std::string checkLuSolve(const RoutineStep& step) {
  if (auto error = checkCounts(step, 1, 4, 1); !error.empty()) return error;
  const Array& a = step.inputs[0];
  if (step.inputs[3].shape.size() < 2) return "an array has the wrong shape";
  const int64_t n = side(a, 1), k = side(step.inputs[3], 1);
  const Dtype dtype = a.operand.dtype;
  if (k > INT32_MAX) return "too many right-hand sides";
  return first({checkSquare(a), checkArray(step.inputs[1], a, {n, n}, dtype),
                checkArray(step.inputs[2], a, {n}, Dtype::uint32), checkArray(step.inputs[3], a, {n, k}, dtype),
                checkArray(step.outputs[0], a, {n, k}, dtype)});
}

void runLuSolve(const RoutineStep& step, const Run& run) {
  const bool adjoint = step.ints[0] == 1;
  const Array& a = step.inputs[1];
  const int64_t n = side(a, 1), k = side(step.inputs[3], 1);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    const T* factors = elements<T>(a, run);
    const uint32_t* swaps = elements<uint32_t>(step.inputs[2], run);
    const T* right = elements<T>(step.inputs[3], run);
    T* out = elements<T>(step.outputs[0], run);
    forEach(a, run, [&](int64_t i) {
      const T* lu = factors + i * n * n;
      const uint32_t* pivots = swaps + i * n;
      T* x = out + i * n * k;
      for (int64_t j = 0; j < n; j++) {
        if (lu[j * n + j] == T(0)) fail("[solve] the matrix is singular");
      }
      std::copy(right + i * n * k, right + (i + 1) * n * k, x);
      const auto swap = [&](int64_t row) {
        const int64_t other = pivots[row];
        if (other < n && other != row) std::swap_ranges(x + row * k, x + (row + 1) * k, x + other * k);
      };
      const int rows = static_cast<int>(n), columns = static_cast<int>(k);
      if (!adjoint) {
        for (int64_t row = 0; row < n; row++) swap(row);
        lapack::trsm(false, false, true, rows, columns, lu, x);
        lapack::trsm(true, false, false, rows, columns, lu, x);
      } else {
        lapack::trsm(true, true, false, rows, columns, lu, x);
        lapack::trsm(false, true, true, rows, columns, lu, x);
        for (int64_t row = n; row-- > 0;) swap(row);
      }
    });
  });
}

std::string checkTriangularSolve(const RoutineStep& step) {
  if (auto error = checkCounts(step, 3, 2, 1); !error.empty()) return error;
  const Array &a = step.inputs[0], &b = step.inputs[1];
  if (b.shape.size() < 2) return "an array has the wrong shape";
  const int64_t n = side(a, 1), k = side(b, 1);
  if (k > INT32_MAX) return "too many right-hand sides";
  return first({checkSquare(a), checkArray(b, a, {n, k}, a.operand.dtype),
                checkArray(step.outputs[0], a, {n, k}, a.operand.dtype)});
}

void runTriangularSolve(const RoutineStep& step, const Run& run) {
  const Array &a = step.inputs[0], &b = step.inputs[1];
  const bool upper = step.ints[0] == 1, adjoint = step.ints[1] == 1, unit = step.ints[2] == 1;
  const int64_t n = side(a, 1), k = side(b, 1);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    const T *matrices = elements<T>(a, run), *right = elements<T>(b, run);
    T* out = elements<T>(step.outputs[0], run);
    forEach(a, run, [&](int64_t i) {
      const T* matrix = matrices + i * n * n;
      for (int64_t j = 0; j < n && !unit; j++) {
        if (matrix[j * n + j] == T(0)) fail("[solveTriangular] the matrix is singular");
      }
      T* x = out + i * n * k;
      std::copy(right + i * n * k, right + (i + 1) * n * k, x);
      lapack::trsm(upper, adjoint, unit, static_cast<int>(n), static_cast<int>(k), matrix, x);
    });
  });
}

std::string checkCholesky(const RoutineStep& step) {
  if (auto error = checkCounts(step, 0, 1, 1); !error.empty()) return error;
  const Array& a = step.inputs[0];
  return first({checkSquare(a), checkArray(step.outputs[0], a, {side(a, 1), side(a, 1)}, a.operand.dtype)});
}

void runCholesky(const RoutineStep& step, const Run& run) {
  const Array& a = step.inputs[0];
  const int64_t n = side(a, 1);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    const T* in = elements<T>(a, run);
    T* out = elements<T>(step.outputs[0], run);
    forEach(a, run, [&](int64_t i) {
      const T* from = in + i * n * n;
      T* l = out + i * n * n;
      bool finite = true;
      for (int64_t row = 0; row < n; row++) {
        finite = finite && allFinite(from + row * n, row + 1);
        std::copy(from + row * n, from + row * n + row + 1, l + row * n);
        std::fill(l + row * n + row + 1, l + (row + 1) * n, T(0));
      }
      if (!finite) return setNaN(l, n * n);
      // By columns the lower triangle is the upper one of the transpose, aᵀ = conj(l) · lᵀ.
      if (lapack::potrf(static_cast<int>(n), l) != 0) fail("[cholesky] the matrix is not positive definite");
    });
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Orthogonal factors.

/// Turns a complex vector, which is determined up to a phase, so that its largest component is real and not negative.
/// Returns the factor.
Complex turn(Complex* v, int64_t count, int64_t stride) {
  int64_t largest = 0;
  for (int64_t i = 1; i < count; i++) {
    if (std::norm(v[i * stride]) > std::norm(v[largest * stride])) largest = i;
  }
  const float size = std::abs(v[largest * stride]);
  if (size == 0) return 1;
  const Complex factor = std::conj(v[largest * stride]) / size;
  for (int64_t i = 0; i < count; i++) v[i * stride] *= factor;
  v[largest * stride] = size;
  return factor;
}

std::string checkQr(const RoutineStep& step) {
  if (auto error = checkCounts(step, 0, 1, 2); !error.empty()) return error;
  const Array& a = step.inputs[0];
  const int64_t m = side(a, 2), n = side(a, 1), k = std::min(m, n);
  return first({checkArray(step.outputs[0], a, {m, k}, a.operand.dtype),
                checkArray(step.outputs[1], a, {k, n}, a.operand.dtype)});
}

void runQr(const RoutineStep& step, const Run& run) {
  const Array& a = step.inputs[0];
  const int64_t m = side(a, 2), n = side(a, 1), k = std::min(m, n);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    const T* in = elements<T>(a, run);
    T *q = elements<T>(step.outputs[0], run), *r = elements<T>(step.outputs[1], run);
    forEach(a, run, [&](int64_t i) {
      Scratch<T> columns(static_cast<size_t>(m * n)), tau(static_cast<size_t>(k));
      transposeInto(in + i * m * n, m, n, columns.data());
      const int rows = static_cast<int>(m), width = static_cast<int>(k);
      if (lapack::geqrf(rows, static_cast<int>(n), columns.data(), tau.data()) != 0) fail("[qr] LAPACK failed");
      for (int64_t row = 0; row < k; row++) {
        for (int64_t column = 0; column < n; column++) {
          r[(i * k + row) * n + column] = column < row ? T(0) : columns[static_cast<size_t>(column * m + row)];
        }
      }
      if (lapack::orgqr(rows, width, width, columns.data(), tau.data()) != 0) fail("[qr] LAPACK failed");
      transposeInto(columns.data(), k, m, q + i * m * k);
    });
  });
}

std::string checkSvd(const RoutineStep& step) {
  if (auto error = checkCounts(step, 0, 1, 3); !error.empty()) return error;
  const Array& a = step.inputs[0];
  const int64_t m = side(a, 2), n = side(a, 1);
  const Dtype dtype = a.operand.dtype;
  const bool vectors = !step.outputs[1].absent() || !step.outputs[2].absent();
  return first({checkOrder(vectors ? std::max(m, n) / 2 : std::min(m, n)),
                checkArray(step.outputs[0], a, {std::min(m, n)}, realDtype(dtype)),
                checkArray(step.outputs[1], a, {m, m}, dtype), checkArray(step.outputs[2], a, {n, n}, dtype)});
}

void runSvd(const RoutineStep& step, const Run& run) {
  const Array& a = step.inputs[0];
  const int64_t m = side(a, 2), n = side(a, 1), k = std::min(m, n);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    const T* in = elements<T>(a, run);
    Real<T>* values = elements<Real<T>>(step.outputs[0], run);
    T *left = elements<T>(step.outputs[1], run), *right = elements<T>(step.outputs[2], run);
    const bool vectors = left || right;
    forEach(a, run, [&](int64_t i) {
      // Both sides are computed together.
      Scratch<T> copy(static_cast<size_t>(m * n)), spare(vectors && !(left && right) ? (left ? n * n : m * m) : 0);
      T *u = left ? left + i * m * m : spare.data(), *vt = right ? right + i * n * n : spare.data();
      Real<T>* s = values + i * k;
      if (k == 0) {
        if (left) setIdentity(u, m);
        if (right) setIdentity(vt, n);
        return;
      }
      if (!allFinite(in + i * m * n, m * n)) {
        setNaN(s, k);
        if (left) setNaN(u, m * m);
        if (right) setNaN(vt, n * n);
        return;
      }
      std::copy(in + i * m * n, in + (i + 1) * m * n, copy.data());
      // By columns the matrix is its transpose, whose factors by columns are the transposes of those by rows.
      const int info = lapack::gesdd(static_cast<int>(n), static_cast<int>(m), copy.data(), s, vectors ? vt : nullptr,
                                     vectors ? u : nullptr);
      if (info != 0) fail("[svd] the iteration does not converge");
      if constexpr (lapack::kIsComplex<T>) {
        if (!vectors) return;
        for (int64_t j = 0; j < std::max(m, n); j++) {
          if (j >= m) {
            turn(vt + j * n, n, 1);
            continue;
          }
          const Complex factor = std::conj(turn(u + j, m, m));
          // Beyond the singular values both sides stand alone.
          for (int64_t i = 0; i < n && j < n; i++) vt[j * n + i] *= factor;
        }
      }
    });
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Eigenvalues.

std::string checkEigen(const RoutineStep& step, Dtype values, Dtype vectors) {
  const Array& a = step.inputs[0];
  const int64_t n = side(a, 1);
  return first(
      {checkSquare(a), checkArray(step.outputs[0], a, {n}, values), checkArray(step.outputs[1], a, {n, n}, vectors)});
}

std::string checkEigh(const RoutineStep& step) {
  if (auto error = checkCounts(step, 0, 1, 2); !error.empty()) return error;
  const Dtype dtype = step.inputs[0].operand.dtype;
  return checkEigen(step, realDtype(dtype), dtype);
}

void runEigh(const RoutineStep& step, const Run& run) {
  const Array& a = step.inputs[0];
  const int64_t n = side(a, 1);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    const T* in = elements<T>(a, run);
    Real<T>* values = elements<Real<T>>(step.outputs[0], run);
    T* vectors = elements<T>(step.outputs[1], run);
    forEach(a, run, [&](int64_t i) {
      Scratch<T> copy(static_cast<size_t>(n * n));
      bool finite = true;
      // The upper triangle by columns is the lower one by rows.
      for (int64_t row = 0; row < n; row++) {
        const T* from = in + (i * n + row) * n;
        finite = finite && allFinite(from, row + 1);
        for (int64_t column = 0; column < n; column++) {
          copy[static_cast<size_t>(row * n + column)] = column <= row ? lapack::conj(from[column]) : T(0);
        }
      }
      if (!finite) {
        setNaN(values + i * n, n);
        if (vectors) setNaN(vectors + i * n * n, n * n);
        return;
      }
      if (lapack::heevd(vectors != nullptr, static_cast<int>(n), copy.data(), values + i * n) != 0) {
        fail("[eigh] the iteration does not converge");
      }
      if (!vectors) return;
      if constexpr (lapack::kIsComplex<T>) {
        for (int64_t j = 0; j < n; j++) turn(copy.data() + j * n, n, 1);
      }
      transposeInto(copy.data(), n, n, vectors + i * n * n);
    });
  });
}

std::string checkEig(const RoutineStep& step) {
  if (auto error = checkCounts(step, 0, 1, 2); !error.empty()) return error;
  return checkEigen(step, Dtype::complex64, Dtype::complex64);
}

void runEig(const RoutineStep& step, const Run& run) {
  const Array& a = step.inputs[0];
  const int64_t n = side(a, 1);
  withDtype(a.operand.dtype, [&]<typename T>(T) {
    using Wide = std::complex<Real<T>>;
    const T* in = elements<T>(a, run);
    Complex *values = elements<Complex>(step.outputs[0], run), *vectors = elements<Complex>(step.outputs[1], run);
    forEach(a, run, [&](int64_t i) {
      const size_t size = static_cast<size_t>(n * n);
      Scratch<T> copy(size);
      Scratch<Wide> w(static_cast<size_t>(n)), v(vectors ? size : 0);
      if (!allFinite(in + i * n * n, n * n)) {
        setNaN(values + i * n, n);
        if (vectors) setNaN(vectors + i * n * n, n * n);
        return;
      }
      transposeInto(in + i * n * n, n, n, copy.data());
      if (lapack::geev(static_cast<int>(n), copy.data(), w.data(), vectors ? v.data() : nullptr) != 0) {
        fail("[eig] the iteration does not converge");
      }
      std::transform(w.data(), w.data() + n, values + i * n, [](Wide x) { return Complex(x); });
      for (int64_t j = 0; vectors && j < n; j++) {
        for (int64_t row = 0; row < n; row++) {
          vectors[(i * n + row) * n + j] = Complex(v[static_cast<size_t>(j * n + row)]);
        }
      }
    });
  });
}

const RoutineRegistration lus(Routine::lu, {.check = checkLu, .run = runLu, .optionalOutputs = 0b100});
const RoutineRegistration luSolves(Routine::luSolve, {.check = checkLuSolve, .run = runLuSolve});
const RoutineRegistration triangularSolves(Routine::triangularSolve,
                                           {.check = checkTriangularSolve, .run = runTriangularSolve});
const RoutineRegistration choleskys(Routine::cholesky, {.check = checkCholesky, .run = runCholesky});
const RoutineRegistration qrs(Routine::qr, {.check = checkQr, .run = runQr});
const RoutineRegistration svds(Routine::svd, {.check = checkSvd, .run = runSvd, .optionalOutputs = 0b110});
const RoutineRegistration eighs(Routine::eigh, {.check = checkEigh, .run = runEigh, .optionalOutputs = 0b10});
const RoutineRegistration eigs(Routine::eig, {.check = checkEig, .run = runEig, .optionalOutputs = 0b10});

}  // namespace
}  // namespace metalgrad::cpu
