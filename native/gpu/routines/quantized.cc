// The routine of products with quantized matrices: see metal/quantized.metal.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

enum { kX, kWords, kScales, kBiases, kLhs, kRhs };

/// Up to this many rows of x go each by itself: a tile would be mostly empty.
constexpr int64_t kFewRows = 8;
/// Numbers of a row of the result that a threadgroup makes where rows are few.
constexpr int64_t kVectorColumns = 32;
/// Fewer threadgroups than this leave a GPU idle: then tiles are smaller.
constexpr int64_t kManyGroups = 128;
constexpr uint32_t kTileThreads = 128;
/// Longer sums go to the CPU, which cuts them, so that rounding errors stay small.
constexpr int64_t kLongestSum = int64_t{1} << 16;

int64_t pieces(int64_t size, int64_t each) { return (size + each - 1) / each; }

class PreparedQuantized final : public PreparedStep {
 public:
  std::array<Operand, 6> in;  // without indices the last two are the words
  Operand out;
  mg::QuantizedParams params{};
  Size groups;
  uint32_t threads = 0;
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (groups.x == 0 || groups.y == 0 || groups.z == 0) return {};
    mg::QuantizedParams bytes = params;
    bytes.x = run.offset(in[kX]);
    bytes.words = run.offset(in[kWords]);
    bytes.scales = run.offset(in[kScales]);
    bytes.biases = run.offset(in[kBiases]);
    bytes.lhs = run.offset(in[kLhs]);
    bytes.rhs = run.offset(in[kRhs]);
    bytes.out = run.offset(out);
    const std::array bindings{reading(run, in[kX]),      reading(run, in[kWords]), reading(run, in[kScales]),
                              reading(run, in[kBiases]), reading(run, in[kLhs]),   reading(run, in[kRhs]),
                              writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, bytes, groups, {threads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepareQuantized(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &x = step.inputs[kX], &out = step.outputs[0];
  const Dtype dtype = out.operand.dtype;
  const bool gathered = step.inputs.size() > kLhs, transposed = step.ints[0] == 1;
  const size_t axes = x.shape.size() - 2;
  auto prepared = std::make_unique<PreparedQuantized>();
  for (size_t i = 0; i < prepared->in.size(); i++) {
    prepared->in[i] = step.inputs[i < step.inputs.size() ? i : static_cast<size_t>(kWords)].operand;
  }
  prepared->out = out.operand;
  const auto& in = prepared->in;
  mg::QuantizedParams& params = prepared->params;
  params.m = x.shape[axes];
  params.k = x.shape[axes + 1];
  params.n = out.shape[axes + 1];
  if (dtype == Dtype::float64 || params.k > kLongestSum) return nullptr;
  const auto matrix = [&](int input, int64_t& row, int64_t& column) {
    row = in[static_cast<size_t>(input)].strides[axes];
    column = in[static_cast<size_t>(input)].strides[axes + 1];
  };
  matrix(kX, params.xRow, params.xColumn);
  matrix(kWords, params.wordsRow, params.wordsColumn);
  matrix(kScales, params.scalesRow, params.scalesColumn);
  matrix(kBiases, params.biasesRow, params.biasesColumn);
  params.transposed = transposed;
  params.groupSize = static_cast<int32_t>(step.ints[1]);
  params.alongX = std::abs(params.xColumn) <= std::abs(params.xRow);
  params.gathered = gathered;
  if (gathered) {
    params.lhsStep = in[kLhs].strides[0];
    params.rhsStep = in[kRhs].strides[0];
    params.lastX = x.shape[0] - 1;
    params.lastMatrix = step.inputs[kWords].shape[0] - 1;
    params.xStep = in[kX].strides[0];
    params.wordsStep = in[kWords].strides[0];
    params.scalesStep = in[kScales].strides[0];
    params.biasesStep = in[kBiases].strides[0];
  } else {
    Space<4> batch;
    for (size_t axis = 0; axis < axes; axis++) {
      batch.append(x.shape[axis], {in[kX].strides[axis], in[kWords].strides[axis], in[kScales].strides[axis],
                                   in[kBiases].strides[axis]});
    }
    const auto space = shaderSpace(batch);
    if (!space) return nullptr;
    params.batch = *space;
  }
  const int64_t products = sizeOf(std::span(out.shape).first(axes));
  const bool vectors = transposed && params.m <= kFewRows;
  const auto tiles = [&](int64_t side) { return products * pieces(params.m, side) * pieces(params.n, side); };
  const int64_t side = tiles(64) >= kManyGroups ? 64 : 32;
  const int64_t across = pieces(params.n, vectors ? kVectorColumns : side);
  const int64_t down = vectors ? params.m : pieces(params.m, side);
  if (std::max({across, down, products}) > kMostGroups) return nullptr;
  prepared->groups = {static_cast<uint32_t>(across), static_cast<uint32_t>(down), static_cast<uint32_t>(products)};
  prepared->threads = vectors ? kThreads : kTileThreads;
  const std::string bits = std::to_string(step.ints[2]);
  const std::string_view type = elementType(dtype);
  prepared->pipeline =
      vectors ? pipelines.instance("quantized.metal", "quantized_vectors", arguments({type, bits}), {}, outcome)
              : pipelines.instance("quantized.metal", "quantized_tiles",
                                   arguments({type, bits, side == 64 ? std::string_view("64") : "32"}), {}, outcome);
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
