// MSL text for fused groups. It depends on the instructions, the dtypes and the form alone: sizes, strides, offsets,
// scalars and the starts of aranges are fields of the inline constants.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gpu/kernel_constants.h"
#include "gpu/kernel_form.h"
#include "gpu/kernel_layout.h"
#include "program/program.h"

namespace metalgrad::gpu {

/// The function's name in every generated text.
constexpr const char* kKernelFunction = "fused";

/// Offsets of fields in the constants; kNoField where the text has no such field.
constexpr size_t kNoField = ~size_t{0};
struct KernelFields {
  size_t pitch = kNoField, keptSize = kNoField, reducedSize = kNoField;
  size_t chunk = kNoField, splits = kNoField, lanes = kNoField, width = kNoField;
  size_t keptRank = kNoField, keptSizes = kNoField, keptStrides = kNoField;
  size_t reducedRank = kNoField, reducedSizes = kNoField, reducedStrides = kNoField;
  /// The index of the first element in a binding, for each use.
  size_t base = kNoField;
  /// For each use that is a position, the int64 of the first element.
  std::vector<size_t> origins;

  struct Scalar {
    size_t offset;
    Dtype dtype;
    uint32_t arg;
    /// A number of an arange: an int64, or a double as two floats.
    bool precise;
  };
  std::vector<Scalar> scalars;
};

struct KernelSource {
  std::string text;
  size_t constantBytes = 0;
  KernelFields fields;
};

/// Instructions that the typing rules let through and that mean nothing for complex numbers.
bool isUndefined(const Instruction& instruction);

/// The kernel of a group. Its buffers: loads, stores, then results, or their partials if the form says so.
KernelSource kernelSource(const KernelStep& step, const Layout& layout, const KernelForm& form);

}  // namespace metalgrad::gpu
