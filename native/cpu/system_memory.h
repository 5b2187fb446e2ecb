// Memory from the operating system.
#pragma once

#include <cstddef>

namespace metalgrad::cpu {

constexpr size_t kAlignment = 64;

constexpr size_t roundUp(size_t bytes, size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

/// What a block of at least `bytes` takes from the system.
size_t systemCapacity(size_t bytes);
/// Aligned memory of a capacity that `systemCapacity` gave, in huge pages where that helps; null when there is none.
std::byte* systemAllocate(size_t capacity);
void systemFree(std::byte* data, size_t capacity);

/// The machine's memory, or less where a control group allows less.
size_t physicalMemory();

/// Under the address sanitizer, memory that is cached or beyond what was asked for is not to be touched.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kGuarded = true;
#else
constexpr bool kGuarded = false;
#endif
void forbid(const std::byte* data, size_t bytes);
void permit(const std::byte* data, size_t bytes);

}  // namespace metalgrad::cpu
