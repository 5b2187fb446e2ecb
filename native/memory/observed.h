// What the emulator of a GPU is told of memory that the CPU touches or that changes hands, since no call of its API
// says it. Nothing in any other build.
#pragma once

#include <cstddef>

#ifdef METALGRAD_EMULATOR
#include "metalgrad_emulator.h"
#endif

namespace metalgrad::memory {

#ifdef METALGRAD_EMULATOR
inline void cpuWrote(const void* data, size_t bytes) { metalgrad_emulator_written(data, bytes); }
inline void cpuReads(const void* data, size_t bytes) { metalgrad_emulator_read(data, bytes); }
/// Given back to its pool, or handed out anew.
inline void forgotten(const void* data, size_t bytes) { metalgrad_emulator_forgotten(data, bytes); }
#else
inline void cpuWrote(const void*, size_t) {}
inline void cpuReads(const void*, size_t) {}
inline void forgotten(const void*, size_t) {}
#endif

}  // namespace metalgrad::memory
