// Sorts unsigned keys on one thread.
#pragma once

#include <hwy/contrib/sort/vqsort.h>

#include <cstdint>

namespace metalgrad::cpu {

/// Two 64-bit words, compared as one number: hi is a key, lo its position.
using WideKey = hwy::uint128_t;

inline bool lessKey(const WideKey& a, const WideKey& b) { return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo); }

/// How many keys of up to 32 bits sortKeys sorts faster than digit_sort.h does, which depends on the processor.
int64_t mostShortKeysForVectors();

/// Ascending.
void sortKeys(uint8_t* data, int64_t count);
void sortKeys(uint16_t* data, int64_t count);
void sortKeys(uint32_t* data, int64_t count);
void sortKeys(uint64_t* data, int64_t count);
void sortKeys(WideKey* data, int64_t count);

}  // namespace metalgrad::cpu
