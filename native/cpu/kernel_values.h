// A kernel step in terms of tile functions: 16-bit floats widened and rounded explicitly, dead values dropped.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/ops/tile.h"
#include "program/program.h"

namespace metalgrad::cpu {

/// How often a value is computed.
enum class Level : uint8_t { uniform, block, full };

/// A value of a kernel, defined after its operands.
struct Value {
  enum class Kind : uint8_t {
    argument,  // 8 bytes of the run's arguments
    load,      // memory
    position,  // an index load
    // Calls of tile functions:
    elementwise,
    cast,
    castToOdd,
    round,
    widen,
    narrow,
    fill,
  };
  Kind kind;
  ElementwiseOp op = ElementwiseOp::splat;  // of elementwise
  /// The dtype the function is chosen by: of the operands (of the result for arange).
  Dtype dtype = Dtype::float32;
  /// What the value's elements are. float16 and bfloat16 only as memory has them.
  Dtype type = Dtype::float32;
  uint32_t operands = 0;
  uint32_t in[3] = {};
  /// Of the argument, or of the step's load.
  uint32_t index = 0;

  bool live = false;
  Level level = Level::full;

  bool isCall() const { return kind >= Kind::elementwise; }
  /// The function for these single operands, or null.
  TileFn function(unsigned scalars) const;
};

struct Values {
  std::vector<Value> list;
  /// Values that the step's stores and reductions take. Reductions see 16-bit floats as float32.
  std::vector<uint32_t> stored, reduced;
  /// Every operation exists for its dtype.
  bool supported = true;
};

Values lowerValues(const KernelStep& step);

}  // namespace metalgrad::cpu
