// The bytes of a generated kernel's constants, and its bindings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu/kernel_constants.h"
#include "gpu/kernel_layout.h"
#include "gpu/kernel_source.h"
#include "gpu/steps.h"

namespace metalgrad::gpu {

/// Writes integers into fields: indices as wide as the text has them, words of 4 bytes.
class FieldWriter {
 public:
  FieldWriter(std::span<std::byte> bytes, bool wide) : bytes_(bytes), index_(wide ? 8 : 4) {}

  void index(size_t field, int64_t value) { integer(field, index_, value); }
  void word(size_t field, int64_t value) { integer(field, 4, value); }
  void index(size_t field, size_t i, int64_t value) { integer(field, index_, value, i); }

 private:
  void integer(size_t field, size_t bytes, int64_t value, size_t i = 0) {
    if (field != kNoField) writeInteger(bytes_, field + i * bytes, bytes, value);
  }

  std::span<std::byte> bytes_;
  size_t index_;
};

/// Sizes, strides and first elements: what does not change from run to run.
void writeLayout(std::span<std::byte> constants, const KernelFields& fields, const Layout& layout, bool wide);
/// The numbers of positions' first elements in this run.
void writeOrigins(std::span<std::byte> constants, const KernelFields& fields, const Layout& layout, const Run& run);
void writeNumber(std::span<std::byte> constants, const KernelFields::Scalar& scalar, uint64_t argument);

/// Exactly what a use in memory touches.
Binding bindingOf(const Use& use, const Run& run);

}  // namespace metalgrad::gpu
