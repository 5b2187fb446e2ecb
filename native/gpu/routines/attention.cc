// The attention routine: see metal/attention.metal.
#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

enum { kBatch, kHead, kRow, kColumn };

/// SIMD groups of a threadgroup, and the queries that each has where there are many.
constexpr int64_t kSimdGroups = 8, kEach = 4;

class PreparedAttention final : public PreparedStep {
 public:
  Operand q, k, v, mask, out;
  uint32_t scale = 0;
  mg::AttentionParams params{};
  Size groups;
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (groups.x == 0 || groups.y == 0 || groups.z == 0) return {};
    mg::AttentionParams bytes = params;
    bytes.q = run.offset(q);
    bytes.k = run.offset(k);
    bytes.v = run.offset(v);
    bytes.mask = run.offset(mask);
    bytes.out = run.offset(out);
    bytes.scale = static_cast<float>(std::bit_cast<double>(run.args[scale]));
    const std::array bindings{reading(run, q), reading(run, k), reading(run, v), reading(run, mask), writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, bytes, groups, {static_cast<uint32_t>(kSimdGroups * 32), 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepareAttention(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &q = step.inputs[0], &k = step.inputs[1], &v = step.inputs[2], &out = step.outputs[0];
  const Dtype dtype = out.operand.dtype;
  if (dtype == Dtype::float64) return nullptr;
  const bool masked = step.inputs.size() > 3;
  const Array& mask = masked ? step.inputs[3] : q;
  auto prepared = std::make_unique<PreparedAttention>();
  prepared->q = q.operand;
  prepared->k = k.operand;
  prepared->v = v.operand;
  prepared->mask = mask.operand;
  prepared->out = out.operand;
  prepared->scale = step.args[0];
  mg::AttentionParams& params = prepared->params;
  for (size_t axis = 0; axis < 4; axis++) {
    params.qStrides[axis] = q.operand.strides[axis];
    params.kStrides[axis] = k.operand.strides[axis];
    params.vStrides[axis] = v.operand.strides[axis];
    params.maskStrides[axis] = mask.shape[axis] == 1 ? 0 : mask.operand.strides[axis];
  }
  params.heads = q.shape[kHead];
  params.shared = k.shape[kHead] == 0 ? 1 : q.shape[kHead] / k.shape[kHead];
  params.queries = q.shape[kRow];
  params.keys = k.shape[kRow];
  params.depth = q.shape[kColumn];
  params.columns = v.shape[kColumn];
  params.causal = step.ints[0] == 1;
  params.masked = masked;
  const bool few = params.queries <= kSimdGroups;
  const int64_t parts = params.columns <= 64 ? 2 : params.columns <= 128 ? 4 : 8, each = few ? 1 : kEach;
  params.pieces = static_cast<int32_t>(std::max<int64_t>(1, (params.columns + parts * 32 - 1) / (parts * 32)));
  const int64_t blocks = (params.queries + kSimdGroups * each - 1) / (kSimdGroups * each);
  const int64_t deep = q.shape[kBatch] * params.pieces;
  if (std::max({blocks, params.heads, deep}) > kMostGroups) return nullptr;
  prepared->groups = {static_cast<uint32_t>(blocks), static_cast<uint32_t>(params.heads), static_cast<uint32_t>(deep)};
  prepared->pipeline =
      pipelines.instance("attention.metal", "attention",
                         arguments({elementType(dtype), elementType(mask.operand.dtype), few ? "1" : "4",
                                    parts == 2   ? "2"
                                    : parts == 4 ? "4"
                                                 : "8"}),
                         {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
