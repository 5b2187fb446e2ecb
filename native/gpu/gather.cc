// The gather step: one index operand is read by the kernel itself, several become offsets first.
#include <array>
#include <memory>

#include "gpu/index_positions.h"
#include "gpu/operands.h"

namespace metalgrad::gpu {
namespace {

class PreparedGather final : public PreparedStep {
 public:
  Operand source, out;
  /// The only one, or nothing where `positions` has them all.
  std::optional<Operand> index;
  IndexPositions positions;
  mg::GatherParams params{};
  std::shared_ptr<const Pipeline> pipeline;
  bool several = false;

  Outcome encode(const Run& run) const override {
    const int64_t total = params.index.size * params.slice.size;
    if (total == 0) return {};
    mg::GatherParams bytes = params;
    bytes.source = run.offset(source);
    bytes.out = run.offset(out);
    // Without indices there is nothing to read.
    Binding indices = reading(run, source);
    if (several) {
      const size_t size = static_cast<size_t>(positions.count()) * sizeof(int64_t);
      indices.range = run.submission.scratch(size);
      if (!indices.range.object) return outOfScratch(size);
      positions.encode(run, indices.range);
    } else if (index) {
      indices = reading(run, *index);
      bytes.indices = run.offset(*index);
    }
    const std::array bindings{reading(run, source), indices, writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, bytes, groupsFor(total), {kThreads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepare(const GatherStep& step, Pipelines& pipelines, Outcome& outcome) {
  auto prepared = std::make_unique<PreparedGather>();
  const size_t rank = step.indexShape.size();
  prepared->several = step.indices.size() > 1;
  Space<2> index, slice;
  int64_t row = 1;
  std::vector<int64_t> rowMajor(rank);
  for (size_t i = rank; i-- > 0;) {
    rowMajor[i] = row;
    row *= step.indexShape[i];
  }
  for (size_t i = 0; i < rank; i++) {
    const int64_t stride = step.indices.empty() ? 0 : prepared->several ? rowMajor[i] : step.indices[0].strides[i];
    index.append(step.indexShape[i], {stride, step.out.strides[i]});
  }
  for (size_t i = 0; i < step.sliceShape.size(); i++) {
    slice.append(step.sliceShape[i], {step.source.strides[i], step.out.strides[rank + i]});
  }
  const auto shaderIndex = shaderSpace(index), shaderSlice = shaderSpace(slice);
  if (!shaderIndex || !shaderSlice) return nullptr;
  const double total = static_cast<double>(shaderIndex->size) * static_cast<double>(shaderSlice->size);
  if (total > static_cast<double>(kMostElements)) return nullptr;
  prepared->source = step.source;
  prepared->out = step.out;
  prepared->params.index = *shaderIndex;
  prepared->params.slice = *shaderSlice;
  std::string_view indexType = "uchar", where = "kAtStart";
  if (prepared->several) {
    if (!prepared->positions.prepare(step.indices, step.axes, step.indexShape, step.sourceShape, step.sliceShape,
                                     step.source, pipelines, outcome)) {
      return nullptr;
    }
    indexType = "long";
    where = "kAtOffsets";
  } else if (!step.indices.empty()) {
    const uint32_t axis = step.axes[0];
    prepared->index = step.indices[0];
    prepared->params.last = step.sourceShape[axis] - step.sliceShape[axis];
    prepared->params.stride = step.source.strides[axis];
    indexType = elementType(step.indices[0].dtype);
    where = "kAtIndices";
  }
  const bool narrow = fitsInt(index) && fitsInt(slice) && total < std::numeric_limits<int32_t>::max();
  prepared->pipeline = pipelines.instance(
      "gather.metal", "gather",
      arguments({bitsType(itemSize(step.source.dtype)), indexType, narrow ? "int" : "long", where}), {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
