// Memory of buffers. All of it is one file in memory, mapped once for the host and once for each binding index, far
// apart: the address that a shader uses says through which binding it came.
#pragma once

#include <cstddef>
#include <cstdint>

namespace emulator {

inline constexpr unsigned kViews = 32;
/// Views are twice as far apart as the heap is long, so that wrong indices do not lead from one into the next.
inline constexpr unsigned kViewShift = 36;
inline constexpr size_t kHeapBytes = size_t{1} << 35;

/// Where the first view is, a multiple of their distance. Not known before the first allocation.
extern uintptr_t viewBase;

/// The address of the heap's `offset` as binding `index` sees it.
inline uintptr_t viewAddress(unsigned index, size_t offset) {
  return viewBase + (uintptr_t{index} << kViewShift) + offset;
}

/// Where `data` lies in the heap; false where it does not.
bool heapOffset(const std::byte* data, size_t* offset);

}  // namespace emulator
