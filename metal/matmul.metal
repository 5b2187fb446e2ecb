// Matrix products with any strides, written to memory; those with an epilogue are kernels that the host writes. What a
// threadgroup does stands in products.h. T is the type of the operands, Out that of the result, which is float where
// sums have several parts.
#include <metal_stdlib>

#include "products.h"

using namespace metal;

template <typename T, typename Out, int kSide>
[[kernel, max_total_threads_per_threadgroup(128)]] void matmul_tiles(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device Out* out [[buffer(2)]],
    constant mg::MatmulParams& p [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup float memory[mg::ProductTile<kSide>::kMemory];
  mg::ToMemory<Out> to;
  to.out = out;
  mg::makeTile<T, kSide>(a, b, to, p, memory, group, lane, simdgroup);
}

template <typename T, typename Out>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_vector_rows(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device Out* out [[buffer(2)]],
    constant mg::MatmulParams& p [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  mg::ToMemory<Out> to;
  to.out = out;
  mg::makeRow(a, b, to, p, group, lane, simdgroup);
}

template <typename T, typename Out>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_vector_columns(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device Out* out [[buffer(2)]],
    constant mg::MatmulParams& p [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float partial[8 * 32];
  mg::ToMemory<Out> to;
  to.out = out;
  mg::makeRows(a, b, to, p, partial, group, lane, simdgroup);
}

/// A thread for each number of the result.
template <typename Out>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_parts(device const float* parts [[buffer(0)]],
                                                                     device Out* out [[buffer(1)]],
                                                                     constant mg::MatmulParams& p [[buffer(2)]],
                                                                     uint group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]],
                                                                     uint threads [[threads_per_threadgroup]]) {
  mg::ToMemory<Out> to;
  to.out = out;
  mg::addParts(parts, to, p, long(group) * threads + lane);
}

template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void matmul_plain(device const T* a [[buffer(0)]],
                                                                     device const T* b [[buffer(1)]],
                                                                     device T* out [[buffer(2)]],
                                                                     constant mg::MatmulParams& p [[buffer(3)]],
                                                                     uint3 group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]]) {
  typedef typename mg::Element<T>::Wide Wide;
  threadgroup Wide left[16 * 17];
  threadgroup Wide right[16 * 17];
  mg::ToMemory<T> to;
  to.out = out;
  mg::makePlain(a, b, to, p, left, right, group, lane);
}
