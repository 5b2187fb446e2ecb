// A decoded program: what lib/schedule plans and the devices run. docs/internals.md describes the encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "program/opcodes.h"

namespace metalgrad {

constexpr uint32_t kFormatVersion = 4;
/// The slot of a load that is no memory but the element's own position: Σ index · stride + offset, as int64.
constexpr uint32_t kIndexSlot = 0xffffffffu;
/// The slot of a load that is the element of the product that an epilogue is computed from.
constexpr uint32_t kProductSlot = 0xfffffffeu;
constexpr uint32_t kNoArg = 0xffffffffu;
constexpr uint32_t kNoValue = 0xffffffffu;
constexpr uint32_t kMaxRank = 32;

/// Where the elements of one array lie in a slot. Offsets and strides count elements; strides may be negative or 0.
struct Operand {
  uint32_t slot = 0;
  Dtype dtype = Dtype::float32;
  int64_t offset = 0;
  /// Index of an int64 argument that is added to `offset` at each run, or kNoArg.
  uint32_t offsetArg = kNoArg;
  /// One stride an axis of the step's iteration space (or of what the step says).
  std::vector<int64_t> strides;
};

/// Value number k of a kernel is load k, or instruction k - loads.size(). Values are assigned once.
struct Instruction {
  ElementwiseOp op;
  /// Dtype of the operands (of b and c for select, of the result for splat and arange).
  Dtype dtype;
  /// Dtype of the result.
  Dtype to;
  uint32_t a = kNoValue, b = kNoValue, c = kNoValue;
};

struct Store {
  uint32_t value;
  Operand operand;  // strides over the whole iteration space
};

struct Reduction {
  ReduceOp op;
  uint32_t value;
  /// argmax and argmin give uint32 positions in the reduced axes (row-major); the others keep the value's dtype.
  Operand operand;  // strides over the outer and inner axes, the reduced ones left out
};

/// A fused group. The iteration space is outer axes, then reduced axes, then inner axes; a group without reductions
/// has outer axes alone. Kept axes that are contiguous in most operands stand inside the reduced ones (inner).
struct KernelStep {
  std::vector<int64_t> shape;
  uint32_t outer = 0, reduced = 0, inner = 0;  // numbers of axes
  std::vector<Operand> loads;
  std::vector<Instruction> code;
  std::vector<Store> stores;
  std::vector<Reduction> reductions;
};

/// out[batch…, m, n] = Σ_k a[batch…, m, k] · b[batch…, k, n]
struct MatmulStep {
  Dtype dtype;
  std::vector<int64_t> batch;
  int64_t m, n, k;
  Operand a, b, out;  // strides: batch axes, then row, then column
  /// A group without reductions over [batch…, m, n] that takes the place of `out`: one of its loads is the product.
  std::optional<KernelStep> epilogue;
};

/// out[i…, s…] = source[position(i…) + s…]; positions are clamped so that the slice lies inside.
struct GatherStep {
  std::vector<int64_t> indexShape, sourceShape, sliceShape;
  std::vector<uint32_t> axes;    // source axis of each index operand
  Operand source;                // strides over sourceShape
  std::vector<Operand> indices;  // strides over indexShape
  Operand out;                   // strides over indexShape then sliceShape
};

/// target[position(i…) + s…] op= updates[i…, s…], in row-major order of (i…, s…). The target already holds the source.
struct ScatterStep {
  ScatterMode mode;
  std::vector<int64_t> indexShape, targetShape, sliceShape;
  std::vector<uint32_t> axes;
  Operand target;                // strides over targetShape
  Operand updates;               // strides over indexShape then sliceShape
  std::vector<Operand> indices;  // strides over indexShape
};

/// Threefry bits: for each key, `perKey` elements of the out dtype (uint8, uint16 or uint32), contiguous.
struct RandomBitsStep {
  std::vector<int64_t> keyShape;
  int64_t perKey;
  Operand keys;  // strides over keyShape then the pair
  Operand out;   // contiguous: keyShape then perKey; strides over (keyShape…, 1)
};

/// Sorts each row; NaN last, stable. `indices` writes uint32 positions instead of the values.
struct SortStep {
  bool indices;
  std::vector<int64_t> rows;
  int64_t length;
  Operand in, out;  // strides over rows then the sorted axis
};

/// The slot of a routine's output that nobody reads and that the routine need not give.
constexpr uint32_t kAbsentSlot = 0xffffffffu;

/// One whole array of a routine.
struct Array {
  std::vector<int64_t> shape;
  Operand operand;  // strides over shape

  bool absent() const { return operand.slot == kAbsentSlot; }
};

/// A computation that the device has a function for (a scan, a transform, a factorization …): what the integers, the
/// arguments and the arrays mean is the routine's own business. Outputs are contiguous; inputs may be empty.
struct RoutineStep {
  Routine routine;
  std::vector<int64_t> ints;
  std::vector<uint32_t> args;  // indices of arguments
  std::vector<Array> inputs, outputs;
};

using Step = std::variant<KernelStep, MatmulStep, GatherStep, ScatterStep, RandomBitsStep, SortStep, RoutineStep>;

/// The home of a temporary that lies in no output's memory.
constexpr uint32_t kArena = 0xffffffffu;

struct Temporary {
  /// The output in whose memory it lies, while that is not written yet, or kArena.
  uint32_t output = kArena;
  int64_t offset = 0, byteLength = 0;
};

/// Slots are numbered: inputs, then outputs, then temporaries.
struct Program {
  uint32_t inputs = 0;
  std::vector<int64_t> outputBytes;
  std::vector<Temporary> temporaries;
  int64_t arenaBytes = 0;
  uint32_t args = 0;
  std::vector<Step> steps;
  /// Of each step.
  std::vector<Device> devices;
};

}  // namespace metalgrad
