// The matmul step: a kernel is chosen by shape and dtype; the last one of a product takes its epilogue.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpu/kernel_accumulators.h"
#include "gpu/kernel_types.h"
#include "gpu/matmul_epilogue.h"
#include "gpu/operands.h"
#include "program/matmul_fold.h"

namespace metalgrad::gpu {
namespace {

/// Fewer threadgroups than this leave a GPU idle: then long sums are cut into parts.
constexpr int64_t kManyGroups = 128;
constexpr int64_t kShortestPart = 512;
/// Sums of more numbers than this are cut whatever the number of threadgroups, so that rounding errors stay small.
constexpr int64_t kLongestPart = 1 << 16;
constexpr uint32_t kTileThreads = 128, kPlainSide = 16;

class PreparedMatmul final : public PreparedStep {
 public:
  Operand a, b, out;
  mg::MatmulParams params{};
  Size groups, threads;
  std::shared_ptr<const Pipeline> product, sum;
  /// What the last of the kernels does with the numbers; null if they are the result.
  std::unique_ptr<const Epilogue> epilogue;

  Outcome encode(const Run& run) const override {
    mg::MatmulParams bytes = params;
    bytes.a.offset = run.offset(a);
    bytes.b.offset = run.offset(b);
    if (!epilogue) bytes.out.offset = run.offset(out);
    std::vector<Binding> bindings{reading(run, a), reading(run, b)};
    if (!sum) {
      dispatch(run, *product, bindings, bytes, groups, threads);
      return {};
    }
    const size_t size = static_cast<size_t>(params.parts * params.batch.size * params.m * params.n) * sizeof(float);
    const Range parts = run.submission.scratch(size);
    if (!parts.object) return outOfScratch(size);
    bindings.push_back(writing(parts));
    run.submission.dispatch(*product, bindings, bytes, groups, threads);
    std::vector<Binding> added{reading(parts)};
    dispatch(run, *sum, added, bytes, groupsFor(params.batch.size * params.m * params.n), {kThreads, 1, 1});
    return {};
  }

 private:
  /// The kernel that gives whole numbers, whose own operands are `bindings`.
  void dispatch(const Run& run, const Pipeline& pipeline, std::vector<Binding>& bindings, const mg::MatmulParams& bytes,
                Size grid, Size members) const {
    if (!epilogue) {
      bindings.push_back(writing(run, out));
      run.submission.dispatch(pipeline, bindings, bytes, grid, members);
      return;
    }
    epilogue->bind(bindings, run);
    const std::vector<std::byte> constants = epilogue->constants(bytes, run);
    run.submission.dispatch(pipeline, bindings, std::span<const std::byte>(constants), grid, members);
  }
};

int64_t pieces(int64_t size, int64_t each) { return (size + each - 1) / each; }

/// The kernels of one product.
class Kernels {
 public:
  Kernels(PreparedMatmul& prepared, Dtype dtype, Pipelines& pipelines, Outcome& outcome)
      : prepared_(prepared), type_(wrappingType(dtype)), pipelines_(pipelines), outcome_(outcome) {}

  /// Kernels that give parts of sums write them as float32; the last one of a product takes the epilogue.
  std::shared_ptr<const Pipeline> get(ProductKind kind) const {
    const bool last = kind == ProductKind::parts || prepared_.params.parts == 1;
    if (last && prepared_.epilogue) return prepared_.epilogue->compile(pipelines_, kind, type_, outcome_);
    const std::string_view result = last ? type_ : "float";
    switch (kind) {
      case ProductKind::tiles32:
        return instance("matmul_tiles", {type_, result, "32"});
      case ProductKind::tiles64:
        return instance("matmul_tiles", {type_, result, "64"});
      case ProductKind::vectorRows:
        return instance("matmul_vector_rows", {type_, result});
      case ProductKind::vectorColumns:
        return instance("matmul_vector_columns", {type_, result});
      case ProductKind::plain:
        return instance("matmul_plain", {type_});
      case ProductKind::parts:
        return instance("matmul_parts", {type_});
    }
    return nullptr;
  }

 private:
  std::shared_ptr<const Pipeline> instance(std::string_view kernel,
                                           std::initializer_list<std::string_view> types) const {
    return pipelines_.instance("matmul.metal", kernel, arguments(types), {}, outcome_);
  }

  const PreparedMatmul& prepared_;
  const std::string_view type_;
  Pipelines& pipelines_;
  Outcome& outcome_;
};

/// The axes of the batch as a, b and out go through them.
Space<3> batchOf(const MatmulStep& step) {
  Space<3> batch;
  for (size_t i = 0; i < step.batch.size(); i++) {
    batch.append(step.batch[i], {step.a.strides[i], step.b.strides[i], step.epilogue ? 0 : step.out.strides[i]});
  }
  return batch;
}

/// Whether the GPU has no arithmetic for what follows the product.
bool isForeign(const KernelStep& epilogue) {
  return computesWith(epilogue, Dtype::float64) || std::ranges::any_of(epilogue.code, isUndefined);
}

}  // namespace

Prepared prepare(const MatmulStep& unfolded, Pipelines& pipelines, Outcome& outcome) {
  MatmulStep step = folded(unfolded);
  const bool isFloat = step.dtype >= Dtype::float16 && step.dtype <= Dtype::float32 && step.k > 0;
  const bool vector = isFloat && (step.m == 1 || step.n == 1);
  if (vector && step.n != 1) step = transposed(std::move(step));
  const auto batch = shaderSpace(batchOf(step));
  if (!batch || step.dtype == Dtype::float64) return nullptr;
  auto prepared = std::make_unique<PreparedMatmul>();
  if (step.epilogue) {
    if (isForeign(*step.epilogue)) return nullptr;
    auto epilogue = std::make_unique<Epilogue>(*step.epilogue);
    if (!epilogue->fits(pipelines.limits())) return nullptr;
    prepared->epilogue = std::move(epilogue);
  }
  prepared->a = step.a;
  prepared->b = step.b;
  prepared->out = step.out;
  mg::MatmulParams& params = prepared->params;
  const size_t axes = step.batch.size();
  const auto matrix = [axes](const Operand& operand) {
    return mg::MatrixParams{0, operand.strides[axes], operand.strides[axes + 1]};
  };
  params.m = step.m;
  params.n = step.n;
  params.k = step.k;
  params.a = matrix(step.a);
  params.b = matrix(step.b);
  if (!step.epilogue) params.out = matrix(step.out);
  params.alongA = std::abs(params.a.columnStride) <= std::abs(params.a.rowStride);
  params.alongB = std::abs(params.b.columnStride) <= std::abs(params.b.rowStride);
  params.batch = *batch;
  params.parts = 1;
  params.partLength = params.k;
  const Kernels kernels(*prepared, step.dtype, pipelines, outcome);

  // Small matrices would leave most of a tile of SIMD group products empty.
  const bool small = std::max(params.m, params.n) <= kPlainSide && params.k <= kShortestPart;
  if (!isFloat || (small && !vector)) {
    prepared->groups = {static_cast<uint32_t>(pieces(params.n, kPlainSide)),
                        static_cast<uint32_t>(pieces(params.m, kPlainSide)), static_cast<uint32_t>(params.batch.size)};
    prepared->threads = {kPlainSide * kPlainSide, 1, 1};
    prepared->product = kernels.get(ProductKind::plain);
    if (!prepared->product) return nullptr;
    return prepared;
  }

  const bool columns = vector && std::abs(params.a.rowStride) < std::abs(params.a.columnStride) && params.m > 1;
  const auto tiles = [&](int64_t side) { return params.batch.size * pieces(params.m, side) * pieces(params.n, side); };
  const int64_t side = tiles(64) >= kManyGroups ? 64 : 32;
  const int64_t rowsEach = !vector ? side : columns ? 32 : 8;
  const int64_t across = vector ? 1 : pieces(params.n, side), down = pieces(params.m, rowsEach);
  const int64_t busy = std::max<int64_t>(1, params.batch.size * across * down);
  if (busy < kManyGroups && params.k >= 2 * kShortestPart) {
    params.parts = std::min(pieces(params.k, kShortestPart), pieces(kManyGroups, busy));
  }
  params.parts = std::max(params.parts, pieces(params.k, kLongestPart));
  params.partLength = pieces(pieces(params.k, params.parts), kPlainSide) * kPlainSide;
  params.parts = pieces(params.k, params.partLength);
  const int64_t deep = params.parts * params.batch.size;
  if (std::max({across, down, deep}) > int64_t{1} << 31) return nullptr;
  prepared->groups =
      vector ? Size{static_cast<uint32_t>(down), 1, static_cast<uint32_t>(deep)}
             : Size{static_cast<uint32_t>(across), static_cast<uint32_t>(down), static_cast<uint32_t>(deep)};
  prepared->threads = {vector ? kThreads : kTileThreads, 1, 1};
  const ProductKind tile = side == 64 ? ProductKind::tiles64 : ProductKind::tiles32;
  prepared->product = kernels.get(columns ? ProductKind::vectorColumns : vector ? ProductKind::vectorRows : tile);
  if (prepared->product && params.parts > 1) prepared->sum = kernels.get(ProductKind::parts);
  if (!prepared->product || (params.parts > 1 && !prepared->sum)) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
