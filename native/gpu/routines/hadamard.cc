// The hadamard routine: see metal/hadamard.metal.
#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>

#include "cpu/routines/hadamard_signs.h"
#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

/// Elements that one threadgroup transforms.
constexpr int64_t kBlock = 2048;
/// A pass adds and subtracts 2, 4, 8 or 16 numbers.
constexpr std::array<std::string_view, 4> kPasses = {"2u", "4u", "8u", "16u"};

class PreparedHadamard final : public PreparedStep {
 public:
  Operand in, out;
  uint32_t scale = 0;
  size_t itemSize = 4;
  mg::HadamardParams params{};
  std::shared_ptr<const Pipeline> block, mix;
  std::array<std::shared_ptr<const Pipeline>, 4> passes;

  Outcome encode(const Run& run) const override {
    const int64_t total = params.rows.size * params.length;
    if (total == 0) return {};
    mg::HadamardParams bytes = params;
    bytes.in = run.offset(in);
    bytes.out = run.offset(out);
    bytes.scale = static_cast<float>(std::bit_cast<double>(run.args[scale]));
    const auto threads = static_cast<uint32_t>(std::clamp<int64_t>(params.block / 2, 32, kThreads));
    const Size blocks{static_cast<uint32_t>(total / params.block), 1, 1};
    if (!mix) {
      const std::array bindings{reading(run, in), reading(run, in), writing(run, out)};
      run.submission.dispatch(*block, bindings, bytes, blocks, {threads, 1, 1});
      return {};
    }
    const size_t size = static_cast<size_t>(total) * itemSize;
    const Range work = run.submission.scratch(size);
    if (!work.object) return outOfScratch(size);
    const std::array first{reading(run, in), writing(work), reading(run, in)};
    run.submission.dispatch(*block, first, bytes, blocks, {threads, 1, 1});
    for (bytes.half_ = params.block; bytes.half_ < params.chunk;) {
      const size_t pass = passFor(bytes.half_);
      const std::array bindings{writing(work)};
      run.submission.dispatch(*passes[pass], bindings, bytes, groupsFor(total >> (pass + 1)), {kThreads, 1, 1});
      bytes.half_ <<= pass + 1;
    }
    const std::array last{reading(work), writing(run, out)};
    run.submission.dispatch(*mix, last, bytes, groupsFor(params.rows.size * params.chunk), {kThreads, 1, 1});
    return {};
  }

  /// The largest pass that may begin at this distance.
  size_t passFor(int64_t half) const {
    return static_cast<size_t>(std::min(3, std::countr_zero(static_cast<uint64_t>(params.chunk / half)) - 1));
  }
};

}  // namespace

Prepared prepareHadamard(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Array &in = step.inputs[0], &out = step.outputs[0];
  const Dtype dtype = in.operand.dtype;
  const size_t last = out.shape.size() - 1;
  const auto rows = shaderSpace(spaceOf(std::span(out.shape).first(last), in.operand.strides));
  if (dtype == Dtype::float64 || !rows) return nullptr;
  auto prepared = std::make_unique<PreparedHadamard>();
  prepared->in = in.operand;
  prepared->out = out.operand;
  prepared->scale = step.args[0];
  prepared->itemSize = dtype == Dtype::complex64 ? 8 : 4;
  mg::HadamardParams& params = prepared->params;
  params.inStride = in.operand.strides[last];
  params.length = out.shape[last];
  params.order = static_cast<int32_t>(step.ints[0]);
  params.chunk = params.length / params.order;
  params.block = std::min(params.chunk, kBlock);
  params.rows = *rows;
  if (params.order > 1) {
    const cpu::Signs& signs = cpu::signsOf(params.order);
    const bool transposed = step.ints[1] == 1;
    for (int32_t row = 0; row < params.order; row++) {
      for (int32_t column = 0; column < params.order; column++) {
        const int32_t at = transposed ? column * params.order + row : row * params.order + column;
        if (signs[static_cast<size_t>(at)] < 0) params.signs[row] |= uint32_t{1} << column;
      }
    }
  }
  const double blocks = static_cast<double>(rows->size) * static_cast<double>(step.ints[0]) *
                        static_cast<double>(params.chunk / std::max<int64_t>(1, params.block));
  if (blocks > static_cast<double>(kMostGroups)) return nullptr;
  const auto instance = [&](std::string_view kernel, const std::string& types) {
    return pipelines.instance("hadamard.metal", kernel, types, {}, outcome);
  };
  const std::string_view type = elementType(dtype), wide = dtype == Dtype::complex64 ? "float2" : "float";
  const bool whole = params.block == params.length;
  prepared->block = instance("hadamard_block", arguments({type, flag(whole)}));
  if (!prepared->block) return nullptr;
  if (whole || params.length == 0) return prepared;
  prepared->mix = instance("hadamard_mix", std::string(type));
  if (!prepared->mix) return nullptr;
  for (int64_t half = params.block; half < params.chunk;) {
    const size_t pass = prepared->passFor(half);
    prepared->passes[pass] = instance("hadamard_pass", arguments({wide, kPasses[pass]}));
    if (!prepared->passes[pass]) return nullptr;
    half <<= pass + 1;
  }
  return prepared;
}

}  // namespace metalgrad::gpu
