// Attention without its scores: a threadgroup has a few queries of one head, each SIMD group one or four of them. Keys
// come in blocks of 32, one a lane; their scores become weights relative to the largest so far, what was summed before
// is brought to the same scale, and the lanes of a SIMD group share the columns of the weighted sum of values.
#include <metal_stdlib>

#include "elementary.h"
#include "elements.h"
#include "params.h"

using namespace metal;

enum { kAttentionGroups = 8, kAttentionKeys = 32, kAttentionDepth = 64, kAttentionPitch = kAttentionDepth + 1 };

inline float maskScore(float score, bool mask) { return mask ? score : -mg::elementary::infinity(); }
inline float maskScore(float score, float mask) { return score + mask; }

/// A block of keys' rows from `row` on, columns from `column` on, as float32; zeros outside.
template <typename T>
inline void loadRows(threadgroup float* tile, device const T* from, constant int64_t (&strides)[4], long row, long rows,
                     long column, long columns, uint tid) {
  for (uint e = tid; e < kAttentionKeys * kAttentionDepth; e += kAttentionGroups * 32) {
    const uint i = e / kAttentionDepth, j = e % kAttentionDepth;
    float value = 0.0f;
    if (row + i < rows && column + j < columns) {
      value = mg::Element<T>::load(from[(row + i) * strides[2] + (column + j) * strides[3]]);
    }
    tile[i * kAttentionPitch + j] = value;
  }
}

/// kEach queries a SIMD group; kParts · 32 columns a threadgroup.
template <typename T, typename Mask, int kEach, int kParts>
[[kernel, max_total_threads_per_threadgroup(256)]] void attention(
    device const T* q [[buffer(0)]], device const T* k [[buffer(1)]], device const T* v [[buffer(2)]],
    device const Mask* mask [[buffer(3)]], device T* out [[buffer(4)]], constant mg::AttentionParams& p [[buffer(5)]],
    uint3 group [[threadgroup_position_in_grid]], uint tid [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float tile[kAttentionKeys * kAttentionPitch];
  threadgroup float queries[kAttentionGroups * kEach * kAttentionDepth];
  threadgroup float weights[kAttentionGroups * kEach * kAttentionKeys];
  const long head = long(group.y), batch = long(group.z) / p.pieces, piece = long(group.z) % p.pieces;
  const long shared_ = head / p.shared, column0 = piece * kParts * 32;
  const long first = long(group.x) * kAttentionGroups * kEach, own = first + long(simdgroup) * kEach;
  device const T* headQ = q + p.q + batch * p.qStrides[0] + head * p.qStrides[1];
  device const T* headK = k + p.k + batch * p.kStrides[0] + shared_ * p.kStrides[1];
  device const T* headV = v + p.v + batch * p.vStrides[0] + shared_ * p.vStrides[1];
  // The last query sees the last key.
  const long ahead = p.keys - p.queries;
  const long last = min(p.queries, first + kAttentionGroups * kEach) + ahead;
  const long end = p.causal != 0 ? clamp(last, long(0), long(p.keys)) : long(p.keys);
  float sums[kEach][kParts], largest[kEach], total[kEach];
  for (int e = 0; e < kEach; e++) {
    largest[e] = -mg::elementary::infinity();
    total[e] = 0.0f;
    for (int part = 0; part < kParts; part++) sums[e][part] = 0.0f;
  }
  for (long key0 = 0; key0 < end; key0 += kAttentionKeys) {
    float scores[kEach];
    for (int e = 0; e < kEach; e++) scores[e] = 0.0f;
    for (long d0 = 0; d0 < p.depth; d0 += kAttentionDepth) {
      loadRows(tile, headK, p.kStrides, key0, p.keys, d0, p.depth, tid);
      if (key0 == 0 || p.depth > kAttentionDepth) {
        for (uint e = tid; e < kAttentionGroups * kEach * kAttentionDepth; e += kAttentionGroups * 32) {
          const long row = first + e / kAttentionDepth, d = d0 + e % kAttentionDepth;
          float value = 0.0f;
          if (row < p.queries && d < p.depth) {
            value = mg::Element<T>::load(headQ[row * p.qStrides[2] + d * p.qStrides[3]]);
          }
          queries[e] = value;
        }
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      const uint depth = uint(min(long(kAttentionDepth), p.depth - d0));
      for (uint d = 0; d < depth; d++) {
        const float key = tile[lane * kAttentionPitch + d];
        for (int e = 0; e < kEach; e++) {
          scores[e] = fma(queries[(simdgroup * kEach + e) * kAttentionDepth + d], key, scores[e]);
        }
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    const long key = key0 + lane;
    for (int e = 0; e < kEach; e++) {
      const long row = own + e;
      float score = scores[e] * p.scale;
      if (p.masked != 0 && row < p.queries && key < p.keys) {
        const long at =
            batch * p.maskStrides[0] + head * p.maskStrides[1] + row * p.maskStrides[2] + key * p.maskStrides[3];
        score = maskScore(score, mg::Element<Mask>::load(mask[p.mask + at]));
      }
      if (key >= p.keys || (p.causal != 0 && key > row + ahead)) score = -mg::elementary::infinity();
      const float before = largest[e];
      largest[e] = max(before, simd_max(score != score ? -mg::elementary::infinity() : score));
      // Where nothing was seen yet there is nothing to subtract.
      const float shift = largest[e] == -mg::elementary::infinity() ? 0.0f : largest[e];
      const float weight = mg::elementary::exp(score - shift);
      const float factor = before == largest[e] ? 1.0f : mg::elementary::exp(before - shift);
      total[e] = fma(total[e], factor, simd_sum(weight));
      for (int part = 0; part < kParts; part++) sums[e][part] *= factor;
      weights[(simdgroup * kEach + e) * kAttentionKeys + lane] = weight;
    }
    for (int part = 0; part < kParts; part += 2) {
      loadRows(tile, headV, p.vStrides, key0, p.keys, column0 + part * 32, p.columns, tid);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (uint j = 0; j < kAttentionKeys; j++) {
        const float left = tile[j * kAttentionPitch + lane], right = tile[j * kAttentionPitch + 32 + lane];
        for (int e = 0; e < kEach; e++) {
          const float weight = weights[(simdgroup * kEach + e) * kAttentionKeys + j];
          sums[e][part] = fma(weight, left, sums[e][part]);
          sums[e][part + 1] = fma(weight, right, sums[e][part + 1]);
        }
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
  for (int e = 0; e < kEach; e++) {
    const long row = own + e;
    if (row >= p.queries) continue;
    device T* to = out + p.out + ((batch * p.heads + head) * p.queries + row) * p.columns;
    for (int part = 0; part < kParts; part++) {
      const long column = column0 + part * 32 + lane;
      if (column < p.columns) to[column] = mg::Element<T>::store(total[e] == 0.0f ? 0.0f : sums[e][part] / total[e]);
    }
  }
}
