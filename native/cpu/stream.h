// Writing past the caches: for results so large that none of them would be there when they are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace metalgrad::cpu {

/// Results of at least so many bytes are streamed.
constexpr int64_t kLeastStreamed = 24 << 20;

/// Copies `bytes` bytes; the lines of `to` are not read first, and do not stay in the caches.
void streamCopy(void* to, const void* from, int64_t bytes);

/// Memory that is read next.
struct Ahead {
  const std::byte* from;
  int64_t bytes;
};
/// The same, and brings `ahead` to the caches meanwhile: no memory is read else until all is written.
void streamCopy(void* to, const void* from, int64_t bytes, std::span<const Ahead> ahead);
/// Writes `bytes` bytes of one value, of `itemSize` bytes (a power of two up to 16), in the same manner.
void streamFill(void* to, const void* value, int64_t itemSize, int64_t bytes);
/// Other threads see what this thread streamed once they see what it does next.
void endStream();

}  // namespace metalgrad::cpu
