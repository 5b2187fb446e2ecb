// Sorts unsigned keys: Highway's VQSort on one thread, runs of it merged by all threads when a row is long.
#pragma once

#include <hwy/contrib/sort/vqsort.h>

#include <cstdint>

#include "cpu/thread_pool.h"

namespace metalgrad::cpu {

/// Two 64-bit words, compared as one number: hi is a key, lo its position.
using WideKey = hwy::uint128_t;

/// Sorts `data`, ascending. `other` holds as many elements; the result is in the one that is returned.
/// With a pool the work is shared.
uint8_t* sortKeys(uint8_t* data, uint8_t* other, int64_t count, ThreadPool* pool);
uint16_t* sortKeys(uint16_t* data, uint16_t* other, int64_t count, ThreadPool* pool);
uint32_t* sortKeys(uint32_t* data, uint32_t* other, int64_t count, ThreadPool* pool);
uint64_t* sortKeys(uint64_t* data, uint64_t* other, int64_t count, ThreadPool* pool);
WideKey* sortKeys(WideKey* data, WideKey* other, int64_t count, ThreadPool* pool);

}  // namespace metalgrad::cpu
