// The searchsorted routine: see metal/search.metal.
#include <array>
#include <memory>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"
#include "gpu/sort_keys.h"

namespace metalgrad::gpu {
namespace {

class PreparedSearch final : public PreparedStep {
 public:
  Operand sorted, values, out;
  mg::SearchParams params{};
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (params.space.size == 0) return {};
    mg::SearchParams bytes = params;
    bytes.sorted = run.offset(sorted);
    bytes.values = run.offset(values);
    bytes.out = run.offset(out);
    const std::array bindings{reading(run, sorted), reading(run, values), writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, bytes, groupsFor(params.space.size), {kThreads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepareSearch(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &sorted = step.inputs[0], &values = step.inputs[1], &out = step.outputs[0];
  if (sorted.operand.dtype == Dtype::float64) return nullptr;
  auto prepared = std::make_unique<PreparedSearch>();
  const size_t last = out.shape.size() - 1;
  Space<3> space;
  for (size_t axis = 0; axis < last; axis++) {
    space.append(out.shape[axis],
                 {sorted.operand.strides[axis], values.operand.strides[axis], out.operand.strides[axis]});
  }
  space.append(out.shape[last], {0, values.operand.strides[last], out.operand.strides[last]});
  const auto shader = shaderSpace(space);
  if (!shader || shader->size > kMostElements) return nullptr;
  prepared->sorted = sorted.operand;
  prepared->values = values.operand;
  prepared->out = out.operand;
  prepared->params.length = sorted.shape[last];
  prepared->params.stride = sorted.operand.strides[last];
  prepared->params.right = step.ints[0] == 1;
  prepared->params.space = *shader;
  prepared->pipeline = pipelines.instance("search.metal", "searchsorted", sortKey(sorted.operand.dtype), {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
