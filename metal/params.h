// Parameters of the hand-written kernels, one struct a kernel: what the host writes and the shader reads as it stands.
// Offsets and strides count elements. The host includes <cstdint> first; Metal has these names of its own.
#pragma once

namespace mg {

enum { kMaxAxes = 32 };

/// An iteration space that N arrays share, outermost axis first.
template <int N>
struct Space {
  int32_t rank;
  int32_t unused;
  int64_t size;
  int64_t shape[kMaxAxes];
  int64_t strides[N][kMaxAxes];
};

struct RandomBitsParams {
  int64_t hashes;      // of one key
  int64_t total;       // of all keys
  int64_t half_, odd;  // words are 2 · half + odd
  int64_t perKey;      // elements
  int64_t keys, out;   // offsets
  int64_t second;      // stride between the words of a key
  Space<1> keySpace;
};

struct IndexPositionsParams {
  int64_t indices;  // offset
  int64_t last;     // the largest position at which the slice lies inside
  int64_t stride;   // of the indexed axis
  Space<1> space;   // of the index operand
};

struct GatherParams {
  int64_t source, indices, out;  // offsets
  int64_t last, stride;          // as above
  Space<2> index;                // index operand, out
  Space<2> slice;                // source, out
};

struct ScatterParams {
  int64_t target, updates;  // offsets
  int64_t low;              // the least offset of a slice, relative to target: entries hold what lies above it
  int64_t count;            // slices
  int64_t entries;          // what was sorted: slices, or elements of slices
  Space<1> index;           // updates
  Space<2> slice;           // target, updates
};

struct SortParams {
  int64_t in, out;              // offsets
  int64_t inStride, outStride;  // along the sorted axis
  uint32_t length;              // of a row
  uint32_t tiles;               // threadgroups for each row
  uint32_t run;                 // of the sorted runs that are merged
  uint32_t unused;
  Space<2> rows;  // in, out
};

/// One matrix of a product.
struct MatrixParams {
  int64_t offset, rowStride, columnStride;
};

struct MatmulParams {
  int64_t m, n, k;
  /// Sums are cut into parts of `partLength`. Several parts are written one after the other, each with its batch in
  /// row-major order.
  int64_t parts, partLength;
  MatrixParams a, b, out;
  Space<3> batch;  // a, b, out
};

}  // namespace mg
