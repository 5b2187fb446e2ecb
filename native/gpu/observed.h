// What the emulator is told of memory that the CPU touches, or that changes hands: no call of Metal says it.
#pragma once

#ifdef METALGRAD_EMULATOR
#include "metalgrad_emulator.h"
#endif

#include <cstddef>

#include "program/program.h"

namespace metalgrad::gpu {

#ifdef METALGRAD_EMULATOR
inline void cpuWrote(const void* data, size_t bytes) { metalgrad_emulator_written(data, bytes); }
inline void cpuReads(const void* data, size_t bytes) { metalgrad_emulator_read(data, bytes); }
inline void forgotten(const void* data, size_t bytes) { metalgrad_emulator_forgotten(data, bytes); }
#else
inline void cpuWrote(const void*, size_t) {}
inline void cpuReads(const void*, size_t) {}
inline void forgotten(const void*, size_t) {}
#endif

}  // namespace metalgrad::gpu
