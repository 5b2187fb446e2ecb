// A square tile of a matrix product in one threadgroup: 128 threads, 4 SIMD groups, each with a quarter of the tile in
// 8 × 8 fragments. Both operands' parts of the tile are put into threadgroup memory as float32, 16 numbers of the sum
// at a time; there the result lies in the end, too.
#pragma once

#include <metal_simdgroup_matrix>
#include <metal_stdlib>

namespace mg {
using namespace metal;

enum { kProductThreads = 128, kProductDepth = 16 };

/// Rows of operands are this far apart in threadgroup memory: not a multiple of the banks.
template <int kSide>
struct ProductTile {
  enum {
    kFragments = kSide / 16,
    kPitchA = kProductDepth + 4,
    kPitchB = kSide + 4,
    kStartB = kSide * kPitchA,
    kOperands = kStartB + kProductDepth * kPitchB,
    kResult = kSide * kSide,
    /// Floats of threadgroup memory.
    kMemory = kResult > kOperands ? kResult : kOperands
  };
  simdgroup_matrix<float, 8, 8> sums[kFragments][kFragments];
};

template <int kSide>
inline void clearTile(thread ProductTile<kSide>& tile) {
  for (int i = 0; i < ProductTile<kSide>::kFragments; i++) {
    for (int j = 0; j < ProductTile<kSide>::kFragments; j++) {
      tile.sums[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    }
  }
}

/// Adds the product of what lies in `memory`. Barriers stand before and after.
template <int kSide>
inline void multiplyTile(thread ProductTile<kSide>& tile, threadgroup const float* memory, uint simdgroup) {
  typedef ProductTile<kSide> Tile;
  const uint row = (simdgroup / 2) * (kSide / 2), column = (simdgroup % 2) * (kSide / 2);
  threadgroup const float* a = memory + row * uint(Tile::kPitchA);
  threadgroup const float* b = memory + uint(Tile::kStartB) + column;
  for (int k = 0; k < kProductDepth; k += 8) {
    simdgroup_matrix<float, 8, 8> left[Tile::kFragments], right[Tile::kFragments];
    for (int i = 0; i < Tile::kFragments; i++) {
      simdgroup_load(left[i], a + 8 * i * Tile::kPitchA + k, ulong(Tile::kPitchA));
      simdgroup_load(right[i], b + k * Tile::kPitchB + 8 * i, ulong(Tile::kPitchB));
    }
    for (int i = 0; i < Tile::kFragments; i++) {
      for (int j = 0; j < Tile::kFragments; j++) {
        simdgroup_multiply_accumulate(tile.sums[i][j], left[i], right[j], tile.sums[i][j]);
      }
    }
  }
}

/// Puts the result into `memory`, row by row. Barriers stand before and after.
template <int kSide>
inline void storeTile(thread ProductTile<kSide>& tile, threadgroup float* memory, uint simdgroup) {
  const int row = int(simdgroup / 2) * (kSide / 2), column = int(simdgroup % 2) * (kSide / 2);
  for (int i = 0; i < ProductTile<kSide>::kFragments; i++) {
    for (int j = 0; j < ProductTile<kSide>::kFragments; j++) {
      simdgroup_store(tile.sums[i][j], memory + (row + 8 * i) * kSide + column + 8 * j, ulong(kSide));
    }
  }
}

}  // namespace mg
