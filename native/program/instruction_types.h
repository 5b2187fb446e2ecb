// Which dtypes an instruction takes and gives.
#pragma once

#include <string>
#include <vector>

#include "program/program.h"

namespace metalgrad {

constexpr bool isInteger(Dtype dtype) { return dtype >= Dtype::uint8 && dtype <= Dtype::int64; }
constexpr bool isInexact(Dtype dtype) { return dtype >= Dtype::float16; }

/// Checks operands and dtypes of the instruction that follows the values of `dtypes`. Returns what is wrong, or an
/// empty text.
std::string checkInstruction(const Instruction& instruction, const std::vector<Dtype>& dtypes, uint32_t args);

}  // namespace metalgrad
