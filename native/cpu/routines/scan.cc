// Scans along an axis: cumulative sums, products, extremes and logarithms of sums of exponentials, and the linear
// recurrence h[i] = a[i] · h[i - 1] + b[i] that derivatives of products are made of.
//
//   scan        ints: operation, axis, reverse, inclusive; x → values, for extremes also positions (uint32, optional)
//   recurrence  ints: axis, reverse; a, b → h
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>

#include "cpu/half.h"
#include "cpu/iteration.h"
#include "cpu/routines/registry.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// lib/primitives/scan.ts has the same numbers.
enum ScanOp : int64_t { kSum, kProd, kMax, kMin, kLogAddExp, kLogExcess, kScanOps };

// ---------------------------------------------------------------------------------------------------------------------
// Elements: how they are stored, and in which type running values are kept.

template <typename T>
struct Plain {
  using Stored = T;
  using Running = T;
  static T load(T x) { return x; }
  static T store(T x) { return x; }
};

/// Sums of 10^8 float32 ones need more than float32.
struct Single {
  using Stored = float;
  using Running = double;
  static double load(float x) { return x; }
  static float store(double x) { return static_cast<float>(x); }
};

struct Half {
  using Stored = uint16_t;
  using Running = double;
  static double load(uint16_t x) { return halfToFloat(x); }
  static uint16_t store(double x) { return floatToHalf(static_cast<float>(x)); }
};

struct Bfloat {
  using Stored = uint16_t;
  using Running = double;
  static double load(uint16_t x) { return bfloatToFloat(x); }
  static uint16_t store(double x) { return floatToBfloat(static_cast<float>(x)); }
};

struct Complex {
  using Stored = std::complex<float>;
  using Running = std::complex<double>;
  static Running load(Stored x) { return x; }
  static Stored store(Running x) { return Stored(x); }
};

struct Boolean {
  using Stored = uint8_t;
  using Running = bool;
  static bool load(uint8_t x) { return x != 0; }
  static uint8_t store(bool x) { return x; }
};

// ---------------------------------------------------------------------------------------------------------------------
// Arithmetic of running values.

template <typename T>
constexpr bool kComplex = false;
template <typename T>
constexpr bool kComplex<std::complex<T>> = true;

template <typename T>
T plus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}

template <typename T>
T times(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return a && b;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else if constexpr (kComplex<T>) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  } else {
    return a * b;
  }
}

template <typename T>
bool isNan(T x) {
  if constexpr (kComplex<T>) {
    return std::isnan(x.real()) || std::isnan(x.imag());
  } else if constexpr (std::is_floating_point_v<T>) {
    return x != x;
  } else {
    return false;
  }
}

/// Complex numbers are ordered by their real, then their imaginary parts.
template <typename T>
bool less(T a, T b) {
  if constexpr (kComplex<T>) {
    return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  } else {
    return a < b;
  }
}

/// Whether `x` displaces `best`: it is beyond it, or the first NaN.
template <bool max, typename T>
bool beats(T x, T best) {
  return (max ? less(best, x) : less(x, best)) || (isNan(x) && !isNan(best));
}

/// What every element beats or equals.
template <bool max, typename T>
T worst() {
  if constexpr (kComplex<T>) {
    const auto part = worst<max, typename T::value_type>();
    return {part, part};
  } else if constexpr (std::is_floating_point_v<T>) {
    return max ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  } else {
    return max ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Operations. `State` is the running value; `kSplits` tells that a long row may be cut into chunks whose states are
// combined.

/// Arrays that a scan walks: inputs, then outputs.
enum { kIn, kSecond, kOut, kPositions, kArrays };
using Offsets = std::array<int64_t, kArrays>;

template <typename E>
struct Arrays {
  const typename E::Stored* in;
  const typename E::Stored* second;
  typename E::Stored* out;
  uint32_t* positions;
};

template <typename E>
struct Sum : Arrays<E> {
  using State = typename E::Running;
  static constexpr bool kSplits = true;
  static State initial() { return State{}; }
  static State combine(State a, State b) { return plus(a, b); }
  void take(State& state, const Offsets& at, int64_t) const { state = plus(state, E::load(this->in[at[kIn]])); }
  void give(const State& state, const Offsets& at) const { this->out[at[kOut]] = E::store(state); }
};

template <typename E>
struct Prod : Arrays<E> {
  using State = typename E::Running;
  // A chunk's product may overflow where the row's does not.
  static constexpr bool kSplits = false;
  static State initial() { return State(1); }
  static State combine(State a, State b) { return times(a, b); }
  void take(State& state, const Offsets& at, int64_t) const { state = times(state, E::load(this->in[at[kIn]])); }
  void give(const State& state, const Offsets& at) const { this->out[at[kOut]] = E::store(state); }
};

template <typename E, bool max>
struct Extreme : Arrays<E> {
  using State = typename E::Running;
  static constexpr bool kSplits = true;
  static State initial() { return worst<max, State>(); }
  static State combine(State a, State b) { return beats<max>(b, a) ? b : a; }
  void take(State& state, const Offsets& at, int64_t) const { state = combine(state, E::load(this->in[at[kIn]])); }
  void give(const State& state, const Offsets& at) const { this->out[at[kOut]] = E::store(state); }
};

/// The same with the position of the first element that attains the extreme.
template <typename E, bool max>
struct ExtremeAt : Arrays<E> {
  struct State {
    typename E::Running value;
    int64_t position;
  };
  static constexpr bool kSplits = true;
  static State initial() { return {worst<max, typename E::Running>(), -1}; }
  static State combine(const State& a, const State& b) {
    return b.position >= 0 && (a.position < 0 || beats<max>(b.value, a.value)) ? b : a;
  }
  void take(State& state, const Offsets& at, int64_t index) const {
    state = combine(state, {E::load(this->in[at[kIn]]), index});
  }
  void give(const State& state, const Offsets& at) const {
    this->out[at[kOut]] = E::store(state.value);
    this->positions[at[kPositions]] = static_cast<uint32_t>(std::max<int64_t>(state.position, 0));
  }
};

/// log Σ exp as largest + log(sum), the sum relative to the largest so far; `excess` gives log(sum) alone.
template <typename E, bool excess>
struct LogSumExp : Arrays<E> {
  struct State {
    double largest, sum;
  };
  static constexpr bool kSplits = true;
  static State initial() { return {-std::numeric_limits<double>::infinity(), 0}; }
  static State combine(const State& a, const State& b) {
    if (b.sum == 0) return a;
    if (a.sum == 0) return b;
    if (a.largest == b.largest) return {a.largest, a.sum + b.sum};
    return a.largest > b.largest ? State{a.largest, a.sum + b.sum * std::exp(b.largest - a.largest)}
                                 : State{b.largest, a.sum * std::exp(a.largest - b.largest) + b.sum};
  }
  void take(State& state, const Offsets& at, int64_t) const {
    const double x = E::load(this->in[at[kIn]]);
    if (x == -std::numeric_limits<double>::infinity()) return;
    state = combine(state, {x, 1});
  }
  void give(const State& state, const Offsets& at) const {
    const double base = excess ? 0 : state.largest;
    this->out[at[kOut]] = E::store(state.sum == 0 ? base : base + std::log(state.sum));
  }
};

template <bool excess>
struct LogSumExp<Complex, excess> : Arrays<Complex> {
  struct State {
    double largest;  // real part
    std::complex<double> sum;
    bool some;
  };
  static constexpr bool kSplits = true;
  static State initial() { return {-std::numeric_limits<double>::infinity(), 0, false}; }
  static State combine(const State& a, const State& b) {
    if (!b.some) return a;
    if (!a.some) return b;
    if (a.largest == b.largest) return {a.largest, a.sum + b.sum, true};
    return a.largest > b.largest ? State{a.largest, a.sum + b.sum * std::exp(b.largest - a.largest), true}
                                 : State{b.largest, a.sum * std::exp(a.largest - b.largest) + b.sum, true};
  }
  void take(State& state, const Offsets& at, int64_t) const {
    const auto x = Complex::load(this->in[at[kIn]]);
    if (x.real() == -std::numeric_limits<double>::infinity()) return;
    state = combine(state, {x.real(), std::polar(1.0, x.imag()), true});
  }
  void give(const State& state, const Offsets& at) const {
    const std::complex<double> base = excess ? 0 : state.largest;
    this->out[at[kOut]] = Complex::store(state.some ? base + std::log(state.sum) : base);
  }
};

template <typename E>
struct Recurrence : Arrays<E> {
  using State = typename E::Running;
  static constexpr bool kSplits = false;
  static State initial() { return State{}; }
  static State combine(State, State b) { return b; }
  void take(State& state, const Offsets& at, int64_t) const {
    state = plus(times(E::load(this->in[at[kIn]]), state), E::load(this->second[at[kSecond]]));
  }
  void give(const State& state, const Offsets& at) const { this->out[at[kOut]] = E::store(state); }
};

// ---------------------------------------------------------------------------------------------------------------------
// The walk.

/// Elements that one chunk of rows scans, and that one chunk of a long row scans.
constexpr int64_t kGrain = 1 << 14;
/// Neighbouring rows that are scanned side by side where the scanned axis is not the innermost.
constexpr int64_t kColumns = 256;

/// All rows of a scan; `start` and `step` lead through a row in the order of the scan.
struct Walk {
  Space<kArrays> rows;
  int64_t length = 0;
  Offsets start{}, step{};
  int64_t firstIndex = 0, indexStep = 1;
  bool inclusive = true;
};

void advance(Offsets& at, const Offsets& by, int64_t times = 1) {
  for (int k = 0; k < kArrays; k++) at[k] += by[k] * times;
}

template <bool inclusive, typename Op>
void scanRow(const Op& op, typename Op::State state, Offsets at, const Walk& walk, int64_t begin, int64_t end) {
  advance(at, walk.step, begin);
  for (int64_t i = begin; i < end; i++, advance(at, walk.step)) {
    if constexpr (!inclusive) op.give(state, at);
    op.take(state, at, walk.firstIndex + i * walk.indexStep);
    if constexpr (inclusive) op.give(state, at);
  }
}

template <bool inclusive, typename Op>
void scanRows(const Op& op, const Walk& walk, ThreadPool& pool) {
  const int64_t count = walk.rows.size(), length = walk.length;
  if (Op::kSplits && length > 4 * kGrain && count < 2 * pool.threads()) {
    const int64_t chunks = (length + kGrain - 1) / kGrain;
    // Not a vector, whose bools share bytes.
    const auto states = std::make_unique<typename Op::State[]>(static_cast<size_t>(chunks));
    Odometer<kArrays> row(walk.rows, 0);
    for (int64_t i = 0; i < count; i++, row.next()) {
      Offsets first = walk.start;
      advance(first, row.offsets);
      pool.parallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t chunk = begin; chunk < end; chunk++) {
          typename Op::State state = Op::initial();
          Offsets at = first;
          advance(at, walk.step, chunk * kGrain);
          const int64_t last = std::min(length, (chunk + 1) * kGrain);
          for (int64_t k = chunk * kGrain; k < last; k++, advance(at, walk.step)) {
            op.take(state, at, walk.firstIndex + k * walk.indexStep);
          }
          states[chunk] = state;
        }
      });
      typename Op::State before = Op::initial();
      for (int64_t chunk = 0; chunk < chunks; chunk++) {
        const typename Op::State after = Op::combine(before, states[chunk]);
        states[chunk] = before;
        before = after;
      }
      pool.parallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t chunk = begin; chunk < end; chunk++) {
          scanRow<inclusive>(op, states[chunk], first, walk, chunk * kGrain, std::min(length, (chunk + 1) * kGrain));
        }
      });
    }
    return;
  }
  pool.parallelFor(count, std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
    Odometer<kArrays> row(walk.rows, begin);
    for (int64_t i = begin; i < end; i++, row.next()) {
      Offsets at = walk.start;
      advance(at, row.offsets);
      scanRow<inclusive>(op, Op::initial(), at, walk, 0, length);
    }
  });
}

/// Rows side by side: `columns` is the axis that was innermost, taken from the walk's rows.
template <bool inclusive, bool unit, typename Op>
void scanColumns(const Op& op, const Walk& walk, int64_t columns, const Offsets& step, ThreadPool& pool) {
  const int64_t blocks = (columns + kColumns - 1) / kColumns;
  const int64_t grain = std::max<int64_t>(1, kGrain / (walk.length * std::min(columns, kColumns)));
  pool.parallelFor(walk.rows.size() * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const Odometer<kArrays> row(walk.rows, i / blocks);
      const int64_t first = i % blocks * kColumns, width = std::min(kColumns, columns - first);
      Offsets at = walk.start;
      advance(at, row.offsets);
      advance(at, step, first);
      std::array<typename Op::State, kColumns> states;
      states.fill(Op::initial());
      for (int64_t k = 0; k < walk.length; k++, advance(at, walk.step)) {
        const int64_t index = walk.firstIndex + k * walk.indexStep;
        for (int64_t column = 0; column < width; column++) {
          Offsets here = at;
          if constexpr (unit) {
            for (int64_t& offset : here) offset += column;
          } else {
            advance(here, step, column);
          }
          if constexpr (!inclusive) op.give(states[column], here);
          op.take(states[column], here, index);
          if constexpr (inclusive) op.give(states[column], here);
        }
      }
    }
  });
}

template <bool inclusive, typename Op>
void scan(const Op& op, const Walk& walk, ThreadPool& pool) {
  const int last = walk.rows.rank - 1;
  if (last < 0 || std::abs(walk.step[kOut]) < std::abs(walk.rows.strides[last][kOut])) {
    return scanRows<inclusive>(op, walk, pool);
  }
  const Offsets step = walk.rows.strides[last];
  const int64_t columns = walk.rows.shape[last];
  Walk outer = walk;
  outer.rows.dropLast();
  // Arrays that are not there may step as they like.
  const bool unit = step[kIn] == 1 && step[kOut] == 1 && step[kSecond] <= 1 && step[kPositions] <= 1 &&
                    (!op.second || step[kSecond] == 1) && (!op.positions || step[kPositions] == 1);
  if (unit) {
    scanColumns<inclusive, true>(op, outer, columns, step, pool);
  } else {
    scanColumns<inclusive, false>(op, outer, columns, step, pool);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// From steps.

template <typename F>
void withElement(Dtype dtype, F&& call) {
  switch (dtype) {
    case Dtype::bool_:
      return call(Boolean{});
    case Dtype::uint8:
      return call(Plain<uint8_t>{});
    case Dtype::uint16:
      return call(Plain<uint16_t>{});
    case Dtype::uint32:
      return call(Plain<uint32_t>{});
    case Dtype::uint64:
      return call(Plain<uint64_t>{});
    case Dtype::int8:
      return call(Plain<int8_t>{});
    case Dtype::int16:
      return call(Plain<int16_t>{});
    case Dtype::int32:
      return call(Plain<int32_t>{});
    case Dtype::int64:
      return call(Plain<int64_t>{});
    case Dtype::float16:
      return call(Half{});
    case Dtype::bfloat16:
      return call(Bfloat{});
    case Dtype::float32:
      return call(Single{});
    case Dtype::float64:
      return call(Plain<double>{});
    case Dtype::complex64:
      return call(Complex{});
  }
}

bool isInexact(Dtype dtype) { return dtype >= Dtype::float16; }

const Array* positionsOf(const RoutineStep& step) {
  return step.outputs.size() > 1 && !step.outputs[1].absent() ? &step.outputs[1] : nullptr;
}

/// The walk over all arrays of a step, `axis` scanned.
Walk walkOf(const RoutineStep& step, int64_t axis, bool reverse, bool inclusive) {
  const Array* arrays[kArrays] = {&step.inputs[0], step.inputs.size() > 1 ? &step.inputs[1] : nullptr, &step.outputs[0],
                                  positionsOf(step)};
  const auto stride = [&](int64_t k) {
    Offsets strides;
    for (int i = 0; i < kArrays; i++) strides[i] = arrays[i] ? arrays[i]->operand.strides[static_cast<size_t>(k)] : 0;
    return strides;
  };
  const auto& shape = step.outputs[0].shape;
  Walk walk;
  walk.length = shape[static_cast<size_t>(axis)];
  walk.inclusive = inclusive;
  for (int64_t k = 0; k < static_cast<int64_t>(shape.size()); k++) {
    if (k != axis) walk.rows.append(shape[static_cast<size_t>(k)], stride(k));
  }
  walk.step = stride(axis);
  if (reverse) {
    for (int i = 0; i < kArrays; i++) {
      walk.start[i] = (walk.length - 1) * walk.step[i];
      walk.step[i] = -walk.step[i];
    }
    walk.firstIndex = walk.length - 1;
    walk.indexStep = -1;
  }
  return walk;
}

template <typename E>
Arrays<E> arraysOf(const RoutineStep& step, const Run& run) {
  using Stored = typename E::Stored;
  const auto at = [&](const Array& array) { return run.at(array.operand); };
  const Array* positions = positionsOf(step);
  return {.in = reinterpret_cast<const Stored*>(at(step.inputs[0])),
          .second = step.inputs.size() > 1 ? reinterpret_cast<const Stored*>(at(step.inputs[1])) : nullptr,
          .out = reinterpret_cast<Stored*>(at(step.outputs[0])),
          .positions = positions ? reinterpret_cast<uint32_t*>(at(*positions)) : nullptr};
}

std::string checkArrays(const RoutineStep& step, int64_t axis) {
  const auto& out = step.outputs[0];
  if (axis < 0 || axis >= static_cast<int64_t>(out.shape.size())) return "no such axis";
  for (const auto& input : step.inputs) {
    if (input.shape != out.shape) return "arrays differ in shape";
    if (input.operand.dtype != out.operand.dtype) return "arrays differ in dtype";
  }
  return {};
}

bool isFlag(int64_t value) { return value == 0 || value == 1; }

std::string checkScan(const RoutineStep& step) {
  if (step.ints.size() != 4 || !step.args.empty() || step.inputs.size() != 1 || step.outputs.empty()) {
    return "wrong numbers of integers or arrays";
  }
  const int64_t op = step.ints[0], axis = step.ints[1];
  if (op < 0 || op >= kScanOps || !isFlag(step.ints[2]) || !isFlag(step.ints[3])) return "no such scan";
  const Dtype dtype = step.outputs[0].operand.dtype;
  if (op == kSum && dtype == Dtype::bool_) return "bools have no sum";
  if (op >= kLogAddExp && !isInexact(dtype)) return "integers have no logarithm";
  if (step.outputs.size() > 1) {
    const auto& positions = step.outputs[1];
    if (step.outputs.size() > 2 || (op != kMax && op != kMin)) return "too many outputs";
    if (positions.shape != step.outputs[0].shape) return "arrays differ in shape";
    if (positions.operand.dtype != Dtype::uint32) return "positions are uint32";
  }
  if (auto error = checkArrays(step, axis); !error.empty()) return error;
  if (positionsOf(step) && step.outputs[0].shape[static_cast<size_t>(axis)] > int64_t{1} << 32) {
    return "a position does not fit uint32";
  }
  return {};
}

template <typename Op, typename E>
void runWith(const Arrays<E>& arrays, const Walk& walk, const Run& run) {
  const Op op{arrays};
  if (walk.inclusive) {
    scan<true>(op, walk, run.pool);
  } else {
    scan<false>(op, walk, run.pool);
  }
}

void runScan(const RoutineStep& step, const Run& run) {
  const Walk walk = walkOf(step, step.ints[1], step.ints[2] == 1, step.ints[3] == 1);
  withElement(step.outputs[0].operand.dtype, [&]<typename E>(E) {
    const Arrays<E> arrays = arraysOf<E>(step, run);
    switch (step.ints[0]) {
      case kSum:
        if constexpr (!std::is_same_v<E, Boolean>) runWith<Sum<E>>(arrays, walk, run);
        return;
      case kProd:
        return runWith<Prod<E>>(arrays, walk, run);
      case kMax:
        return arrays.positions ? runWith<ExtremeAt<E, true>>(arrays, walk, run)
                                : runWith<Extreme<E, true>>(arrays, walk, run);
      case kMin:
        return arrays.positions ? runWith<ExtremeAt<E, false>>(arrays, walk, run)
                                : runWith<Extreme<E, false>>(arrays, walk, run);
      case kLogAddExp:
        if constexpr (!std::is_integral_v<typename E::Running>) runWith<LogSumExp<E, false>>(arrays, walk, run);
        return;
      default:
        if constexpr (!std::is_integral_v<typename E::Running>) runWith<LogSumExp<E, true>>(arrays, walk, run);
    }
  });
}

std::string checkRecurrence(const RoutineStep& step) {
  if (step.ints.size() != 2 || !step.args.empty() || step.inputs.size() != 2 || step.outputs.size() != 1) {
    return "wrong numbers of integers or arrays";
  }
  if (!isFlag(step.ints[1])) return "no such recurrence";
  if (!isInexact(step.outputs[0].operand.dtype)) return "a recurrence is of floats";
  return checkArrays(step, step.ints[0]);
}

void runRecurrence(const RoutineStep& step, const Run& run) {
  const Walk walk = walkOf(step, step.ints[0], step.ints[1] == 1, true);
  withElement(step.outputs[0].operand.dtype, [&]<typename E>(E) {
    if constexpr (!std::is_integral_v<typename E::Running>) runWith<Recurrence<E>>(arraysOf<E>(step, run), walk, run);
  });
}

const RoutineRegistration scans(Routine::scan, {.check = checkScan, .run = runScan, .optionalOutputs = 0b10});
const RoutineRegistration recurrences(Routine::recurrence, {.check = checkRecurrence, .run = runRecurrence});

}  // namespace
}  // namespace metalgrad::cpu
