// Memory of buffers. All of it is one file in memory, mapped once for the host and once for each binding index, far
// apart: the address that a shader uses says through which binding it came.
#pragma once

#include <cstddef>
#include <cstdint>

namespace emulator {

inline constexpr unsigned kViews = 32;
inline constexpr uintptr_t kViewBase = uintptr_t{1} << 44;
inline constexpr unsigned kViewShift = 40;
inline constexpr size_t kHeapBytes = size_t{1} << 36;

/// The address of the heap's `offset` as binding `index` sees it.
inline uintptr_t viewAddress(unsigned index, size_t offset) {
  return kViewBase + (uintptr_t{index} << kViewShift) + offset;
}

/// Where `data` lies in the heap; false where it does not.
bool heapOffset(const std::byte* data, size_t* offset);

}  // namespace emulator
