// The rope routine: see metal/rope.metal.
#include <array>
#include <bit>
#include <cmath>
#include <memory>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

mg::PairParam pairOf(double x) {
  const auto first = static_cast<float>(x);
  return {first, std::isfinite(first) ? static_cast<float>(x - static_cast<double>(first)) : 0.0f};
}

class PreparedRope final : public PreparedStep {
 public:
  Operand x, offsets, freqs, out;
  /// The arguments base, scale and offset.
  std::array<uint32_t, 3> args{};
  bool backwards = false;
  mg::RopeParams params{};
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (params.rows.size == 0) return {};
    mg::RopeParams bytes = params;
    const auto argument = [&](size_t i) { return std::bit_cast<double>(run.args[args[i]]); };
    bytes.growth = pairOf(-std::log(argument(0)) / static_cast<double>(params.half_));
    bytes.scale = pairOf(backwards ? -argument(1) : argument(1));
    bytes.offset = pairOf(argument(2));
    bytes.x = run.offset(x);
    bytes.out = run.offset(out);
    const Binding rows = reading(run, x);
    // What is not there is bound to what is.
    std::array bindings{rows, rows, rows, writing(run, out)};
    if (params.hasOffsets) bindings[1] = reading(run, offsets), bytes.offsets = run.offset(offsets);
    if (params.hasFreqs) bindings[2] = reading(run, freqs), bytes.freqs = run.offset(freqs);
    const int64_t threads = params.rows.size * (params.width - params.half_);
    run.submission.dispatch(*pipeline, bindings, bytes, groupsFor(threads), {kThreads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepareRope(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &in = step.inputs[0], &out = step.outputs[0];
  const Dtype dtype = in.operand.dtype;
  if (dtype == Dtype::float64 || sizeOf(out.shape) > kMostElements) return nullptr;
  auto prepared = std::make_unique<PreparedRope>();
  prepared->x = in.operand;
  prepared->out = out.operand;
  const bool hasOffsets = step.ints[3] == 1, hasFreqs = step.ints[4] == 1;
  if (hasOffsets) prepared->offsets = step.inputs[1].operand;
  if (hasFreqs) prepared->freqs = step.inputs.back().operand;
  const auto along = [](bool there, const Operand& operand, size_t axis) { return there ? operand.strides[axis] : 0; };
  const size_t last = out.shape.size() - 1;
  Space<4> rows;
  for (size_t axis = 0; axis < last; axis++) {
    const bool batch = axis + 1 < last;
    rows.append(out.shape[axis], {in.operand.strides[axis], along(hasOffsets && batch, prepared->offsets, axis),
                                  along(hasFreqs && batch, prepared->freqs, axis), out.operand.strides[axis]});
  }
  const auto shader = shaderSpace(rows);
  if (!shader) return nullptr;
  mg::RopeParams& params = prepared->params;
  params.rows = *shader;
  params.length = out.shape[last - 1];
  params.width = out.shape[last];
  params.half_ = step.ints[0] / 2;
  params.columnStep = in.operand.strides[last];
  params.freqStep = hasFreqs ? prepared->freqs.strides.back() : 0;
  params.traditional = static_cast<int32_t>(step.ints[1]);
  params.hasOffsets = hasOffsets ? 1 : 0;
  params.hasFreqs = hasFreqs ? 1 : 0;
  prepared->backwards = step.ints[2] == 1;
  prepared->args = {step.args[0], step.args[1], step.args[2]};
  prepared->pipeline = pipelines.instance("rope.metal", "rope", std::string(elementType(dtype)), {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
