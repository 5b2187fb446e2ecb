// The struct of inline bytes that a generated kernel takes: its text for the shader, its bytes for the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "program/opcodes.h"

namespace metalgrad::gpu {

class Constants {
 public:
  /// Adds a field of `count` numbers (0: one that is no array) of `bytes` bytes each; gives its offset.
  size_t add(std::string_view type, std::string_view name, size_t bytes, size_t count = 0);
  /// The same with rows of `columns` numbers.
  size_t addTable(std::string_view type, std::string_view name, size_t bytes, size_t rows, size_t columns);

  /// `struct Constants { … };`
  std::string text() const;
  /// Bytes of the whole, as both compilers lay it out.
  size_t bytes() const;

 private:
  size_t place(size_t bytes, size_t count);

  std::string fields_;
  size_t end_ = 0, alignment_ = 1;
};

/// Writes `value` as a field of `bytes` bytes (4 or 8) holds it.
inline void writeInteger(std::span<std::byte> constants, size_t offset, size_t bytes, int64_t value) {
  std::memcpy(constants.data() + offset, &value, bytes);  // little endian on every device
}

/// Writes an 8-byte argument of a run as a field of `dtype`: rounded once from double for floats.
void writeScalar(std::span<std::byte> constants, size_t offset, Dtype dtype, uint64_t argument);

/// The same as an 8-byte field that loses less: a double becomes the sum of two floats, the larger first.
void writePrecise(std::span<std::byte> constants, size_t offset, Dtype dtype, uint64_t argument);

}  // namespace metalgrad::gpu
