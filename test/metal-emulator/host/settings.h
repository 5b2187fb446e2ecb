// What the environment sets; metalgrad_emulator.h names the variables.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace emulator {

struct Settings {
  bool device;
  size_t memory;
  size_t buffers;
  size_t bufferBytes;
  uint64_t seed;
  std::chrono::milliseconds timeout;
  /// 15 or later: its calls are there.
  uint64_t macos;
};

/// Read once.
const Settings& settings();

inline bool hasMacos15() { return settings().macos >= 15; }

}  // namespace emulator
