// Convolutions [N, spatial…, C] with [F, spatial…, C / groups]. Floats: the matrix of patches times the kernel as a
// matrix, without either being made: a threadgroup makes a square tile of positions and outputs (product_tile.h), its
// threads find the elements of x and w under them. Everything else: a thread makes one number.
#include <metal_stdlib>

#include "elements.h"
#include "params.h"
#include "product_tile.h"

using namespace metal;

namespace mg {

/// Where the element of x lies along an axis, in steps; negative where x has none.
inline long inputAt(constant ConvolutionParams& p, int axis, long at) {
  if (at < 0 || at > (p.input[axis] - 1) * p.inputDilation[axis]) return -1;
  if (p.inputDilation[axis] == 1) return at;
  return at % p.inputDilation[axis] != 0 ? -1 : at / p.inputDilation[axis];
}

}  // namespace mg

/// Up to three spatial axes. The sum is over the kernel's elements, then the channels.
template <typename T, int kSide>
[[kernel, max_total_threads_per_threadgroup(128)]] void convolution_tiles(
    device const T* x [[buffer(0)]], device const T* w [[buffer(1)]], device T* out [[buffer(2)]],
    constant mg::ConvolutionParams& p [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  typedef mg::ProductTile<kSide> Tile;
  threadgroup float memory[Tile::kMemory];
  threadgroup long begins[3 * kSide];
  threadgroup long bases[kSide];
  const long row0 = long(group.y) * kSide, column0 = long(group.x) * kSide, in = long(group.z);
  const int rows = int(min(long(kSide), p.examples * p.positions - row0));
  const int columns = int(min(long(kSide), p.outputs - column0));
  if (int(lane) < rows) {
    const long row = row0 + lane, example = row / p.positions;
    long rest = row - example * p.positions;
    for (int axis = p.axes - 1; axis >= 0; axis--) {
      const long outer = rest / p.output[axis];
      begins[axis * kSide + int(lane)] = (rest - outer * p.output[axis]) * p.stride[axis] - p.low[axis];
      rest = outer;
    }
    bases[lane] = p.x + example * p.exampleStep + in * p.channels * p.channelStep;
  }
  Tile tile;
  mg::clearTile(tile);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  // A thread has one number of the sum at a time, and every eighth row and column.
  const int k = int(lane) % mg::kProductDepth;
  const long sum = p.kernels * p.channels;
  for (long k0 = 0; k0 < sum; k0 += mg::kProductDepth) {
    const bool inside = k0 + k < sum;
    long under[3] = {0, 0, 0};
    long channel = 0, weight = 0;
    if (inside) {
      long element = (k0 + k) / p.channels;
      channel = (k0 + k - element * p.channels) * p.channelStep;
      weight = p.w + (k0 + k - element * p.channels) * p.kernelChannelStep;
      for (int axis = p.axes - 1; axis >= 0; axis--) {
        const long outer = element / p.kernel_[axis], index = element - outer * p.kernel_[axis];
        under[axis] = index * p.kernelDilation[axis];
        weight += index * p.wStep[axis];
        element = outer;
      }
    }
    for (int row = int(lane) / mg::kProductDepth; row < kSide; row += mg::kProductThreads / mg::kProductDepth) {
      float value = 0.0f;
      if (inside && row < rows) {
        long at = bases[row] + channel;
        bool covered = true;
        for (int axis = 0; axis < p.axes; axis++) {
          const long place = mg::inputAt(p, axis, begins[axis * kSide + row] + under[axis]);
          covered = covered && place >= 0;
          at += place * p.xStep[axis];
        }
        if (covered) value = float(x[at]);
      }
      memory[row * Tile::kPitchA + k] = value;
    }
    for (int column = int(lane) / mg::kProductDepth; column < kSide;
         column += mg::kProductThreads / mg::kProductDepth) {
      float value = 0.0f;
      if (inside && column < columns) value = float(w[weight + (in * p.outputs + column0 + column) * p.outputStep]);
      memory[Tile::kStartB + k * Tile::kPitchB + column] = value;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    mg::multiplyTile(tile, memory, simdgroup);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  mg::storeTile(tile, memory, simdgroup);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const long pitch = p.groups * p.outputs;
  device T* result = out + p.out + row0 * pitch + in * p.outputs + column0;
  for (int e = int(lane); e < kSide * kSide; e += mg::kProductThreads) {
    const int row = e / kSide, column = e % kSide;
    if (row < rows && column < columns) result[row * pitch + column] = T(memory[e]);
  }
}

/// A thread a number of the result; neighbouring threads have neighbouring outputs.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void convolution_direct(
    device const T* x [[buffer(0)]], device const T* w [[buffer(1)]], device T* out [[buffer(2)]],
    constant mg::ConvolutionParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  typedef mg::Element<T> Element;
  typedef typename Element::Wide Wide;
  const long number = long(group) * threads + lane, outputs = p.groups * p.outputs;
  if (number >= p.examples * p.positions * outputs) return;
  const long row = number / outputs, output = number - row * outputs, in = output / p.outputs;
  const long example = row / p.positions, position = row - example * p.positions;
  Wide sum = Wide(0);
  for (long k = 0; k < p.kernels; k++) {
    long from = p.x + example * p.exampleStep + in * p.channels * p.channelStep, weight = p.w + output * p.outputStep;
    long element = k, rest = position;
    bool covered = true;
    for (int axis = p.axes - 1; axis >= 0; axis--) {
      const long outerElement = element / p.kernel_[axis], index = element - outerElement * p.kernel_[axis];
      const long outer = rest / p.output[axis];
      const long begin = (rest - outer * p.output[axis]) * p.stride[axis] - p.low[axis];
      const long place = mg::inputAt(p, axis, begin + index * p.kernelDilation[axis]);
      covered = covered && place >= 0;
      from += place * p.xStep[axis];
      weight += index * p.wStep[axis];
      element = outerElement;
      rest = outer;
    }
    if (!covered) continue;
    for (long c = 0; c < p.channels; c++) {
      const Wide factor = Element::load(x[from + c * p.channelStep]);
      sum += mg::times(factor, Element::load(w[weight + c * p.kernelChannelStep]));
    }
  }
  out[p.out + number] = Element::store(sum);
}
