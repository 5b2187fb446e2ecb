#include "host/settings.h"

#include <cstdlib>

namespace emulator {

namespace {

uint64_t number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

const Settings& settings() {
  static const Settings read = {
      .device = number("METALGRAD_EMULATOR_DEVICES", 1) != 0,
      .memory = number("METALGRAD_EMULATOR_MEMORY", size_t{16} << 30),
      .buffers = number("METALGRAD_EMULATOR_BUFFERS", 499000),
      .bufferBytes = number("METALGRAD_EMULATOR_BUFFER_BYTES", uint64_t{8} << 30),
      .seed = number("METALGRAD_EMULATOR_SEED", 1),
      .timeout = std::chrono::milliseconds(number("METALGRAD_EMULATOR_TIMEOUT", 20000)),
      .macos = number("METALGRAD_EMULATOR_MACOS", 15),
  };
  return read;
}

}  // namespace emulator
