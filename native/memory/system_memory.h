// Memory from the operating system.
#pragma once

#include <cstdint>

#include "memory/source.h"

namespace metalgrad::memory {

/// The system's memory, in huge pages where that helps.
class SystemSource final : public Source {
 public:
  size_t capacity(size_t bytes) const override;
  Region allocate(size_t capacity) override;
  void free(const Region& region) override;
  size_t largest() const override { return SIZE_MAX / kAlignment * kAlignment; }
  size_t total() const override;
};

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

}  // namespace metalgrad::memory
