// The matmul step: batches that share an operand become larger products, then a kernel is chosen by shape and dtype.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "gpu/operands.h"

namespace metalgrad::gpu {
namespace {

enum { kA, kB, kOut };

/// Fewer threadgroups than this leave a GPU idle: then long sums are cut into parts.
constexpr int64_t kManyGroups = 128;
constexpr int64_t kShortestPart = 512;
/// Sums of more numbers than this are cut whatever the number of threadgroups, so that rounding errors stay small.
constexpr int64_t kLongestPart = 1 << 16;
constexpr uint32_t kTileThreads = 128, kPlainSide = 16;

struct Matrix {
  int64_t row, column;  // strides
};

/// A step with its batch axes merged or folded into m and n.
struct Products {
  int64_t m, n, k;
  Matrix a, b, out;
  Space<3> batch;

  explicit Products(const MatmulStep& step) : m(step.m), n(step.n), k(step.k) {
    const size_t axes = step.batch.size();
    const auto matrix = [axes](const Operand& operand) {
      return Matrix{operand.strides[axes], operand.strides[axes + 1]};
    };
    a = matrix(step.a);
    b = matrix(step.b);
    out = matrix(step.out);
    for (size_t i = 0; i < axes; i++) {
      batch.append(step.batch[i], {step.a.strides[i], step.b.strides[i], step.out.strides[i]});
    }
    while (batch.rank > 0 && foldLast()) batch.dropLast();
  }

  /// a · b as the transposed product of the transposed b and a.
  void transpose() {
    const auto transposed = [](const Matrix& matrix) { return Matrix{matrix.column, matrix.row}; };
    const Matrix left = transposed(b);
    b = transposed(a);
    a = left;
    out = transposed(out);
    std::swap(m, n);
    for (int axis = 0; axis < batch.rank; axis++) {
      auto& strides = batch.strides[static_cast<size_t>(axis)];
      std::swap(strides[kA], strides[kB]);
    }
  }

 private:
  /// A batch that shares one operand is a single product with more rows (or columns), where the strides allow it.
  bool foldLast() {
    const auto last = static_cast<size_t>(batch.rank - 1);
    const int64_t size = batch.shape[last];
    const auto& stride = batch.strides[last];
    if (stride[kB] == 0 && (m == 1 || (stride[kA] == m * a.row && stride[kOut] == m * out.row))) {
      if (m == 1) {
        a.row = stride[kA];
        out.row = stride[kOut];
      }
      m *= size;
      return true;
    }
    if (stride[kA] == 0 && (n == 1 || (stride[kB] == n * b.column && stride[kOut] == n * out.column))) {
      if (n == 1) {
        b.column = stride[kB];
        out.column = stride[kOut];
      }
      n *= size;
      return true;
    }
    return false;
  }
};

class PreparedMatmul final : public PreparedStep {
 public:
  Operand a, b, out;
  mg::MatmulParams params{};
  Size groups, threads;
  std::shared_ptr<const Pipeline> product, sum;

  Outcome encode(const Run& run) const override {
    if (params.batch.size == 0 || params.m == 0 || params.n == 0) return {};
    mg::MatmulParams bytes = params;
    bytes.a.offset = run.offset(a);
    bytes.b.offset = run.offset(b);
    bytes.out.offset = run.offset(out);
    Binding result = writing(run, out);
    if (sum) {
      const size_t size = static_cast<size_t>(params.parts * params.batch.size * params.m * params.n) * sizeof(float);
      result.range = run.submission.scratch(size);
      if (!result.range.object) return outOfScratch(size);
    }
    const std::array bindings{reading(run, a), reading(run, b), result};
    run.submission.dispatch(*product, bindings, bytes, groups, threads);
    if (sum) {
      const std::array parts{reading(result.range), writing(run, out)};
      run.submission.dispatch(*sum, parts, bytes, groupsFor(params.batch.size * params.m * params.n), {kThreads, 1, 1});
    }
    return {};
  }
};

int64_t pieces(int64_t size, int64_t each) { return (size + each - 1) / each; }

}  // namespace

Prepared prepare(const MatmulStep& step, Pipelines& pipelines, Outcome& outcome) {
  auto prepared = std::make_unique<PreparedMatmul>();
  prepared->a = step.a;
  prepared->b = step.b;
  prepared->out = step.out;
  Products products(step);
  const bool isFloat = step.dtype >= Dtype::float16 && step.dtype <= Dtype::float32 && products.k > 0;
  const bool vector = isFloat && (products.m == 1 || products.n == 1);
  if (vector && products.n != 1) {
    products.transpose();
    std::swap(prepared->a, prepared->b);
  }
  const auto batch = shaderSpace(products.batch);
  if (!batch || step.dtype == Dtype::float64) return nullptr;
  mg::MatmulParams& params = prepared->params;
  params.m = products.m;
  params.n = products.n;
  params.k = products.k;
  params.a = {0, products.a.row, products.a.column};
  params.b = {0, products.b.row, products.b.column};
  params.out = {0, products.out.row, products.out.column};
  params.alongA = std::abs(products.a.column) <= std::abs(products.a.row);
  params.alongB = std::abs(products.b.column) <= std::abs(products.b.row);
  params.batch = *batch;
  params.parts = 1;
  params.partLength = params.k;

  const auto instance = [&](std::string_view kernel, const std::string& types) {
    return pipelines.instance("matmul.metal", kernel, types, {}, outcome);
  };
  const std::string_view type = wrappingType(step.dtype);
  // Small matrices would leave most of a tile of SIMD group products empty.
  const bool small = std::max(params.m, params.n) <= kPlainSide && params.k <= kShortestPart;
  if (!isFloat || (small && !vector)) {
    prepared->groups = {static_cast<uint32_t>(pieces(params.n, kPlainSide)),
                        static_cast<uint32_t>(pieces(params.m, kPlainSide)), static_cast<uint32_t>(params.batch.size)};
    prepared->threads = {kPlainSide * kPlainSide, 1, 1};
    prepared->product = instance("matmul_plain", std::string(type));
    if (!prepared->product) return nullptr;
    return prepared;
  }

  const bool columns = vector && std::abs(products.a.row) < std::abs(products.a.column) && params.m > 1;
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
  const std::string_view result = params.parts > 1 ? "float" : type;
  if (vector) {
    prepared->product = instance(columns ? "matmul_vector_columns" : "matmul_vector_rows", arguments({type, result}));
  } else {
    prepared->product = instance("matmul_tiles", arguments({type, result, side == 64 ? "64" : "32"}));
  }
  if (prepared->product && params.parts > 1) prepared->sum = instance("matmul_parts", std::string(type));
  if (!prepared->product || (params.parts > 1 && !prepared->sum)) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
