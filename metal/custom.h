// What the sources of users may name beside Metal's own library: MLX's names of element types, and places of elements.
#ifndef METALGRAD_METAL_CUSTOM_H_
#define METALGRAD_METAL_CUSTOM_H_

#include <metal_stdlib>

using namespace metal;

typedef half float16_t;
typedef bfloat bfloat16_t;
typedef float float32_t;
typedef float2 complex64_t;

/// Where element number `elem`, counted in row-major order, of an array with these strides lies.
inline int64_t elem_to_loc(uint elem, constant const int* shape, constant const int64_t* strides, int ndim) {
  int64_t place = 0;
  for (int axis = ndim - 1; axis >= 0 && elem > 0; axis--) {
    const uint size = uint(shape[axis]);
    place += int64_t(elem % size) * strides[axis];
    elem /= size;
  }
  return place;
}

#endif  // METALGRAD_METAL_CUSTOM_H_
