// Moving elements between strided memory and tiles.
#include <algorithm>
#include <cstring>

#include "cpu/ops/tile.h"

namespace metalgrad::cpu {
namespace {

template <class T>
T read(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class T>
void fill(void* out, const void* a, const void*, const void*, int64_t n) {
  std::fill_n(static_cast<T*>(out), n, *static_cast<const T*>(a));
}

template <class T>
void copy(void* out, const void* a, const void*, const void*, int64_t n) {
  std::memcpy(out, a, static_cast<size_t>(n) * sizeof(T));
}

template <class T>
void gatherRow(T* to, const char* from, int64_t count, int64_t stride) {
  if (stride == sizeof(T)) {
    if (count < 16) {
      for (int64_t i = 0; i < count; i++) to[i] = read<T>(from + i * static_cast<int64_t>(sizeof(T)));
    } else {
      std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
    }
  } else if (stride == 0) {
    std::fill_n(to, count, read<T>(from));
  } else {
    for (int64_t i = 0; i < count; i++) to[i] = read<T>(from + i * stride);
  }
}

template <class T>
void scatterRow(char* to, const T* from, int64_t count, int64_t stride) {
  if (stride == sizeof(T)) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
  } else {
    for (int64_t i = 0; i < count; i++) std::memcpy(to + i * stride, from + i, sizeof(T));
  }
}

/// Whether the outer of two axes has the smaller strides: then memory is walked along it, in squares that stay in
/// cache.
bool transposed(const Dim& outer, const Dim& inner) {
  const int64_t a = std::abs(outer.stride), b = std::abs(inner.stride);
  return a != 0 && a < b && outer.count > 1 && inner.count > 1;
}

constexpr int64_t kSquare = 16;

/// Four elements of 4 bytes.
using Quad = uint32_t __attribute__((vector_size(16)));

/// Four columns of four neighbours each become four rows.
void transposeQuads(uint32_t* to, int64_t pitch, const char* from, int64_t stride) {
  const Quad a = read<Quad>(from), b = read<Quad>(from + stride), c = read<Quad>(from + 2 * stride),
             d = read<Quad>(from + 3 * stride);
  const Quad abLow = __builtin_shufflevector(a, b, 0, 4, 1, 5), abHigh = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cdLow = __builtin_shufflevector(c, d, 0, 4, 1, 5), cdHigh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const Quad rows[] = {
      __builtin_shufflevector(abLow, cdLow, 0, 1, 4, 5), __builtin_shufflevector(abLow, cdLow, 2, 3, 6, 7),
      __builtin_shufflevector(abHigh, cdHigh, 0, 1, 4, 5), __builtin_shufflevector(abHigh, cdHigh, 2, 3, 6, 7)};
  for (int64_t i = 0; i < 4; i++) std::memcpy(to + i * pitch, &rows[i], sizeof(Quad));
}

/// A square, or what is left of one, by fours where these fill its rows.
template <class T>
void gatherSquare(T* to, int64_t pitch, const char* from, const Dim& row, const Dim& column) {
  int64_t whole = 0;
  if constexpr (sizeof(T) == 4) {
    if (row.stride == sizeof(T) && row.count % 4 == 0) {
      for (; whole + 4 <= column.count; whole += 4) {
        for (int64_t i = 0; i < row.count; i += 4) {
          transposeQuads(to + i * pitch + whole, pitch, from + whole * column.stride + i * row.stride, column.stride);
        }
      }
    }
  }
  for (int64_t j = whole; j < column.count; j++) {
    for (int64_t i = 0; i < row.count; i++) to[i * pitch + j] = read<T>(from + j * column.stride + i * row.stride);
  }
}

/// Moves one axis after the other, the last two together; returns the end of what the tile side has passed.
template <class T>
T* gatherDims(T* to, const char* from, const Dim* dims, int rank) {
  if (rank == 1) {
    gatherRow(to, from, dims[0].count, dims[0].stride);
    return to + dims[0].count;
  }
  if (rank == 2 && transposed(dims[0], dims[1])) {
    const int64_t rows = dims[0].count, columns = dims[1].count;
    for (int64_t column = 0; column < columns; column += kSquare) {
      for (int64_t row = 0; row < rows; row += kSquare) {
        gatherSquare(to + row * columns + column, columns, from + row * dims[0].stride + column * dims[1].stride,
                     {std::min(kSquare, rows - row), dims[0].stride},
                     {std::min(kSquare, columns - column), dims[1].stride});
      }
    }
    return to + rows * columns;
  }
  for (int64_t i = 0; i < dims[0].count; i++) to = gatherDims(to, from + i * dims[0].stride, dims + 1, rank - 1);
  return to;
}

template <class T>
const T* scatterDims(char* to, const T* from, const Dim* dims, int rank) {
  if (rank == 1) {
    scatterRow(to, from, dims[0].count, dims[0].stride);
    return from + dims[0].count;
  }
  if (rank == 2 && transposed(dims[0], dims[1])) {
    const int64_t rows = dims[0].count, columns = dims[1].count;
    for (int64_t j = 0; j < columns; j++) {
      char* line = to + j * dims[1].stride;
      for (int64_t i = 0; i < rows; i++) std::memcpy(line + i * dims[0].stride, from + i * columns + j, sizeof(T));
    }
    return from + rows * columns;
  }
  for (int64_t i = 0; i < dims[0].count; i++) from = scatterDims(to + i * dims[0].stride, from, dims + 1, rank - 1);
  return from;
}

template <class T>
void gather(void* to, const void* from, const Dim* dims, int rank) {
  gatherDims(static_cast<T*>(to), static_cast<const char*>(from), dims, rank);
}

template <class T>
void scatter(void* to, const void* from, const Dim* dims, int rank) {
  scatterDims(static_cast<char*>(to), static_cast<const T*>(from), dims, rank);
}

int64_t* positions(int64_t* to, int64_t base, const Dim* dims, int rank) {
  if (rank == 1) {
    for (int64_t i = 0; i < dims[0].count; i++) to[i] = base + i * dims[0].stride;
    return to + dims[0].count;
  }
  for (int64_t i = 0; i < dims[0].count; i++) to = positions(to, base + i * dims[0].stride, dims + 1, rank - 1);
  return to;
}

}  // namespace

TileFn fillTile(size_t itemSize) {
  switch (itemSize) {
    case 1:
      return &fill<uint8_t>;
    case 2:
      return &fill<uint16_t>;
    case 4:
      return &fill<uint32_t>;
    default:
      return &fill<uint64_t>;
  }
}

TileFn copyTile(size_t itemSize) {
  switch (itemSize) {
    case 1:
      return &copy<uint8_t>;
    case 2:
      return &copy<uint16_t>;
    case 4:
      return &copy<uint32_t>;
    default:
      return &copy<uint64_t>;
  }
}

MoveFn gatherBlock(size_t itemSize) {
  switch (itemSize) {
    case 1:
      return &gather<uint8_t>;
    case 2:
      return &gather<uint16_t>;
    case 4:
      return &gather<uint32_t>;
    default:
      return &gather<uint64_t>;
  }
}

MoveFn scatterBlock(size_t itemSize) {
  switch (itemSize) {
    case 1:
      return &scatter<uint8_t>;
    case 2:
      return &scatter<uint16_t>;
    case 4:
      return &scatter<uint32_t>;
    default:
      return &scatter<uint64_t>;
  }
}

void positionsOfBlock(int64_t* to, int64_t base, const Dim* dims, int rank) { positions(to, base, dims, rank); }

}  // namespace metalgrad::cpu
