// Matrix products with any strides. Floating numbers: a threadgroup makes a square tile of the result (product_tile.h),
// or, where one operand is a vector, a SIMD group each row of the result. Everything else: 16 × 16 threads make a tile
// of 16 × 16. Long sums that give few numbers are cut into parts, which a last kernel adds up.
#include <metal_stdlib>

#include "elements.h"
#include "product_tile.h"
#include "space.h"

using namespace metal;

namespace mg {

/// Where one product of a batch, and one part of its sum, lies.
struct ProductPlace {
  long a, b, out;
  long begin, end;  // of the sum
};

inline ProductPlace placeOf(constant MatmulParams& p, uint number) {
  const long batches = p.batch.size, part = long(number) / batches;
  long at[3] = {p.a.offset, p.b.offset, p.out.offset};
  locate(p.batch, long(number) - part * batches, at);
  ProductPlace place;
  place.a = at[0];
  place.b = at[1];
  place.out = p.parts > 1 ? long(number) * p.m * p.n : at[2];
  place.begin = part * p.partLength;
  place.end = min(p.k, place.begin + p.partLength);
  return place;
}

}  // namespace mg

/// T is float, half or bfloat; Out is T, or float where sums have several parts.
template <typename T, typename Out, int kSide>
[[kernel, max_total_threads_per_threadgroup(128)]] void matmul_tiles(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device Out* out [[buffer(2)]],
    constant mg::MatmulParams& p [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  typedef mg::ProductTile<kSide> Tile;
  threadgroup float memory[Tile::kMemory];
  const mg::ProductPlace place = mg::placeOf(p, group.z);
  const long row0 = long(group.y) * kSide, column0 = long(group.x) * kSide;
  const int rows = int(min(long(kSide), p.m - row0)), columns = int(min(long(kSide), p.n - column0));
  device const T* tileA = a + place.a + row0 * p.a.rowStride;
  device const T* tileB = b + place.b + column0 * p.b.columnStride;
  // Neighbouring threads read what lies closer together.
  const bool alongA = p.alongA != 0;
  const bool alongB = p.alongB != 0;
  Tile tile;
  mg::clearTile(tile);
  for (long k0 = place.begin; k0 < place.end; k0 += mg::kProductDepth) {
    const int depth = int(min(long(mg::kProductDepth), place.end - k0));
    for (int e = int(lane); e < kSide * mg::kProductDepth; e += mg::kProductThreads) {
      const int row = alongA ? e / mg::kProductDepth : e % kSide, k = alongA ? e % mg::kProductDepth : e / kSide;
      float value = 0.0f;
      if (row < rows && k < depth) value = float(tileA[row * p.a.rowStride + (k0 + k) * p.a.columnStride]);
      memory[row * Tile::kPitchA + k] = value;
    }
    for (int e = int(lane); e < kSide * mg::kProductDepth; e += mg::kProductThreads) {
      const int column = alongB ? e % kSide : e / mg::kProductDepth;
      const int k = alongB ? e / kSide : e % mg::kProductDepth;
      float value = 0.0f;
      if (column < columns && k < depth) value = float(tileB[(k0 + k) * p.b.rowStride + column * p.b.columnStride]);
      memory[Tile::kStartB + k * Tile::kPitchB + column] = value;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    mg::multiplyTile(tile, memory, simdgroup);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  mg::storeTile(tile, memory, simdgroup);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const long rowStride = p.parts > 1 ? p.n : p.out.rowStride, columnStride = p.parts > 1 ? 1 : p.out.columnStride;
  device Out* result = out + place.out + row0 * rowStride + column0 * columnStride;
  for (int e = int(lane); e < kSide * kSide; e += mg::kProductThreads) {
    const int row = e / kSide, column = e % kSide;
    if (row < rows && column < columns) result[row * rowStride + column * columnStride] = Out(memory[e]);
  }
}

/// A matrix a times a vector b (n = 1): a SIMD group a row, its lanes side by side along the sum.
template <typename T, typename Out>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_vector_rows(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device Out* out [[buffer(2)]],
    constant mg::MatmulParams& p [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  const mg::ProductPlace place = mg::placeOf(p, group.z);
  const long row = long(group.x) * 8 + simdgroup;
  // A whole SIMD group.
  if (row >= p.m) return;
  device const T* line = a + place.a + row * p.a.rowStride;
  device const T* vector = b + place.b;
  float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (long k0 = place.begin; k0 < place.end; k0 += 128) {
    for (int i = 0; i < 4; i++) {
      const long k = k0 + 32 * i + lane;
      if (k < place.end) sums[i] = fma(float(line[k * p.a.columnStride]), float(vector[k * p.b.rowStride]), sums[i]);
    }
  }
  const float sum = simd_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
  if (lane == 0) out[place.out + row * (p.parts > 1 ? 1 : p.out.rowStride)] = Out(sum);
}

/// The same where the rows lie side by side: a threadgroup makes 32 numbers, each SIMD group an eighth of the sum.
template <typename T, typename Out>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_vector_columns(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device Out* out [[buffer(2)]],
    constant mg::MatmulParams& p [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float partial[8 * 32];
  const mg::ProductPlace place = mg::placeOf(p, group.z);
  const long row = long(group.x) * 32 + lane;
  float sum = 0.0f;
  if (row < p.m) {
    device const T* line = a + place.a + row * p.a.rowStride;
    device const T* vector = b + place.b;
    for (long k = place.begin + simdgroup; k < place.end; k += 8) {
      sum = fma(float(line[k * p.a.columnStride]), float(vector[k * p.b.rowStride]), sum);
    }
  }
  partial[simdgroup * 32 + lane] = sum;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (simdgroup > 0 || row >= p.m) return;
  for (uint i = 1; i < 8; i++) sum += partial[i * 32 + lane];
  out[place.out + row * (p.parts > 1 ? 1 : p.out.rowStride)] = Out(sum);
}

/// Adds up the parts of sums in order, a thread for each number of the result.
template <typename Out>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_parts(device const float* parts [[buffer(0)]],
                                                                     device Out* out [[buffer(1)]],
                                                                     constant mg::MatmulParams& p [[buffer(2)]],
                                                                     uint group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]],
                                                                     uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane, each = p.m * p.n, total = p.batch.size * each;
  if (i >= total) return;
  const long batch = i / each, row = (i - batch * each) / p.n, column = i - batch * each - row * p.n;
  long at[3] = {0, 0, p.out.offset + row * p.out.rowStride + column * p.out.columnStride};
  mg::locate(p.batch, batch, at);
  float sum = parts[i];
  for (long part = 1; part < p.parts; part++) sum += parts[part * total + i];
  out[at[2]] = Out(sum);
}

/// Integers (of unsigned type: they wrap), bools and complex numbers.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_plain(device const T* a [[buffer(0)]],
                                                                     device const T* b [[buffer(1)]],
                                                                     device T* out [[buffer(2)]],
                                                                     constant mg::MatmulParams& p [[buffer(3)]],
                                                                     uint3 group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]]) {
  typedef mg::Element<T> Element;
  typedef typename Element::Wide Wide;
  threadgroup Wide left[16 * 17];
  threadgroup Wide right[16 * 17];
  const mg::ProductPlace place = mg::placeOf(p, group.z);
  const int y = int(lane) / 16, x = int(lane) % 16;
  const long row = long(group.y) * 16 + y, column = long(group.x) * 16 + x;
  Wide sum = Wide(0);
  for (long k0 = 0; k0 < p.k; k0 += 16) {
    Wide fromA = Wide(0), fromB = Wide(0);
    if (row < p.m && k0 + x < p.k) {
      fromA = Element::load(a[place.a + row * p.a.rowStride + (k0 + x) * p.a.columnStride]);
    }
    if (column < p.n && k0 + y < p.k) {
      fromB = Element::load(b[place.b + (k0 + y) * p.b.rowStride + column * p.b.columnStride]);
    }
    left[y * 17 + x] = fromA;
    right[y * 17 + x] = fromB;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const int depth = int(min(long(16), p.k - k0));
    for (int k = 0; k < depth; k++) {
      const Wide factor = left[y * 17 + k], other = right[k * 17 + x];
      sum = mg::plus(sum, mg::times(factor, other));
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (row < p.m && column < p.n) {
    out[place.out + row * p.out.rowStride + column * p.out.columnStride] = Element::store(sum);
  }
}
