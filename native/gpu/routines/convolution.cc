// The convolution routine: see metal/convolution.metal.
#include <array>
#include <memory>
#include <string>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

/// Spatial axes that the kernel for tiles has room for.
constexpr size_t kTileAxes = 3;
/// Fewer threadgroups than this get smaller tiles.
constexpr int64_t kManyGroups = 128;
/// Where a group has fewer outputs most of a tile would be empty.
constexpr int64_t kFewOutputs = 4;
constexpr uint32_t kTileThreads = 128;

class PreparedConvolution final : public PreparedStep {
 public:
  Operand x, w, out;
  mg::ConvolutionParams params{};
  Size groups, threads;
  std::shared_ptr<const Pipeline> pipeline;

  Outcome encode(const Run& run) const override {
    if (groups.x == 0 || groups.y == 0 || groups.z == 0) return {};
    mg::ConvolutionParams bytes = params;
    bytes.x = run.offset(x);
    bytes.w += run.offset(w);
    bytes.out = run.offset(out);
    const std::array bindings{reading(run, x), reading(run, w), writing(run, out)};
    run.submission.dispatch(*pipeline, bindings, bytes, groups, threads);
    return {};
  }
};

int64_t pieces(int64_t size, int64_t each) { return (size + each - 1) / each; }

}  // namespace

Prepared prepareConvolution(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &x = step.inputs[0], &w = step.inputs[1], &out = step.outputs[0];
  const Dtype dtype = out.operand.dtype;
  if (dtype == Dtype::float64) return nullptr;
  const size_t spatial = x.shape.size() - 2;
  const int64_t* lists = step.ints.data() + 2;
  const bool flip = step.ints[1] == 1;
  auto prepared = std::make_unique<PreparedConvolution>();
  prepared->x = x.operand;
  prepared->w = w.operand;
  prepared->out = out.operand;
  mg::ConvolutionParams& params = prepared->params;
  params.groups = step.ints[0];
  params.channels = w.shape.back();
  params.outputs = w.shape[0] / params.groups;
  params.examples = x.shape[0];
  params.exampleStep = x.operand.strides[0];
  params.channelStep = x.operand.strides.back();
  params.outputStep = w.operand.strides[0];
  params.kernelChannelStep = w.operand.strides.back();
  params.positions = params.kernels = 1;
  params.axes = static_cast<int32_t>(spatial);
  for (size_t i = 0; i < spatial; i++) {
    params.input[i] = x.shape[i + 1];
    params.kernel_[i] = w.shape[i + 1];
    params.output[i] = out.shape[i + 1];
    params.stride[i] = lists[i];
    params.low[i] = lists[spatial + i];
    params.kernelDilation[i] = lists[2 * spatial + i];
    params.inputDilation[i] = lists[3 * spatial + i];
    params.xStep[i] = x.operand.strides[i + 1];
    params.wStep[i] = flip ? -w.operand.strides[i + 1] : w.operand.strides[i + 1];
    if (flip) params.w += (w.shape[i + 1] - 1) * w.operand.strides[i + 1];
    params.positions *= out.shape[i + 1];
    params.kernels *= w.shape[i + 1];
  }
  const int64_t rows = params.examples * params.positions, total = rows * params.groups * params.outputs;
  if (total > kMostElements) return nullptr;
  const auto instance = [&](std::string_view kernel, const std::string& types) {
    return pipelines.instance("convolution.metal", kernel, types, {}, outcome);
  };
  const std::string_view type = elementType(dtype);
  if (dtype == Dtype::complex64 || spatial > kTileAxes || params.outputs < kFewOutputs) {
    prepared->groups = groupsFor(total);
    prepared->threads = {kThreads, 1, 1};
    prepared->pipeline = instance("convolution_direct", std::string(type));
  } else {
    const auto tiles = [&](int64_t side) { return pieces(rows, side) * pieces(params.outputs, side) * params.groups; };
    const int64_t side = tiles(64) >= kManyGroups ? 64 : 32;
    if (pieces(rows, side) > kMostGroups) return nullptr;
    prepared->groups = {static_cast<uint32_t>(pieces(params.outputs, side)), static_cast<uint32_t>(pieces(rows, side)),
                        static_cast<uint32_t>(params.groups)};
    prepared->threads = {kTileThreads, 1, 1};
    prepared->pipeline = instance("convolution_tiles", arguments({type, side == 64 ? "64" : "32"}));
  }
  if (!prepared->pipeline) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
