// What the threads of a matrix product do, for any place that its numbers go to: `put` takes each of them once.
// Floating numbers: a threadgroup makes a square tile of the result (product_tile.h), or, where one operand is a
// vector, a SIMD group each row of the result. Everything else: 16 × 16 threads make a tile of 16 × 16. Long sums that
// give few numbers are cut into parts, which a last kernel adds up.
#pragma once

#include <metal_stdlib>

#include "elements.h"
#include "product_tile.h"
#include "space.h"

namespace mg {
using namespace metal;

/// Where one product of a batch, and one part of its sum, lies.
struct ProductPlace {
  long a, b, out;
  long rowStride, columnStride;  // of out
  long begin, end;               // of the sum
  long batch;                    // which product
};

/// The place of whole sums.
inline ProductPlace wholePlace(constant MatmulParams& p, long batch) {
  long at[3] = {p.a.offset, p.b.offset, p.out.offset};
  locate(p.batch, batch, at);
  ProductPlace place;
  place.a = at[0];
  place.b = at[1];
  place.out = at[2];
  place.rowStride = p.out.rowStride;
  place.columnStride = p.out.columnStride;
  place.begin = 0;
  place.end = p.k;
  place.batch = batch;
  return place;
}

/// That of what a threadgroup makes. Parts of sums lie one after the other.
inline ProductPlace placeOf(constant MatmulParams& p, uint number) {
  const long batches = p.batch.size, part = long(number) / batches;
  ProductPlace place = wholePlace(p, long(number) - part * batches);
  if (p.parts == 1) return place;
  place.out = long(number) * p.m * p.n;
  place.rowStride = p.n;
  place.columnStride = 1;
  place.begin = part * p.partLength;
  place.end = min(p.k, place.begin + p.partLength);
  return place;
}

/// The place that is memory.
template <typename Out>
struct ToMemory {
  device Out* out;
};

/// Rounds a number of a whole sum, or leaves a part of one.
template <typename Out, typename Wide>
inline void put(thread const ToMemory<Out>& to, thread const ProductPlace& place, long row, long column, Wide value) {
  to.out[place.out + row * place.rowStride + column * place.columnStride] = Element<Out>::store(value);
}

/// T is float, half or bfloat. `memory` has ProductTile<kSide>::kMemory floats.
template <typename T, int kSide, typename To>
inline void makeTile(device const T* a, device const T* b, thread const To& to, constant MatmulParams& p,
                     threadgroup float* memory, uint3 group, uint lane, uint simdgroup) {
  typedef ProductTile<kSide> Tile;
  const ProductPlace place = placeOf(p, group.z);
  const long row0 = long(group.y) * kSide, column0 = long(group.x) * kSide;
  const int rows = int(min(long(kSide), p.m - row0)), columns = int(min(long(kSide), p.n - column0));
  device const T* tileA = a + place.a + row0 * p.a.rowStride;
  device const T* tileB = b + place.b + column0 * p.b.columnStride;
  // Neighbouring threads read what lies closer together.
  const bool alongA = p.alongA != 0;
  const bool alongB = p.alongB != 0;
  Tile tile;
  clearTile(tile);
  for (long k0 = place.begin; k0 < place.end; k0 += kProductDepth) {
    const int depth = int(min(long(kProductDepth), place.end - k0));
    for (int e = int(lane); e < kSide * kProductDepth; e += kProductThreads) {
      const int row = alongA ? e / kProductDepth : e % kSide, k = alongA ? e % kProductDepth : e / kSide;
      float value = 0.0f;
      if (row < rows && k < depth) value = float(tileA[row * p.a.rowStride + (k0 + k) * p.a.columnStride]);
      memory[row * Tile::kPitchA + k] = value;
    }
    for (int e = int(lane); e < kSide * kProductDepth; e += kProductThreads) {
      const int column = alongB ? e % kSide : e / kProductDepth;
      const int k = alongB ? e / kSide : e % kProductDepth;
      float value = 0.0f;
      if (column < columns && k < depth) value = float(tileB[(k0 + k) * p.b.rowStride + column * p.b.columnStride]);
      memory[Tile::kStartB + k * Tile::kPitchB + column] = value;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    multiplyTile(tile, memory, simdgroup);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  storeTile(tile, memory, simdgroup);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (int e = int(lane); e < kSide * kSide; e += kProductThreads) {
    const int row = e / kSide, column = e % kSide;
    if (row < rows && column < columns) put(to, place, row0 + row, column0 + column, memory[e]);
  }
}

/// A matrix a times a vector b (n = 1): a SIMD group a row, its lanes side by side along the sum.
template <typename T, typename To>
inline void makeRow(device const T* a, device const T* b, thread const To& to, constant MatmulParams& p, uint3 group,
                    uint lane, uint simdgroup) {
  const ProductPlace place = placeOf(p, group.z);
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
  if (lane == 0) put(to, place, row, 0, sum);
}

/// The same where the rows lie side by side: a threadgroup makes 32 numbers, each SIMD group an eighth of the sum.
/// `partial` has 8 · 32 floats.
template <typename T, typename To>
inline void makeRows(device const T* a, device const T* b, thread const To& to, constant MatmulParams& p,
                     threadgroup float* partial, uint3 group, uint lane, uint simdgroup) {
  const ProductPlace place = placeOf(p, group.z);
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
  put(to, place, row, 0, sum);
}

/// Adds up the parts of number i of the result, in order.
template <typename To>
inline void addParts(device const float* parts, thread const To& to, constant MatmulParams& p, long i) {
  const long each = p.m * p.n, total = p.batch.size * each;
  if (i >= total) return;
  const ProductPlace place = wholePlace(p, i / each);
  const long row = (i - place.batch * each) / p.n, column = i - place.batch * each - row * p.n;
  float sum = parts[i];
  for (long part = 1; part < p.parts; part++) sum += parts[part * total + i];
  put(to, place, row, column, sum);
}

/// Integers (of unsigned type: they wrap), bools and complex numbers, and small products of floats. `left` and `right`
/// have 16 · 17 numbers.
template <typename T, typename Wide, typename To>
inline void makePlain(device const T* a, device const T* b, thread const To& to, constant MatmulParams& p,
                      threadgroup Wide* left, threadgroup Wide* right, uint3 group, uint lane) {
  const ProductPlace place = placeOf(p, group.z);
  const int y = int(lane) / 16, x = int(lane) % 16;
  const long row = long(group.y) * 16 + y, column = long(group.x) * 16 + x;
  Wide sum = Wide(0);
  for (long k0 = 0; k0 < p.k; k0 += 16) {
    Wide fromA = Wide(0), fromB = Wide(0);
    if (row < p.m && k0 + x < p.k) {
      fromA = Element<T>::load(a[place.a + row * p.a.rowStride + (k0 + x) * p.a.columnStride]);
    }
    if (column < p.n && k0 + y < p.k) {
      fromB = Element<T>::load(b[place.b + (k0 + y) * p.b.rowStride + column * p.b.columnStride]);
    }
    left[y * 17 + x] = fromA;
    right[y * 17 + x] = fromB;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const int depth = int(min(long(16), p.k - k0));
    for (int k = 0; k < depth; k++) {
      const Wide factor = left[y * 17 + k], other = right[k * 17 + x];
      sum = plus(sum, times(factor, other));
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (row < p.m && column < p.n) put(to, place, row, column, sum);
}

}  // namespace mg
