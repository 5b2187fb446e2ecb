#include "gpu/index_positions.h"

#include <algorithm>
#include <array>

namespace metalgrad::gpu {

bool IndexPositions::prepare(const std::vector<Operand>& indices, const std::vector<uint32_t>& axes,
                             const std::vector<int64_t>& indexShape, const std::vector<int64_t>& arrayShape,
                             const std::vector<int64_t>& sliceShape, const Operand& array, Pipelines& pipelines,
                             Outcome& outcome) {
  count_ = sizeOf(indexShape);
  for (size_t i = 0; i < indices.size(); i++) {
    const uint32_t axis = axes[i];
    const auto space = shaderSpace(spaceOf(indexShape, indices[i].strides));
    if (!space) return false;
    mg::IndexPositionsParams params{};
    params.last = arrayShape[axis] - sliceShape[axis];
    params.stride = array.strides[axis];
    params.space = *space;
    low_ += std::min<int64_t>(0, params.last * params.stride);
    high_ += std::max<int64_t>(0, params.last * params.stride);
    const auto pipeline = pipelines.instance("index_positions.metal", "index_positions",
                                             arguments({elementType(indices[i].dtype), flag(i == 0)}), {}, outcome);
    if (!pipeline) return false;
    readers_.push_back({indices[i], params, pipeline});
  }
  return true;
}

void IndexPositions::encode(const Run& run, const Range& offsets) const {
  if (readers_.empty()) return run.submission.fill(offsets, 0);
  for (const Reader& reader : readers_) {
    mg::IndexPositionsParams params = reader.params;
    params.indices = run.offset(reader.operand);
    const std::array bindings{reading(run, reader.operand), writing(offsets)};
    run.submission.dispatch(*reader.pipeline, bindings, params, groupsFor(count_), {kThreads, 1, 1});
  }
}

}  // namespace metalgrad::gpu
