// The randomBits step. Words are stored whole where each key's bits are whole words.
#include <array>
#include <memory>

#include "gpu/operands.h"

namespace metalgrad::gpu {
namespace {

class PreparedRandomBits final : public PreparedStep {
 public:
  Operand keys, out;
  mg::RandomBitsParams params{};
  /// Elements of the out dtype in one that the shader stores.
  int64_t packed = 1;
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (params.total == 0) return {};
    mg::RandomBitsParams bytes = params;
    bytes.keys = run.offset(keys);
    bytes.out = run.offset(out) / packed;
    const std::array bindings{reading(run, keys), writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, bytes, groupsFor(params.total), {kThreads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepare(const RandomBitsStep& step, Pipelines& pipelines, Outcome& outcome) {
  auto prepared = std::make_unique<PreparedRandomBits>();
  const Space<1> keys = spaceOf(step.keyShape, step.keys.strides);
  const auto space = shaderSpace(keys);
  if (!space) return nullptr;
  const auto item = static_cast<int64_t>(itemSize(step.out.dtype));
  const int64_t bytes = step.perKey * item, words = (bytes + 3) / 4;
  const bool whole = bytes % 4 == 0 && step.out.offset * item % 4 == 0 && step.out.offsetArg == kNoArg;
  mg::RandomBitsParams& params = prepared->params;
  prepared->keys = step.keys;
  prepared->out = step.out;
  prepared->packed = whole ? 4 / item : 1;
  params.half_ = words / 2;
  params.odd = words % 2;
  params.hashes = params.half_ + params.odd;
  params.total = space->size * params.hashes;
  params.perKey = step.perKey / prepared->packed;
  params.second = step.keys.strides[step.keyShape.size()];
  params.keySpace = *space;
  if (params.total > kMostElements) return nullptr;
  const bool narrow = fitsInt(keys) && params.total < std::numeric_limits<int32_t>::max();
  prepared->pipeline = pipelines.instance(
      "random_bits.metal", "random_bits",
      arguments({bitsType(whole ? 4 : static_cast<size_t>(item)), narrow ? "int" : "long"}), {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
