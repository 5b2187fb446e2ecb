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
  /// Whether elements of a row lie closer together than those of a column.
  int32_t alongA, alongB;
  Space<3> batch;  // a, b, out
};

struct SearchParams {
  int64_t sorted, values, out;  // offsets
  int64_t length, stride;       // of a sorted row
  int32_t right, unused;
  Space<3> space;  // sorted, values, out
};

struct BitcastParams {
  int64_t in, out;  // offsets
  int64_t size;     // elements
};

struct HadamardParams {
  int64_t in, out;   // offsets
  int64_t inStride;  // along the transformed axis
  int64_t length;    // of a row
  int64_t block;     // what one threadgroup transforms: a power of 2 that divides `chunk`
  int64_t chunk;     // length / order
  int64_t half_;     // the distance of what a pass adds and subtracts
  float scale;
  int32_t order;       // of the matrix that mixes chunks: 1, 12, 20 or 28
  uint32_t signs[28];  // its rows; a bit that is set is -1
  Space<1> rows;       // in
};

struct ScanParams {
  int64_t in, second, out, positions;                  // offsets, of the first element in the order of the scan
  int64_t inStep, secondStep, outStep, positionsStep;  // along the scanned axis, in the order of the scan
  int64_t length;                                      // of a row
  int64_t chunks, chunkLength;                         // a threadgroup scans a chunk
  int32_t reverse, inclusive;
  Space<4> rows;  // in, second, out, positions
};

struct FourierParams {
  int64_t in, out;          // offsets
  int64_t inStep, outStep;  // along the transformed axis
  uint32_t length;          // of the transform
  uint32_t done;            // the product of the radices of earlier passes
  uint32_t radix;           // of this pass
  uint32_t inverse;
  uint32_t chirp;    // the length that Bluestein's chirp belongs to
  uint32_t factors;  // how many
  uint32_t factor[32];
  Space<2> rows;  // in, out
};

struct AttentionParams {
  int64_t q, k, v, mask, out;  // offsets
  int64_t qStrides[4], kStrides[4], vStrides[4],
      maskStrides[4];     // batch, head, row, column; the mask's 0 along axes of size 1
  int64_t heads, shared;  // heads of q, and of those that share one of k and v
  int64_t queries, keys, depth, columns;
  int32_t causal, masked;
  int32_t pieces, unused;  // of the columns, each done by other threadgroups
  float scale;
};

struct ConvolutionParams {
  int64_t x, w, out;  // offsets
  int64_t examples, positions;
  int64_t channels, outputs;  // of one group
  int64_t kernels;            // elements of the kernel for one channel
  int64_t groups;
  int64_t exampleStep, channelStep;       // of x
  int64_t outputStep, kernelChannelStep;  // of w
  int32_t axes, unused;
  int64_t input[kMaxAxes], kernel_[kMaxAxes], output[kMaxAxes];
  int64_t stride[kMaxAxes], low[kMaxAxes], kernelDilation[kMaxAxes], inputDilation[kMaxAxes];
  int64_t xStep[kMaxAxes], wStep[kMaxAxes];
};

struct QuantizedParams {
  int64_t m, n, k;
  int64_t x, words, scales, biases, lhs, rhs, out;  // offsets
  int64_t xRow, xColumn;
  int64_t wordsRow, wordsColumn, scalesRow, scalesColumn, biasesRow, biasesColumn;
  int32_t transposed, groupSize;
  int32_t alongX;    // whether elements of a row of x lie closer together than those of a column
  int32_t gathered;  // what follows is for these; `batch` is for the others
  int64_t lhsStep, rhsStep, lastX, lastMatrix;
  int64_t xStep, wordsStep, scalesStep, biasesStep;
  Space<4> batch;  // x, words, scales, biases
};

struct SoftmaxParams {
  int64_t in, out;  // offsets
  int64_t rows, length;
};

struct NormParams {
  int64_t in, weight, bias, out, factors, means;  // offsets
  int64_t rows, length;
  float eps;
  int32_t centered, weighted, biased, keepsFactors, keepsMeans;
};

/// A number as the sum of two floats.
struct PairParam {
  float x, y;
};

struct RopeParams {
  int64_t x, offsets, freqs, out;  // offsets
  int64_t length, width, half_;
  int64_t columnStep, freqStep;     // of x and of freqs
  PairParam growth, scale, offset;  // pair i turns by position · exp(i · growth)
  int32_t traditional, hasOffsets, hasFreqs, unused;
  Space<4> rows;  // x, offsets, freqs, out; the last axis is the position
};

}  // namespace mg
