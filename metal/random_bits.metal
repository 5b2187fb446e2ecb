// Threefry bits. A thread of a threadgroup makes one hash: two words of its key's elements, or the middle one.
#include <metal_stdlib>

#include "space.h"
#include "threefry.h"

using namespace metal;

/// Stores a word's elements as far as the key has them. T is uint, ushort or uchar.
template <typename T>
inline void storeWord(device T* key, long word, uint bits, long perKey) {
  const int elements = int(4 / sizeof(T));
  for (int i = 0; i < elements; i++) {
    const long at = word * elements + i;
    if (at < perKey) key[at] = T(bits >> (8 * int(sizeof(T)) * i));
  }
}

/// I is int or long.
template <typename T, typename I>
[[kernel, max_total_threads_per_threadgroup(256)]] void random_bits(device const uint* keys [[buffer(0)]],
                                                                    device T* out [[buffer(1)]],
                                                                    constant mg::RandomBitsParams& p [[buffer(2)]],
                                                                    uint group [[threadgroup_position_in_grid]],
                                                                    uint lane [[thread_index_in_threadgroup]],
                                                                    uint threads [[threads_per_threadgroup]]) {
  const long position = long(group) * threads + lane;
  if (position >= p.total) return;
  const I key = I(position) / I(p.hashes);
  const long hash = I(position) - key * I(p.hashes);
  I at[1] = {0};
  mg::locate(p.keySpace, key, at);
  device const uint* words = keys + p.keys + at[0];
  const bool pair = hash < p.half_;
  const long second = p.half_ + p.odd + hash;
  uint2 k, counter;
  k.x = words[0];
  k.y = words[p.second];
  counter.x = uint(hash);
  counter.y = pair ? uint(second) : 0u;
  const uint2 bits = mg::threefry(k, counter);
  device T* to = out + p.out + long(key) * p.perKey;
  storeWord(to, hash, bits.x, p.perKey);
  if (pair) storeWord(to, second, bits.y, p.perKey);
}
