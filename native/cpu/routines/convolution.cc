// Convolutions: blocks of the input's patches are laid out as matrices and multiplied by the kernel with BLAS, so that
// no more than a block of them ever exists. Kernels of one channel a group are summed up directly.
//
//   convolution   ints: groups, flip, then for each spatial axis its stride, its padding in front, its kernel dilation
//                 and its input dilation, list by list; x [N, spatial…, C], w [F, spatial…, C / groups] → [N, spatial…,
//                 F]
#include <algorithm>
#include <array>
#include <complex>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "cpu/clones.h"
#include "cpu/elements.h"
#include "cpu/iteration.h"
#include "cpu/matmul_product.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements of one block of patches: it stays in the second cache.
constexpr int64_t kBlockElements = 1 << 17;
/// The part of a sum that one product adds up.
constexpr int64_t kSumBlock = 1024;
constexpr int64_t kFewestRows = 16;
/// Multiplications that are worth waking a thread.
constexpr int64_t kSmallWork = 1 << 17;
/// Channels that are summed up side by side when each is a group of its own.
constexpr int64_t kLanes = 512;

struct Axis {
  int64_t input, kernel, output;
  int64_t stride, low, kernelDilation, inputDilation;
  int64_t step;  // of x
};

/// Everything that does not depend on the dtype.
struct Geometry {
  std::vector<Axis> axes;
  int64_t examples, positions;        // positions of the kernel in one example
  int64_t groups, channels, outputs;  // channels and outputs of one group
  int64_t kernels = 1;                // elements of the kernel for one channel
  int64_t exampleStep, channelStep;   // of x
  bool straight;                      // a line of the kernel meets one run of memory

  int64_t rows() const { return examples * positions; }
  int64_t sum() const { return kernels * channels; }
  int64_t allOutputs() const { return groups * outputs; }
};

Geometry geometryOf(const RoutineStep& step) {
  const Array &x = step.inputs[0], &w = step.inputs[1], &out = step.outputs[0];
  const size_t spatial = x.shape.size() - 2;
  Geometry g;
  g.groups = step.ints[0];
  g.channels = w.shape.back();
  g.outputs = w.shape[0] / g.groups;
  g.examples = x.shape[0];
  g.exampleStep = x.operand.strides[0];
  g.channelStep = x.operand.strides.back();
  g.positions = 1;
  const int64_t* lists = step.ints.data() + 2;
  for (size_t i = 0; i < spatial; i++) {
    g.axes.push_back({x.shape[i + 1], w.shape[i + 1], out.shape[i + 1], lists[i], lists[spatial + i],
                      lists[2 * spatial + i], lists[3 * spatial + i], x.operand.strides[i + 1]});
    g.positions *= out.shape[i + 1];
    g.kernels *= w.shape[i + 1];
  }
  const Axis& last = g.axes.back();
  g.straight = g.groups == 1 && g.channelStep == 1 && last.kernelDilation == 1 && last.inputDilation == 1 &&
               (last.step == g.channels || last.input == 1);
  return g;
}

/// One position of the kernel: the example, and where along each axis the kernel begins.
class Position {
 public:
  Position(const Geometry& geometry, int64_t row) : geometry_(geometry), index_(geometry.axes.size()) {
    int64_t rest = row % geometry.positions;
    example = row / geometry.positions;
    for (size_t i = index_.size(); i-- > 0;) {
      index_[i] = rest % geometry.axes[i].output;
      rest /= geometry.axes[i].output;
    }
  }

  void next() {
    for (size_t i = index_.size(); i-- > 0;) {
      if (++index_[i] < geometry_.axes[i].output) return;
      index_[i] = 0;
    }
    example++;
  }

  int64_t begin(size_t axis) const { return index_[axis] * geometry_.axes[axis].stride - geometry_.axes[axis].low; }

  /// The offset of the element of x under element k of the kernel along an axis, or nothing where x has none.
  std::optional<int64_t> under(size_t axis, int64_t k) const {
    const Axis& a = geometry_.axes[axis];
    int64_t at = begin(axis) + k * a.kernelDilation;
    if (at < 0 || at > (a.input - 1) * a.inputDilation) return std::nullopt;
    if (a.inputDilation != 1) {
      if (at % a.inputDilation != 0) return std::nullopt;
      at /= a.inputDilation;
    }
    return at * a.step;
  }

  /// The same under line `line` of the kernel: all axes but the last.
  std::optional<int64_t> underLine(int64_t line) const {
    int64_t offset = 0;
    for (size_t i = index_.size() - 1; i-- > 0;) {
      const auto along = under(i, line % geometry_.axes[i].kernel);
      if (!along) return std::nullopt;
      offset += *along;
      line /= geometry_.axes[i].kernel;
    }
    return offset;
  }

  /// The same under element `k` of the whole kernel.
  std::optional<int64_t> underKernel(int64_t k) const {
    const size_t last = index_.size() - 1;
    const auto line = underLine(k / geometry_.axes[last].kernel);
    const auto along = under(last, k % geometry_.axes[last].kernel);
    if (!line || !along) return std::nullopt;
    return *line + *along;
  }

  int64_t example;

 private:
  const Geometry& geometry_;
  std::vector<int64_t> index_;
};

// ---------------------------------------------------------------------------------------------------------------------
// The kernel as one matrix a group: [sum, outputs].

template <typename E>
class Kernel {
 public:
  using Wide = typename E::Wide;

  /// `lanes`: the outputs are to lie side by side.
  Kernel(const RoutineStep& step, const Run& run, const Geometry& g, bool lanes) : geometry_(g) {
    const Array& w = step.inputs[1];
    const auto* data = reinterpret_cast<const typename E::Stored*>(run.at(w.operand));
    const bool flip = step.ints[1] == 1;
    if constexpr (!kNarrow<E>) {
      if (!flip && !lanes && isContiguous(w)) {
        data_ = data;
        return;
      }
    }
    copy_.emplace(static_cast<size_t>(g.allOutputs() * g.sum()));
    data_ = copy_->data();
    // Axes of the kernel, then its channels.
    Space<1> inside;
    for (size_t i = 0; i < g.axes.size(); i++) {
      const int64_t step = w.operand.strides[i + 1];
      inside.append(w.shape[i + 1], {flip ? -step : step});
      if (flip) data += (w.shape[i + 1] - 1) * step;
    }
    inside.append(g.channels, {w.operand.strides.back()});
    const int64_t outputStep = w.operand.strides[0], outputs = g.allOutputs(), sum = g.sum();
    outputsInside_ = lanes || outputStep == 1;
    Wide* to = copy_->data();
    if (outputsInside_) {
      const int64_t grain = std::max<int64_t>(1, kSmallWork / 4 / outputs);
      run.pool.parallelFor(sum, grain, [&](int64_t begin, int64_t end) {
        Odometer<1> at(inside, begin);
        for (int64_t s = begin; s < end; s++, at.next()) {
          loadRun<E>(data + at.offsets[0], outputStep, to + s * outputs, outputs);
        }
      });
      return;
    }
    Space<1> lines = inside;
    int64_t length = 1, lengthStep = 1;
    if (lines.rank > 0) {
      length = lines.shape[lines.rank - 1];
      lengthStep = lines.strides[lines.rank - 1][0];
      lines.dropLast();
    }
    const int64_t grain = std::max<int64_t>(1, kSmallWork / 4 / sum);
    run.pool.parallelFor(outputs, grain, [&](int64_t begin, int64_t end) {
      for (int64_t output = begin; output < end; output++) {
        Odometer<1> at(lines, 0);
        for (int64_t s = 0; s < sum; s += length, at.next()) {
          loadRun<E>(data + output * outputStep + at.offsets[0], lengthStep, to + output * sum + s, length);
        }
      }
    });
  }

  Matrix<const Wide> of(int64_t group) const {
    const int64_t sum = geometry_.sum(), outputs = geometry_.outputs;
    if (outputsInside_) return {data_ + group * outputs, sum, outputs, geometry_.allOutputs(), 1};
    return {data_ + group * outputs * sum, sum, outputs, 1, sum};
  }

 private:
  const Geometry& geometry_;
  std::optional<Scratch<Wide>> copy_;
  const Wide* data_ = nullptr;
  bool outputsInside_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// Patches.

template <typename E>
class Patches {
 public:
  using Stored = typename E::Stored;
  using Wide = typename E::Wide;

  Patches(const Geometry& geometry, const Stored* x) : geometry_(geometry), x_(x) {}

  /// Numbers `from` to `to` of the patch at a position, in the order of the kernel's elements.
  void row(const Position& position, int64_t group, int64_t from, int64_t to, Wide* out) const {
    const Geometry& g = geometry_;
    const Stored* x = x_ + position.example * g.exampleStep + group * g.channels * g.channelStep;
    const int64_t line = g.axes.back().kernel * g.channels;
    while (from < to) {
      const int64_t begin = from % line, end = std::min(line, begin + to - from);
      if (const auto offset = position.underLine(from / line)) {
        rowOfLine(position, x + *offset, begin, end, out);
      } else {
        std::fill_n(out, end - begin, Wide(0));
      }
      out += end - begin;
      from += end - begin;
    }
  }

  /// Numbers `from` to `to` of the patches of neighbouring examples, each number's examples side by side.
  void columns(const Position& position, int64_t examples, int64_t group, int64_t from, int64_t to, Wide* out) const {
    const Geometry& g = geometry_;
    const Stored* x = x_ + position.example * g.exampleStep + group * g.channels * g.channelStep;
    while (from < to) {
      const int64_t channel = from % g.channels, count = std::min(g.channels - channel, to - from);
      if (const auto offset = position.underKernel(from / g.channels)) {
        for (int64_t c = 0; c < count; c++) {
          loadRun<E>(x + *offset + (channel + c) * g.channelStep, g.exampleStep, out + c * examples, examples);
        }
      } else {
        std::fill_n(out, count * examples, Wide(0));
      }
      out += count * examples;
      from += count;
    }
  }

 private:
  void rowOfLine(const Position& position, const Stored* x, int64_t begin, int64_t end, Wide* out) const {
    const Geometry& g = geometry_;
    const size_t last = g.axes.size() - 1;
    if (g.straight) {
      const int64_t first = position.begin(last) * g.channels, size = g.axes[last].input * g.channels;
      const int64_t from = std::clamp(-first, begin, end), to = std::clamp(size - first, from, end);
      std::fill(out, out + (from - begin), Wide(0));
      if (to > from) loadRun<E>(x + first + from, 1, out + (from - begin), to - from);
      std::fill(out + (to - begin), out + (end - begin), Wide(0));
      return;
    }
    while (begin < end) {
      const int64_t channel = begin % g.channels, count = std::min(g.channels - channel, end - begin);
      if (const auto offset = position.under(last, begin / g.channels)) {
        loadRun<E>(x + *offset + channel * g.channelStep, g.channelStep, out, count);
      } else {
        std::fill_n(out, count, Wide(0));
      }
      out += count;
      begin += count;
    }
  }

  const Geometry& geometry_;
  const Stored* x_;
};

/// Whether x already is the matrix of its patches.
bool isMatrix(const RoutineStep& step, const Geometry& g) {
  for (const Axis& axis : g.axes) {
    if (axis.kernel != 1 || axis.stride != 1 || axis.inputDilation != 1 || axis.low != 0 || axis.output != axis.input) {
      return false;
    }
  }
  return isContiguous(step.inputs[0]);
}

/// Products of a block of patches with the kernel, a block of the sum after the other.
template <typename E>
void multiplyPatches(const RoutineStep& step, const Run& run, const Geometry& g) {
  using Wide = typename E::Wide;
  const Kernel<E> kernel(step, run, g, false);
  const auto* x = reinterpret_cast<const typename E::Stored*>(run.at(step.inputs[0].operand));
  auto* out = reinterpret_cast<typename E::Stored*>(run.at(step.outputs[0].operand));
  const Patches<E> patches(g, x);
  // Gradients of kernels sum over examples, and what neighbours in memory then are examples of this convolution.
  const bool examplesInside = g.exampleStep == 1 && g.examples > 1 && g.channelStep != 1 && g.channels > 1;
  const bool ready = !kNarrow<E> && isMatrix(step, g);
  const int64_t sum = g.sum(), sumBlock = std::min(sum, kSumBlock);
  // A line of rows is what blocks are cut from: all rows, or the examples at one position.
  const int64_t line = examplesInside ? g.examples : g.rows(), lines = examplesInside ? g.positions : 1;
  const int64_t pieces = 4 * run.pool.threads();
  const int64_t fair = (line * lines * g.groups + pieces - 1) / pieces;
  const int64_t block = std::clamp(std::min(fair, kBlockElements / sumBlock), std::min(kFewestRows, line), line);
  const int64_t blocks = (line + block - 1) / block, tasks = g.groups * lines * blocks;
  const int64_t grain = std::clamp<int64_t>(kSmallWork / std::max<int64_t>(1, block * sum * g.outputs), 1, tasks);
  run.pool.parallelFor(tasks, grain, [&](int64_t begin, int64_t end) {
    Scratch<Wide> packed(ready ? 0 : static_cast<size_t>(block * sumBlock));
    Scratch<Wide> wideOut(kNarrow<E> ? static_cast<size_t>(block * g.outputs) : 0);
    for (int64_t task = begin; task < end; task++) {
      const int64_t group = task / (lines * blocks), where = task / blocks % lines, from = task % blocks * block;
      const int64_t rows = std::min(block, line - from);
      const int64_t first = examplesInside ? from * g.positions + where : from;
      const int64_t rowStep = (examplesInside ? g.positions : 1) * g.allOutputs();
      typename E::Stored* target = out + first * g.allOutputs() + group * g.outputs;
      Matrix<Wide> result;
      if constexpr (kNarrow<E>) {
        result = {wideOut.data(), rows, g.outputs, g.outputs, 1};
      } else {
        result = {target, rows, g.outputs, rowStep, 1};
      }
      for (int64_t s = 0; s < sum; s += sumBlock) {
        const int64_t length = std::min(sumBlock, sum - s);
        Matrix<const Wide> a{packed.data(), rows, length, length, 1};
        Position position(g, first);
        if (examplesInside) {
          patches.columns(position, rows, group, s, s + length, packed.data());
          a = {packed.data(), rows, length, 1, rows};
        } else if (ready) {
          if constexpr (!kNarrow<E>) {
            const int64_t all = g.groups * g.channels;
            a = {x + first * all + group * g.channels + s, rows, length, all, 1};
          }
        } else {
          for (int64_t row = 0; row < rows; row++, position.next()) {
            patches.row(position, group, s, s + length, packed.data() + row * length);
          }
        }
        multiplyBlas(a, kernel.of(group).part(s, length, 0, g.outputs), result, s > 0);
      }
      if constexpr (kNarrow<E>) {
        for (int64_t row = 0; row < rows; row++) {
          narrow(E::kDtype, wideOut.data() + row * g.outputs, target + row * rowStep, g.outputs);
        }
      }
    }
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// One channel and one output a group.

template <typename T>
T times(T a, T b) {
  return a * b;
}

std::complex<float> times(std::complex<float> a, std::complex<float> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

template <typename E>
void sumChannels(const RoutineStep& step, const Run& run, const Geometry& g) {
  using Wide = typename E::Wide;
  const Kernel<E> kernel(step, run, g, true);
  const Matrix<const Wide> weights = kernel.of(0);
  const auto* x = reinterpret_cast<const typename E::Stored*>(run.at(step.inputs[0].operand));
  auto* out = reinterpret_cast<typename E::Stored*>(run.at(step.outputs[0].operand));
  const int64_t grain = std::max<int64_t>(1, kSmallWork / std::max<int64_t>(1, g.groups * g.kernels));
  run.pool.parallelFor(g.rows(), grain, [&](int64_t begin, int64_t end) {
    std::array<Wide, kLanes> sums;
    Position position(g, begin);
    for (int64_t row = begin; row < end; row++, position.next()) {
      for (int64_t from = 0; from < g.groups; from += kLanes) {
        const int64_t count = std::min(kLanes, g.groups - from);
        std::fill_n(sums.data(), count, Wide(0));
        for (int64_t k = 0; k < g.kernels; k++) {
          const auto offset = position.underKernel(k);
          if (!offset) continue;
          const auto* source = x + position.example * g.exampleStep + *offset + from * g.channelStep;
          const Wide* weight = weights.data + k * weights.rowStride + from;
          if (g.channelStep == 1) {
            for (int64_t c = 0; c < count; c++) sums[c] += times(E::load(source[c]), weight[c]);
          } else {
            for (int64_t c = 0; c < count; c++) sums[c] += times(E::load(source[c * g.channelStep]), weight[c]);
          }
        }
        for (int64_t c = 0; c < count; c++) out[row * g.groups + from + c] = E::store(sums[c]);
      }
    }
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// From steps.

/// Sizes, strides and dilations below this cannot overflow when they are combined.
constexpr int64_t kLargest = int64_t{1} << 30;

std::string checkConvolution(const RoutineStep& step) {
  if (step.inputs.size() != 2 || step.outputs.size() != 1 || !step.args.empty()) return "wrong numbers of arrays";
  const Array &x = step.inputs[0], &w = step.inputs[1], &out = step.outputs[0];
  const size_t rank = x.shape.size();
  if (rank < 3 || w.shape.size() != rank || out.shape.size() != rank)
    return "no spatial axes, or arrays differ in rank";
  const size_t spatial = rank - 2;
  if (step.ints.size() != 2 + 4 * spatial) return "wrong number of integers";
  const Dtype dtype = out.operand.dtype;
  if (dtype < Dtype::float16) return "a convolution is of floats";
  if (x.operand.dtype != dtype || w.operand.dtype != dtype) return "arrays differ in dtype";
  const int64_t groups = step.ints[0];
  if (groups < 1 || groups > kLargest || (step.ints[1] != 0 && step.ints[1] != 1)) return "no such convolution";
  int64_t product = 1;
  for (const Array* array : {&x, &w, &out}) {
    product = 1;
    for (const int64_t size : array->shape) {
      if (size > kLargest || __builtin_mul_overflow(product, std::max<int64_t>(size, 1), &product)) return "too large";
    }
    if (product > kLargest * kLargest / 64) return "too large";
  }
  if (w.shape.back() * groups != x.shape.back() || w.shape[0] % groups != 0 || w.shape[0] != out.shape.back() ||
      x.shape[0] != out.shape[0]) {
    return "shapes do not fit";
  }
  const int64_t* lists = step.ints.data() + 2;
  for (size_t i = 0; i < spatial; i++) {
    const auto isStep = [&](int64_t value) { return value >= 1 && value <= kLargest; };
    if (!isStep(lists[i]) || !isStep(lists[2 * spatial + i]) || !isStep(lists[3 * spatial + i])) return "no such step";
    const int64_t low = lists[spatial + i];
    if (low > kLargest * kLargest || low < -kLargest * kLargest) return "no such padding";
  }
  return {};
}

template <typename E>
void runWith(const RoutineStep& step, const Run& run, const Geometry& g) {
  if (g.sum() == 0) {
    const Array& out = step.outputs[0];
    std::memset(run.at(out.operand), 0, static_cast<size_t>(g.rows() * g.allOutputs()) * itemSize(out.operand.dtype));
  } else if (g.groups > 1 && g.channels == 1 && g.outputs == 1) {
    sumChannels<E>(step, run, g);
  } else {
    multiplyPatches<E>(step, run, g);
  }
}

void runConvolution(const RoutineStep& step, const Run& run) {
  const Geometry g = geometryOf(step);
  switch (step.outputs[0].operand.dtype) {
    case Dtype::float16:
      return runWith<Half>(step, run, g);
    case Dtype::bfloat16:
      return runWith<Bfloat>(step, run, g);
    case Dtype::float32:
      return runWith<Plain<float>>(step, run, g);
    case Dtype::float64:
      return runWith<Plain<double>>(step, run, g);
    default:
      return runWith<Plain<std::complex<float>>>(step, run, g);
  }
}

const RoutineRegistration convolutions(Routine::convolution, {.check = checkConvolution, .run = runConvolution});

}  // namespace
}  // namespace metalgrad::cpu
