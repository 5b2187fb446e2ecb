// The bitcast routine: see metal/bitcast.metal.
#include <algorithm>
#include <array>
#include <memory>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

class PreparedBitcast final : public PreparedStep {
 public:
  Operand in, out;
  /// Elements that the shader copies in one of the array's.
  int64_t perIn = 1, perOut = 1, size = 0;
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (size == 0) return {};
    const mg::BitcastParams params{run.offset(in) * perIn, run.offset(out) * perOut, size};
    const std::array bindings{reading(run, in), writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, params, groupsFor(size), {kThreads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepareBitcast(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &in = step.inputs[0], &out = step.outputs[0];
  const size_t from = itemSize(in.operand.dtype), to = itemSize(out.operand.dtype), copied = std::min(from, to);
  auto prepared = std::make_unique<PreparedBitcast>();
  prepared->in = in.operand;
  prepared->out = out.operand;
  prepared->perIn = static_cast<int64_t>(from / copied);
  prepared->perOut = static_cast<int64_t>(to / copied);
  prepared->size = sizeOf(out.shape) * prepared->perOut;
  if (prepared->size > kMostElements) return nullptr;
  const bool truth = out.operand.dtype == Dtype::bool_;
  prepared->pipeline =
      pipelines.instance("bitcast.metal", "bitcast", arguments({bitsType(copied), flag(truth)}), {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
