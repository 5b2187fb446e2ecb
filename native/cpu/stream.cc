// Non-temporal stores, where the processor has them.
#include "cpu/stream.h"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace metalgrad::cpu {

void streamCopy(void* to, const void* from, int64_t bytes) {
#if defined(__SSE2__)
  constexpr int64_t kLine = 64;
  char* target = static_cast<char*>(to);
  const char* source = static_cast<const char*>(from);
  // Up to the first whole line, and after the last.
  const int64_t head = std::min(bytes, -reinterpret_cast<int64_t>(to) & (kLine - 1));
  std::memcpy(target, source, static_cast<size_t>(head));
  int64_t i = head;
  for (; i + kLine <= bytes; i += kLine) {
    for (int64_t part = 0; part < kLine; part += 16) {
      const __m128i value = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i + part));
      _mm_stream_si128(reinterpret_cast<__m128i*>(target + i + part), value);
    }
  }
  std::memcpy(target + i, source + i, static_cast<size_t>(bytes - i));
#else
  std::memcpy(to, from, static_cast<size_t>(bytes));
#endif
}

void streamCopy(void* to, const void* from, int64_t bytes, std::span<const Ahead> ahead) {
  constexpr int64_t kLine = 64, kPiece = 8 * kLine;
  auto* target = static_cast<std::byte*>(to);
  const auto* source = static_cast<const std::byte*>(from);
  int64_t count;
  for (int64_t at = 0; at < bytes; at += count) {
    // Pieces end where a line does: what is left of one would be read before it is written.
    count = std::min(kPiece - (reinterpret_cast<int64_t>(target + at) & (kLine - 1)), bytes - at);
    streamCopy(target + at, source + at, count);
    for (const Ahead& next : ahead) {
      // A share of it as large as that of the bytes that were written.
      const int64_t end = next.bytes * (at + count) / bytes;
      for (int64_t line = next.bytes * at / bytes; line < end; line += kLine) __builtin_prefetch(next.from + line);
    }
  }
}

void streamFill(void* to, const void* value, int64_t itemSize, int64_t bytes) {
  constexpr int64_t kPattern = 512;
  alignas(64) char pattern[kPattern];
  std::memcpy(pattern, value, static_cast<size_t>(itemSize));
  for (int64_t filled = itemSize; filled < kPattern; filled *= 2) {
    std::memcpy(pattern + filled, pattern, static_cast<size_t>(filled));
  }
  char* target = static_cast<char*>(to);
  for (int64_t i = 0; i < bytes; i += kPattern) streamCopy(target + i, pattern, std::min(kPattern, bytes - i));
}

void endStream() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace metalgrad::cpu
