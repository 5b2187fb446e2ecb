// What the encoders of hand-written kernels share: names of element types, iteration spaces and bindings of operands.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../../metal/params.h"
#include "cpu/iteration.h"
#include "gpu/steps.h"

namespace metalgrad::gpu {

using cpu::Space;

/// Threads of a threadgroup where nothing asks for another number.
constexpr uint32_t kThreads = 256;
/// More elements than this are more threadgroups than a grid counts.
constexpr int64_t kMostElements = int64_t{1} << 38;
constexpr int64_t kMostGroups = int64_t{1} << 30;

/// The type of an element in a shader; bools are mg::BoolElement, complex numbers float2.
std::string_view elementType(Dtype dtype);
/// The same where only the low bits matter: integers are unsigned.
std::string_view wrappingType(Dtype dtype);
/// An unsigned type of this many bytes: 1, 2, 4 or 8.
std::string_view bitsType(size_t bytes);

/// The space as shaders read it; nothing where it has too many axes.
template <int N>
std::optional<mg::Space<N>> shaderSpace(const Space<N>& space) {
  if (space.rank > mg::kMaxAxes) return std::nullopt;
  mg::Space<N> result{};
  result.rank = space.rank;
  result.size = space.size();
  for (int axis = 0; axis < space.rank; axis++) {
    result.shape[axis] = space.shape[static_cast<size_t>(axis)];
    for (int i = 0; i < N; i++) {
      result.strides[i][axis] = space.strides[static_cast<size_t>(axis)][static_cast<size_t>(i)];
    }
  }
  return result;
}

/// Whether every element's number and offset fit a 32-bit int.
template <int N>
bool fitsInt(const Space<N>& space) {
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  double size = 1;
  for (int axis = 0; axis < space.rank; axis++) {
    size *= static_cast<double>(space.shape[static_cast<size_t>(axis)]);
  }
  if (size > kMost) return false;
  for (int i = 0; i < N; i++) {
    double reach = 0;
    for (int axis = 0; axis < space.rank; axis++) {
      const auto stride = static_cast<double>(space.strides[static_cast<size_t>(axis)][static_cast<size_t>(i)]);
      reach += static_cast<double>(space.shape[static_cast<size_t>(axis)]) * (stride < 0 ? -stride : stride);
    }
    if (reach > kMost) return false;
  }
  return true;
}

/// The space of a shape and strides of one array.
Space<1> spaceOf(std::span<const int64_t> shape, std::span<const int64_t> strides);
int64_t sizeOf(std::span<const int64_t> shape);

inline Binding reading(const Run& run, const Operand& operand) { return {run.slots[operand.slot], false}; }
inline Binding writing(const Run& run, const Operand& operand) { return {run.slots[operand.slot], true}; }
inline Binding reading(const Range& range) { return {range, false}; }
inline Binding writing(const Range& range) { return {range, true}; }

/// Threadgroups for one thread an element.
inline Size groupsFor(int64_t elements, uint32_t threads = kThreads) {
  return {static_cast<uint32_t>((elements + threads - 1) / threads), 1, 1};
}

/// Outcome of a step whose scratch memory the device does not have.
Outcome outOfScratch(size_t bytes);

/// "a, b, c"
std::string arguments(std::initializer_list<std::string_view> list);

inline std::string_view flag(bool value) { return value ? "true" : "false"; }

}  // namespace metalgrad::gpu
