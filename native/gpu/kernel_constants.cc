// Lays fields out as C does, which is how MSL does it too: every number at a multiple of its size.
#include "gpu/kernel_constants.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "cpu/half.h"

namespace metalgrad::gpu {
namespace {

constexpr size_t roundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// float32 with the last bit set if it is not exact: rounding it again to 16 bits rounds once.
float toOdd(double x) {
  const float nearest = static_cast<float>(x);
  if (std::isinf(nearest) || static_cast<double>(nearest) == x || std::isnan(x)) return nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  bits -= std::abs(static_cast<double>(nearest)) > std::abs(x) ? 1 : 0;
  return std::bit_cast<float>(bits | 1);
}

}  // namespace

size_t Constants::place(size_t bytes, size_t count) {
  const size_t offset = roundUp(end_, bytes);
  end_ = offset + bytes * count;
  alignment_ = std::max(alignment_, bytes);
  return offset;
}

size_t Constants::add(std::string_view type, std::string_view name, size_t bytes, size_t count) {
  fields_.append("  ").append(type).append(" ").append(name);
  if (count > 0) fields_.append("[" + std::to_string(count) + "]");
  fields_.append(";\n");
  return place(bytes, std::max<size_t>(count, 1));
}

size_t Constants::addTable(std::string_view type, std::string_view name, size_t bytes, size_t rows, size_t columns) {
  fields_.append("  ").append(type).append(" ").append(name);
  fields_.append("[" + std::to_string(rows) + "][" + std::to_string(columns) + "];\n");
  return place(bytes, rows * columns);
}

std::string Constants::text() const { return "struct Constants {\n" + fields_ + "};\n"; }

size_t Constants::bytes() const { return roundUp(end_, alignment_); }

void writeScalar(std::span<std::byte> constants, size_t offset, Dtype dtype, uint64_t argument) {
  const double number = std::bit_cast<double>(argument);
  uint64_t bits = argument;
  switch (dtype) {
    case Dtype::bool_:
      bits = (argument & 0xff) != 0;
      break;
    case Dtype::float16:
      bits = cpu::floatToHalf(toOdd(number));
      break;
    case Dtype::bfloat16:
      bits = cpu::floatToBfloat(toOdd(number));
      break;
    case Dtype::float32:
      bits = std::bit_cast<uint32_t>(static_cast<float>(number));
      break;
    default:
      break;
  }
  std::memcpy(constants.data() + offset, &bits, itemSize(dtype));
}

void writePrecise(std::span<std::byte> constants, size_t offset, Dtype dtype, uint64_t argument) {
  uint64_t bits = argument;
  if (dtype >= Dtype::float16 && dtype != Dtype::complex64) {
    const double number = std::bit_cast<double>(argument);
    const float high = static_cast<float>(number);
    const float low = std::isfinite(high) ? static_cast<float>(number - static_cast<double>(high)) : 0;
    bits = std::bit_cast<uint32_t>(high) | uint64_t{std::bit_cast<uint32_t>(low)} << 32;
  }
  std::memcpy(constants.data() + offset, &bits, sizeof(bits));
}

}  // namespace metalgrad::gpu
