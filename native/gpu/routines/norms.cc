// The norm routine: see metal/norms.metal.
#include <array>
#include <bit>
#include <memory>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

/// Rows of a threadgroup where each has a SIMD group.
constexpr int64_t kRowsEach = 8;

class PreparedNorm final : public PreparedStep {
 public:
  Operand in, weight, bias, out, factors, means;
  uint32_t eps = 0;
  mg::NormParams params{};
  Size groups;
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (params.rows == 0) return {};
    mg::NormParams bytes = params;
    bytes.eps = static_cast<float>(std::bit_cast<double>(run.args[eps]));
    bytes.in = run.offset(in);
    bytes.out = run.offset(out);
    const Binding rows = reading(run, in), result = writing(run, out);
    // What is not there is bound to what is.
    std::array bindings{rows, rows, rows, result, result, result};
    if (params.weighted) bindings[1] = reading(run, weight), bytes.weight = run.offset(weight);
    if (params.biased) bindings[2] = reading(run, bias), bytes.bias = run.offset(bias);
    if (params.keepsFactors) bindings[4] = writing(run, factors), bytes.factors = run.offset(factors);
    if (params.keepsMeans) bindings[5] = writing(run, means), bytes.means = run.offset(means);
    run.submission.dispatch(*pipeline, bindings, bytes, groups, {kThreads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepareNorm(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array& in = step.inputs[0];
  const Dtype dtype = in.operand.dtype;
  const int64_t length = in.shape.back(), rows = sizeOf(std::span(in.shape).first(in.shape.size() - 1));
  if (dtype == Dtype::float64 || rows > kMostGroups) return nullptr;
  auto prepared = std::make_unique<PreparedNorm>();
  mg::NormParams& params = prepared->params;
  params.rows = rows;
  params.length = length;
  params.centered = static_cast<int32_t>(step.ints[0]);
  params.weighted = static_cast<int32_t>(step.ints[1]);
  params.biased = static_cast<int32_t>(step.ints[2]);
  prepared->in = in.operand;
  if (params.weighted) prepared->weight = step.inputs[1].operand;
  if (params.biased) prepared->bias = step.inputs.back().operand;
  prepared->out = step.outputs[0].operand;
  const auto keeps = [&](size_t output, Operand& operand) {
    if (output >= step.outputs.size() || step.outputs[output].absent()) return 0;
    operand = step.outputs[output].operand;
    return 1;
  };
  params.keepsFactors = keeps(1, prepared->factors);
  params.keepsMeans = keeps(2, prepared->means);
  prepared->eps = step.args[0];
  const std::string_view type = elementType(dtype);
  // Elements a lane.
  const std::string_view each = length <= 128 ? "4" : length <= 1024 ? "32" : "";
  prepared->groups = {static_cast<uint32_t>(each.empty() ? rows : (rows + kRowsEach - 1) / kRowsEach), 1, 1};
  prepared->pipeline = each.empty()
                           ? pipelines.instance("norms.metal", "norm_long", std::string(type), {}, outcome)
                           : pipelines.instance("norms.metal", "norm_short", arguments({type, each}), {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
