// Products with quantized matrices: numbers q of a few bits, one after the other in words, groups of which stand for
// scale · q + bias. A threadgroup decodes what it multiplies: a few rows of x meet rows of the matrix lane by lane,
// many meet tiles of it that lie decoded in threadgroup memory (product_tile.h).
#include <metal_stdlib>

#include "elements.h"
#include "product_tile.h"
#include "space.h"

using namespace metal;

namespace mg {

/// Where one product of the batch lies.
struct QuantizedPlace {
  long x, words, scales, biases;
};

inline QuantizedPlace placeOf(constant QuantizedParams& p, device const uint* lhs, device const uint* rhs,
                              long number) {
  QuantizedPlace place;
  if (p.gathered != 0) {
    const long x = clampIndex(lhs[p.lhs + number * p.lhsStep], p.lastX);
    const long matrix = clampIndex(rhs[p.rhs + number * p.rhsStep], p.lastMatrix);
    place.x = p.x + x * p.xStep;
    place.words = p.words + matrix * p.wordsStep;
    place.scales = p.scales + matrix * p.scalesStep;
    place.biases = p.biases + matrix * p.biasesStep;
  } else {
    long at[4] = {p.x, p.words, p.scales, p.biases};
    locate(p.batch, number, at);
    place.x = at[0];
    place.words = at[1];
    place.scales = at[2];
    place.biases = at[3];
  }
  return place;
}

/// Rows of one quantized matrix.
template <typename T>
struct QuantizedRows {
  device const uint* words;
  device const T* scales;
  device const T* biases;
};

/// Eight numbers of a row from `first` on, a multiple of eight: their bits lie in one word or two.
template <int kBits, typename T>
inline void decodeEight(constant QuantizedParams& p, QuantizedRows<T> rows, long row, long first,
                        thread float (&numbers)[8]) {
  const long bit = first * kBits, group = first / p.groupSize;
  const uint shift = uint(bit % 32);
  device const uint* words = rows.words + row * p.wordsRow + (bit / 32) * p.wordsColumn;
  ulong bits = ulong(words[0]);
  if (shift + 8 * kBits > 32) bits |= ulong(words[p.wordsColumn]) << 32;
  bits >>= shift;
  const float scale = Element<T>::load(rows.scales[row * p.scalesRow + group * p.scalesColumn]);
  const float bias = Element<T>::load(rows.biases[row * p.biasesRow + group * p.biasesColumn]);
  for (int i = 0; i < 8; i++) {
    numbers[i] = fma(float(uint(bits >> (i * kBits)) & ((1u << kBits) - 1)), scale, bias);
  }
}

}  // namespace mg

enum { kQuantizedEach = 4 };

/// Rows of x times rows of the matrix (x @ wᵀ): a SIMD group makes four numbers of one row of the result, its lanes
/// side by side along the sum.
template <typename T, int kBits>
[[kernel, max_total_threads_per_threadgroup(256)]] void quantized_vectors(
    device const T* x [[buffer(0)]], device const uint* words [[buffer(1)]], device const T* scales [[buffer(2)]],
    device const T* biases [[buffer(3)]], device const uint* lhs [[buffer(4)]], device const uint* rhs [[buffer(5)]],
    device T* out [[buffer(6)]], constant mg::QuantizedParams& p [[buffer(7)]],
    uint3 group [[threadgroup_position_in_grid]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  const long column = (long(group.x) * 8 + simdgroup) * kQuantizedEach, row = long(group.y), number = long(group.z);
  // A whole SIMD group.
  if (column >= p.n) return;
  const mg::QuantizedPlace place = mg::placeOf(p, lhs, rhs, number);
  mg::QuantizedRows<T> matrix;
  matrix.words = words + place.words;
  matrix.scales = scales + place.scales;
  matrix.biases = biases + place.biases;
  device const T* line = x + place.x + row * p.xRow;
  float sums[kQuantizedEach];
  for (int i = 0; i < kQuantizedEach; i++) sums[i] = 0.0f;
  for (long k = long(lane) * 8; k < p.k; k += 256) {
    float factors[8], numbers[8];
    for (int i = 0; i < 8; i++) factors[i] = mg::Element<T>::load(line[(k + i) * p.xColumn]);
    for (int each = 0; each < kQuantizedEach; each++) {
      if (column + each >= p.n) break;
      mg::decodeEight<kBits, T>(p, matrix, column + each, k, numbers);
      for (int i = 0; i < 8; i++) sums[each] = fma(numbers[i], factors[i], sums[each]);
    }
  }
  for (int each = 0; each < kQuantizedEach; each++) {
    const float sum = simd_sum(sums[each]);
    if (lane == 0 && column + each < p.n) {
      out[p.out + (number * p.m + row) * p.n + column + each] = mg::Element<T>::store(sum);
    }
  }
}

/// A threadgroup makes a square tile of the result.
template <typename T, int kBits, int kSide>
[[kernel, max_total_threads_per_threadgroup(128)]] void quantized_tiles(
    device const T* x [[buffer(0)]], device const uint* words [[buffer(1)]], device const T* scales [[buffer(2)]],
    device const T* biases [[buffer(3)]], device const uint* lhs [[buffer(4)]], device const uint* rhs [[buffer(5)]],
    device T* out [[buffer(6)]], constant mg::QuantizedParams& p [[buffer(7)]],
    uint3 group [[threadgroup_position_in_grid]], uint lane [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  typedef mg::ProductTile<kSide> Tile;
  threadgroup float memory[Tile::kMemory];
  const long row0 = long(group.y) * kSide, column0 = long(group.x) * kSide, number = long(group.z);
  const int rows = int(min(long(kSide), p.m - row0)), columns = int(min(long(kSide), p.n - column0));
  const mg::QuantizedPlace place = mg::placeOf(p, lhs, rhs, number);
  mg::QuantizedRows<T> matrix;
  matrix.words = words + place.words;
  matrix.scales = scales + place.scales;
  matrix.biases = biases + place.biases;
  device const T* tileX = x + place.x + row0 * p.xRow;
  // Neighbouring threads read what lies closer together.
  const bool alongX = p.alongX != 0;
  const bool transposed = p.transposed != 0;
  Tile tile;
  mg::clearTile(tile);
  for (long k0 = 0; k0 < p.k; k0 += mg::kProductDepth) {
    const int depth = int(min(long(mg::kProductDepth), p.k - k0));
    for (int e = int(lane); e < kSide * mg::kProductDepth; e += mg::kProductThreads) {
      const int row = alongX ? e / mg::kProductDepth : e % kSide, k = alongX ? e % mg::kProductDepth : e / kSide;
      float value = 0.0f;
      if (row < rows && k < depth) value = mg::Element<T>::load(tileX[row * p.xRow + (k0 + k) * p.xColumn]);
      memory[row * Tile::kPitchA + k] = value;
    }
    for (int e = int(lane); e < kSide * mg::kProductDepth / 8; e += mg::kProductThreads) {
      float numbers[8];
      for (int i = 0; i < 8; i++) numbers[i] = 0.0f;
      // Eights lie along the sum or along the columns of the tile.
      const int column = transposed ? e / (mg::kProductDepth / 8) : e % (kSide / 8) * 8;
      const int k = transposed ? e % (mg::kProductDepth / 8) * 8 : e / (kSide / 8);
      if (column < columns && k < depth) {
        mg::decodeEight<kBits, T>(p, matrix, transposed ? column0 + column : k0 + k,
                                  transposed ? k0 + k : column0 + column, numbers);
      }
      threadgroup float* to = memory + Tile::kStartB + k * Tile::kPitchB + column;
      const int step = transposed ? int(Tile::kPitchB) : 1;
      for (int i = 0; i < 8; i++) to[i * step] = numbers[i];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    mg::multiplyTile(tile, memory, simdgroup);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  mg::storeTile(tile, memory, simdgroup);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  device T* result = out + p.out + (number * p.m + row0) * p.n + column0;
  for (int e = int(lane); e < kSide * kSide; e += mg::kProductThreads) {
    const int row = e / kSide, column = e % kSide;
    if (row < rows && column < columns) result[row * p.n + column] = mg::Element<T>::store(memory[e]);
  }
}
