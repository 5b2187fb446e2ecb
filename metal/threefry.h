// threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
#ifndef METALGRAD_METAL_THREEFRY_H_
#define METALGRAD_METAL_THREEFRY_H_

#include "types.h"

namespace mg {

inline uint2 wordsOf(uint x, uint y) {
  uint2 words;
  words.x = x;
  words.y = y;
  return words;
}
inline uint2 threefryRound(uint2 x, uint distance) {
  x.x += x.y;
  x.y = ((x.y << distance) | (x.y >> (32 - distance))) ^ x.x;
  return x;
}
inline uint2 threefryRounds(uint2 x, uint a, uint b, uint c, uint d) {
  return threefryRound(threefryRound(threefryRound(threefryRound(x, a), b), c), d);
}

/// Two words from a key and a counter.
inline uint2 threefry(uint2 key, uint2 counter) {
  const uint third = key.x ^ key.y ^ 0x1bd11bda;
  uint2 x = counter + key;
  x = threefryRounds(x, 13, 15, 26, 6) + wordsOf(key.y, third + 1);
  x = threefryRounds(x, 17, 29, 16, 24) + wordsOf(third, key.x + 2);
  x = threefryRounds(x, 13, 15, 26, 6) + wordsOf(key.x, key.y + 3);
  x = threefryRounds(x, 17, 29, 16, 24) + wordsOf(key.y, third + 4);
  return threefryRounds(x, 13, 15, 26, 6) + wordsOf(third, key.x + 5);
}

}  // namespace mg

#endif  // METALGRAD_METAL_THREEFRY_H_
