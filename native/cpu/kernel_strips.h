// Blocks for transposed operands: the innermost axis is cut into strips, so that blocks are squares in which every
// operand uses whole cache lines.
#pragma once

#include <optional>

#include "program/program.h"

namespace metalgrad::cpu {

/// A step cut in two: whole strips, and what is left of the innermost axis (without elements if nothing is).
struct Strips {
  KernelStep whole, rest;
  bool hasRest = false;
};

/// Nothing where strips do not pay.
std::optional<Strips> cutStrips(const KernelStep& step);

}  // namespace metalgrad::cpu
