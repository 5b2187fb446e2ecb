// The fft routine: see metal/fourier.metal.
#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

/// Rows that one threadgroup transforms in its memory.
constexpr int64_t kBlock = 2048;
/// The largest length whose roots of unity the shader computes with 32-bit integers.
constexpr int64_t kLongest = int64_t{1} << 28;
constexpr uint32_t kLargestRadix = 13;

/// Radices whose product is the length; none where a prime factor is too large.
std::vector<uint32_t> radicesOf(int64_t length) {
  std::vector<uint32_t> radices;
  for (const uint32_t radix : {8u, 4u, 2u, 3u, 5u, 7u, 11u, kLargestRadix}) {
    while (length % radix == 0) {
      radices.push_back(radix);
      length /= radix;
    }
  }
  if (length > 1) radices.clear();
  return radices;
}

/// Rows in memory: where they begin, and how far their elements are apart.
struct Rows {
  Range range;
  int64_t offset = 0, step = 1;
  bool strided = false;  // along the operand's axes; otherwise one after the other
};

/// Pipelines that transform rows of one length.
struct Passes {
  uint32_t length = 1;
  std::vector<uint32_t> radices;
  std::shared_ptr<const Pipeline> whole, pass;

  bool prepare(int64_t size, std::vector<uint32_t> factors, Pipelines& pipelines, Outcome& outcome) {
    length = static_cast<uint32_t>(size);
    radices = std::move(factors);
    auto& pipeline = size <= kBlock ? whole : pass;
    pipeline =
        pipelines.instance("fourier.metal", size <= kBlock ? "fourier_rows" : "fourier_pass", "float2", {}, outcome);
    return pipeline != nullptr;
  }
};

class PreparedFourier final : public PreparedStep {
 public:
  Operand in, out;
  /// The rows' strides in both arrays.
  mg::Space<2> rows{};
  int64_t inStep = 1, outStep = 1;
  bool inverse = false;
  /// Of the length itself, or of the padded length of the convolution.
  Passes passes;
  /// 0, or the length that Bluestein's way is taken for.
  uint32_t chirp = 0;
  std::shared_ptr<const Pipeline> begin, kernel, multiply, finish;

  Outcome encode(const Run& run) const override {
    if (rows.size == 0 || passes.length == 0) return {};
    const Rows from{run.slots[in.slot], run.offset(in), inStep, true};
    const Rows to{run.slots[out.slot], run.offset(out), outStep, true};
    if (chirp == 0) return transform(run, from, to, rows.size, inverse);
    const int64_t length = passes.length;
    const size_t bytes = static_cast<size_t>(length) * kItem, all = bytes * static_cast<size_t>(rows.size);
    const Rows padded{run.submission.scratch(all)}, spectra{run.submission.scratch(all)};
    const Rows filter{run.submission.scratch(bytes)}, spectrum{run.submission.scratch(bytes)};
    if (!padded.range.object || !spectra.range.object || !filter.range.object || !spectrum.range.object) {
      return outOfScratch(2 * (all + bytes));
    }
    launch(run, *begin, from, padded, rows.size * length);
    const std::array made{writing(filter.range)};
    run.submission.dispatch(*kernel, made, params(filter, filter), groupsFor(length), {kThreads, 1, 1});
    if (Outcome outcome = transform(run, filter, spectrum, 1, false); !outcome.ok()) return outcome;
    if (Outcome outcome = transform(run, padded, spectra, rows.size, false); !outcome.ok()) return outcome;
    const std::array product{writing(spectra.range), reading(spectrum.range)};
    run.submission.dispatch(*multiply, product, params(spectra, spectra), groupsFor(rows.size * length),
                            {kThreads, 1, 1});
    if (Outcome outcome = transform(run, spectra, padded, rows.size, true); !outcome.ok()) return outcome;
    launch(run, *finish, padded, to, rows.size * chirp);
    return {};
  }

 private:
  static constexpr size_t kItem = 8;

  mg::FourierParams params(const Rows& from, const Rows& to) const {
    mg::FourierParams result{};
    result.in = from.offset;
    result.out = to.offset;
    result.inStep = from.step;
    result.outStep = to.step;
    result.length = passes.length;
    result.chirp = chirp;
    result.inverse = inverse;
    result.rows = rows;
    const Rows* both[] = {&from, &to};
    for (int i = 0; i < 2; i++) {
      if (both[i]->strided) continue;
      int64_t stride = passes.length;
      for (int axis = rows.rank - 1; axis >= 0; axis--) {
        result.rows.strides[i][axis] = stride;
        stride *= rows.shape[axis];
      }
    }
    return result;
  }

  void launch(const Run& run, const Pipeline& pipeline, const Rows& from, const Rows& to, int64_t threads) const {
    const std::array bindings{reading(from.range), writing(to.range)};
    run.submission.dispatch(pipeline, bindings, params(from, to), groupsFor(threads), {kThreads, 1, 1});
  }

  /// Transforms `count` rows: all of them, or a single one that lies by itself.
  Outcome transform(const Run& run, const Rows& from, const Rows& to, int64_t count, bool backwards) const {
    const auto passParams = [&](const Rows& source, const Rows& target) {
      mg::FourierParams result = params(source, target);
      result.inverse = backwards;
      if (count == 1) {
        result.rows.rank = 0;
        result.rows.size = 1;
      }
      return result;
    };
    if (passes.whole) {
      mg::FourierParams bytes = passParams(from, to);
      bytes.factors = static_cast<uint32_t>(passes.radices.size());
      std::ranges::copy(passes.radices, bytes.factor);
      const std::array bindings{reading(from.range), writing(to.range)};
      const uint32_t threads = std::clamp<uint32_t>(std::bit_ceil(passes.length / 4), 32, kThreads);
      run.submission.dispatch(*passes.whole, bindings, bytes, {static_cast<uint32_t>(count), 1, 1}, {threads, 1, 1});
      return {};
    }
    const size_t size = static_cast<size_t>(count) * passes.length * kItem;
    std::array<Rows, 2> between{Rows{run.submission.scratch(size)}, Rows{run.submission.scratch(size)}};
    if (!between[0].range.object || !between[1].range.object) return outOfScratch(2 * size);
    Rows source = from;
    uint32_t done = 1;
    for (size_t i = 0; i < passes.radices.size(); i++) {
      const Rows target = i + 1 == passes.radices.size() ? to : between[i % 2];
      mg::FourierParams bytes = passParams(source, target);
      bytes.radix = passes.radices[i];
      bytes.done = done;
      const std::array bindings{reading(source.range), writing(target.range)};
      run.submission.dispatch(*passes.pass, bindings, bytes, groupsFor(count * (passes.length / bytes.radix)),
                              {kThreads, 1, 1});
      done *= bytes.radix;
      source = target;
    }
    return {};
  }
};

}  // namespace

Prepared prepareFourier(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &in = step.inputs[0], &out = step.outputs[0];
  const auto axis = static_cast<size_t>(step.ints[0]);
  const int64_t length = out.shape[axis];
  Space<2> rows;
  for (size_t k = 0; k < out.shape.size(); k++) {
    if (k != axis) rows.append(out.shape[k], {in.operand.strides[k], out.operand.strides[k]});
  }
  const auto space = shaderSpace(rows);
  if (!space || length > kLongest / 4 || space->size > kMostGroups) return nullptr;
  auto prepared = std::make_unique<PreparedFourier>();
  prepared->in = in.operand;
  prepared->out = out.operand;
  prepared->rows = *space;
  prepared->inStep = in.operand.strides[axis];
  prepared->outStep = out.operand.strides[axis];
  prepared->inverse = step.ints[1] == 1;
  if (length == 0) {
    prepared->passes.length = 0;
    return prepared;
  }
  std::vector<uint32_t> radices = radicesOf(length);
  if (length == 1 || !radices.empty()) {
    if (!prepared->passes.prepare(length, std::move(radices), pipelines, outcome)) return nullptr;
    return prepared;
  }
  const auto padded = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(2 * length - 1)));
  prepared->chirp = static_cast<uint32_t>(length);
  if (!prepared->passes.prepare(padded, radicesOf(padded), pipelines, outcome)) return nullptr;
  const auto instance = [&](std::string_view kernel) {
    return pipelines.instance("fourier.metal", kernel, "float2", {}, outcome);
  };
  prepared->begin = instance("fourier_chirp");
  if (prepared->begin) prepared->kernel = instance("fourier_kernel");
  if (prepared->kernel) prepared->multiply = instance("fourier_multiply");
  if (prepared->multiply) prepared->finish = instance("fourier_finish");
  if (!prepared->finish) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
