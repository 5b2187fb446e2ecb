// The softmax and logsumexp routines: see metal/softmax.metal.
#include <array>
#include <memory>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

/// Rows of a threadgroup where each has a SIMD group.
constexpr int64_t kRowsEach = 8;

class PreparedSoftmax final : public PreparedStep {
 public:
  Operand in, out;
  mg::SoftmaxParams params{};
  Size groups;
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (params.rows == 0) return {};
    mg::SoftmaxParams bytes = params;
    bytes.in = run.offset(in);
    bytes.out = run.offset(out);
    const std::array bindings{reading(run, in), writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, bytes, groups, {kThreads, 1, 1});
    return {};
  }
};

Prepared prepareRows(const RoutineStep& step, bool logarithm, Pipelines& pipelines, Outcome& outcome) {
  const Array& in = step.inputs[0];
  const Dtype dtype = in.operand.dtype;
  const int64_t length = in.shape.back(), rows = sizeOf(std::span(in.shape).first(in.shape.size() - 1));
  if (dtype == Dtype::float64 || rows > kMostGroups) return nullptr;
  auto prepared = std::make_unique<PreparedSoftmax>();
  prepared->in = in.operand;
  prepared->out = step.outputs[0].operand;
  prepared->params.rows = rows;
  prepared->params.length = length;
  const std::string_view type = elementType(dtype), log = flag(logarithm);
  const auto instance = [&](std::string_view kernel, const std::string& types) {
    return pipelines.instance("softmax.metal", kernel, types, {}, outcome);
  };
  // Elements a lane.
  const std::string_view each = length <= 128 ? "4" : length <= 1024 ? "32" : "";
  prepared->groups = {static_cast<uint32_t>(each.empty() ? rows : (rows + kRowsEach - 1) / kRowsEach), 1, 1};
  prepared->pipeline = each.empty() ? instance("softmax_long", arguments({type, log}))
                                    : instance("softmax_short", arguments({type, each, log}));
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace

Prepared prepareSoftmax(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  return prepareRows(step, false, pipelines, outcome);
}

Prepared prepareLogSumExp(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  return prepareRows(step, true, pipelines, outcome);
}

}  // namespace metalgrad::gpu
