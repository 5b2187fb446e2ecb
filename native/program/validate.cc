// Walks a decoded program step by step, with the extents of every operand in overflow-checked arithmetic.
#include "program/validate.h"

#include <algorithm>
#include <cstdlib>

#include "program/instruction_types.h"

namespace metalgrad {
namespace {

using Sizes = std::vector<int64_t>;

/// Above every size that can exist, and far enough below 2^63 that sums of a few stay exact.
constexpr int64_t kHuge = int64_t{1} << 58;

/// Thrown inside this file only.
struct Invalid {
  std::string text;
};

void require(bool holds, const char* text) {
  if (!holds) throw Invalid{text};
}

int64_t multiply(int64_t a, int64_t b) {
  int64_t product;
  require(!__builtin_mul_overflow(a, b, &product) && product <= kHuge && product >= -kHuge, "a size overflows");
  return product;
}

int64_t add(int64_t a, int64_t b) {
  int64_t sum;
  require(!__builtin_add_overflow(a, b, &sum) && sum <= kHuge && sum >= -kHuge, "a size overflows");
  return sum;
}

bool isEmpty(const Sizes& sizes) { return std::ranges::find(sizes, 0) != sizes.end(); }

/// Sizes are not negative and, unless one is 0, their product exists.
int64_t elements(const Sizes& sizes) {
  for (const int64_t size : sizes) require(size >= 0, "a size is negative");
  if (isEmpty(sizes)) return 0;
  int64_t count = 1;
  for (const int64_t size : sizes) count = multiply(count, size);
  return count;
}

Sizes joined(const Sizes& a, const Sizes& b) {
  Sizes sizes = a;
  sizes.insert(sizes.end(), b.begin(), b.end());
  return sizes;
}

/// The sizes of a kernel's outer and inner axes.
Sizes kept(const KernelStep& step) {
  Sizes sizes(step.shape.begin(), step.shape.begin() + step.outer);
  sizes.insert(sizes.end(), step.shape.begin() + step.outer + step.reduced, step.shape.end());
  return sizes;
}

class Validator {
 public:
  Validator(const Program& program, Requirements& requirements)
      : program_(program),
        requirements_(requirements),
        outputs_(program.outputBytes.size()),
        written_(outputs_ + program.temporaries.size(), false) {}

  void memory() {
    require(program_.arenaBytes >= 0 && program_.arenaBytes <= kHuge, "the arena's size is absurd");
    for (const int64_t bytes : program_.outputBytes)
      require(bytes >= 0 && bytes <= kHuge, "an output's size is absurd");
    for (const auto& [output, offset, bytes] : program_.temporaries) {
      require(offset >= 0 && offset % 64 == 0 && bytes >= 0, "a temporary does not begin at a multiple of 64 bytes");
      require(output == kArena || output < outputs_, "a temporary lies in an output that does not exist");
      const int64_t room = output == kArena ? program_.arenaBytes : program_.outputBytes[output];
      require(add(offset, bytes) <= room, output == kArena ? "a temporary is not inside the arena"
                                                           : "a temporary is not inside the output where it lies");
    }
    requirements_.inputBytes.assign(program_.inputs, 0);
  }

  void step(const Step& step) {
    writes_.clear();
    std::visit([this](const auto& one) { check(one); }, step);
    for (const uint32_t slot : writes_) written_[slot - program_.inputs] = true;
  }

  void finish() const {
    for (size_t i = 0; i < outputs_; i++)
      require(written_[i] || program_.outputBytes[i] == 0, "an output is never written");
  }

 private:
  int64_t slotBytes(uint32_t slot) const {
    const size_t index = slot - program_.inputs;
    return index < outputs_ ? program_.outputBytes[index] : program_.temporaries[index - outputs_].byteLength;
  }

  void checkOffsetArg(const Operand& operand) const {
    require(operand.offsetArg == kNoArg || operand.offsetArg < program_.args, "an offset names no argument");
  }

  /// The lowest and the highest element of an operand that is not empty.
  static std::pair<int64_t, int64_t> extent(const Operand& operand, const Sizes& shape) {
    int64_t low = operand.offset, high = operand.offset;
    for (size_t axis = 0; axis < shape.size(); axis++) {
      // Neighbouring axes may be merged: the whole axis must have a length, too.
      multiply(shape[axis], operand.strides[axis]);
      const int64_t reach = multiply(shape[axis] - 1, operand.strides[axis]);
      (reach < 0 ? low : high) = add(reach < 0 ? low : high, reach);
    }
    add(low, 0);
    add(high, 0);
    return {low, high};
  }

  void inside(const Operand& operand, const Sizes& shape) {
    checkOffsetArg(operand);
    if (isEmpty(shape)) return;
    const auto [low, high] = extent(operand, shape);
    const int64_t item = static_cast<int64_t>(itemSize(operand.dtype));
    if (operand.offsetArg != kNoArg) {
      requirements_.shifted.push_back(
          {.slot = operand.slot, .arg = operand.offsetArg, .low = low, .high = high, .itemSize = item});
      return;
    }
    require(low >= 0, "an operand begins before its slot");
    const int64_t bytes = multiply(add(high, 1), item);
    if (operand.slot < program_.inputs) {
      auto& needed = requirements_.inputBytes[operand.slot];
      needed = std::max(needed, bytes);
    } else {
      require(bytes <= slotBytes(operand.slot), "an operand ends after its slot");
    }
  }

  void read(const Operand& operand, const Sizes& shape) {
    require(operand.slot < program_.inputs + written_.size(), "an operand names no slot");
    const bool known = operand.slot < program_.inputs || written_[operand.slot - program_.inputs] || isEmpty(shape);
    require(known, "a slot is read before it is written");
    inside(operand, shape);
  }

  /// Elements must be distinct, so that threads may write them in any order. Sufficient and, for parts of arrays,
  /// necessary: each axis steps over all that the axes with smaller strides reach.
  void write(const Operand& operand, const Sizes& shape) {
    require(operand.slot >= program_.inputs, "an input is written");
    require(operand.slot < program_.inputs + written_.size(), "an operand names no slot");
    inside(operand, shape);
    if (isEmpty(shape)) return;
    writes_.push_back(operand.slot);
    std::vector<std::pair<int64_t, int64_t>> axes;  // stride, size
    for (size_t axis = 0; axis < shape.size(); axis++) {
      if (shape[axis] > 1) axes.emplace_back(std::abs(operand.strides[axis]), shape[axis]);
    }
    std::ranges::sort(axes);
    int64_t reach = 0;
    for (const auto& [stride, size] : axes) {
      require(stride > reach, "an element is written twice");
      reach = add(reach, multiply(stride, size - 1));
    }
  }

  void checkLoad(const Operand& load, const Sizes& shape, std::vector<Dtype>& dtypes) {
    if (load.slot == kIndexSlot) {
      require(load.dtype == Dtype::int64, "a position is int64");
      checkOffsetArg(load);
      if (!isEmpty(shape)) extent(load, shape);
    } else {
      read(load, shape);
    }
    dtypes.push_back(load.dtype);
  }

  /// Instructions and stores; `dtypes` has those of the loads.
  void checkCode(const KernelStep& step, std::vector<Dtype>& dtypes) {
    for (const auto& instruction : step.code) {
      if (auto error = checkInstruction(instruction, dtypes, program_.args); !error.empty())
        throw Invalid{std::move(error)};
      dtypes.push_back(instruction.to);
    }
    for (const auto& [value, operand] : step.stores) {
      require(value < dtypes.size(), "a store names no value");
      require(operand.dtype == dtypes[value], "a store has another dtype than its value");
      write(operand, step.shape);
    }
  }

  void check(const KernelStep& step) {
    require(step.shape.size() <= kMaxRank, "too many axes");
    const Sizes& shape = step.shape;
    const Sizes keptShape = kept(step);
    elements(shape);
    elements(keptShape);
    require(!step.reductions.empty() || (step.reduced == 0 && step.inner == 0),
            "a kernel without reductions has outer axes alone");
    require(!step.stores.empty() || !step.reductions.empty(), "a kernel writes nothing");
    std::vector<Dtype> dtypes;
    for (const auto& load : step.loads) checkLoad(load, shape, dtypes);
    checkCode(step, dtypes);
    const Sizes reducedShape(shape.begin() + step.outer, shape.begin() + step.outer + step.reduced);
    for (const auto& [op, value, operand] : step.reductions) {
      require(value < dtypes.size(), "a reduction names no value");
      const bool position = op == ReduceOp::argmax || op == ReduceOp::argmin;
      require(operand.dtype == (position ? Dtype::uint32 : dtypes[value]),
              "a reduction has another dtype than its value");
      if (position) require(elements(reducedShape) <= int64_t{1} << 32, "a position does not fit uint32");
      write(operand, keptShape);
    }
  }

  void check(const MatmulStep& step) {
    require(step.batch.size() + 2 <= kMaxRank, "too many axes");
    const auto shape = [&](int64_t rows, int64_t columns) { return joined(step.batch, {rows, columns}); };
    elements(joined(step.batch, {step.m, step.n, step.k}));
    elements(shape(step.m, step.n));
    for (const Operand* operand : {&step.a, &step.b}) {
      require(operand->dtype == step.dtype, "the operands of a product have one dtype");
    }
    read(step.a, shape(step.m, step.k));
    read(step.b, shape(step.k, step.n));
    if (step.epilogue) return checkEpilogue(*step.epilogue, step.dtype);
    require(step.out.dtype == step.dtype, "the operands of a product have one dtype");
    write(step.out, shape(step.m, step.n));
  }

  void checkEpilogue(const KernelStep& epilogue, Dtype dtype) {
    std::vector<Dtype> dtypes;
    size_t products = 0;
    for (const auto& load : epilogue.loads) {
      if (load.slot != kProductSlot) {
        checkLoad(load, epilogue.shape, dtypes);
        continue;
      }
      require(load.dtype == dtype, "an epilogue reads its product in another dtype");
      products++;
      dtypes.push_back(dtype);
    }
    require(products == 1, "an epilogue reads its product once");
    checkCode(epilogue, dtypes);
  }

  void checkIndexing(const Sizes& whole, const Sizes& slice, const std::vector<uint32_t>& axes,
                     const std::vector<Operand>& indices, const Sizes& indexShape) {
    elements(whole);
    elements(joined(indexShape, slice));
    for (size_t axis = 0; axis < whole.size(); axis++)
      require(slice[axis] <= whole[axis], "a slice is larger than its source");
    std::vector<bool> seen(whole.size(), false);
    for (const uint32_t axis : axes) {
      require(axis < whole.size(), "an index has no axis");
      require(!seen[axis], "an axis has two indices");
      seen[axis] = true;
    }
    for (const auto& index : indices) {
      require(isInteger(index.dtype), "an index is an integer");
      read(index, indexShape);
    }
  }

  void check(const GatherStep& step) {
    checkIndexing(step.sourceShape, step.sliceShape, step.axes, step.indices, step.indexShape);
    require(step.source.dtype == step.out.dtype, "a gather keeps the dtype");
    read(step.source, step.sourceShape);
    write(step.out, joined(step.indexShape, step.sliceShape));
  }

  void check(const ScatterStep& step) {
    checkIndexing(step.targetShape, step.sliceShape, step.axes, step.indices, step.indexShape);
    require(step.updates.dtype == step.target.dtype, "a scatter keeps the dtype");
    read(step.updates, joined(step.indexShape, step.sliceShape));
    read(step.target, step.targetShape);
    write(step.target, step.targetShape);
  }

  void check(const RandomBitsStep& step) {
    require(step.keyShape.size() < kMaxRank, "too many axes");
    const Sizes outShape = joined(step.keyShape, {step.perKey});
    elements(outShape);
    elements(step.keyShape);
    require(step.keys.dtype == Dtype::uint32, "keys are uint32");
    require(step.out.dtype >= Dtype::uint8 && step.out.dtype <= Dtype::uint32,
            "random bits are uint8, uint16 or uint32");
    read(step.keys, joined(step.keyShape, {2}));
    write(step.out, outShape);
    if (isEmpty(outShape)) return;
    int64_t stride = 1;
    for (size_t axis = outShape.size(); axis-- > 0; stride *= outShape[axis]) {
      require(outShape[axis] == 1 || step.out.strides[axis] == stride, "random bits are written contiguously");
    }
  }

  void check(const SortStep& step) {
    require(step.rows.size() < kMaxRank, "too many axes");
    const Sizes shape = joined(step.rows, {step.length});
    elements(shape);
    require(step.out.dtype == (step.indices ? Dtype::uint32 : step.in.dtype),
            "a sort gives its input's dtype, or uint32 indices");
    if (step.indices) require(step.length <= int64_t{1} << 32, "an index does not fit uint32");
    read(step.in, shape);
    write(step.out, shape);
  }

  void check(const RoutineStep& step) {
    for (const uint32_t arg : step.args) require(arg < program_.args, "a routine names no argument");
    for (const auto& [shape, operand] : step.inputs) {
      elements(shape);
      read(operand, shape);
    }
    for (const auto& output : step.outputs) {
      elements(output.shape);
      if (output.absent()) continue;
      write(output.operand, output.shape);
      if (isEmpty(output.shape)) continue;
      int64_t stride = 1;
      for (size_t axis = output.shape.size(); axis-- > 0; stride *= output.shape[axis]) {
        require(output.shape[axis] == 1 || output.operand.strides[axis] == stride, "a routine writes contiguously");
      }
    }
  }

  const Program& program_;
  Requirements& requirements_;
  const size_t outputs_;
  std::vector<bool> written_;     // outputs, then temporaries
  std::vector<uint32_t> writes_;  // of the current step
};

}  // namespace

std::string validate(const Program& program, Requirements& requirements) {
  std::string place;
  try {
    Validator validator(program, requirements);
    validator.memory();
    for (size_t i = 0; i < program.steps.size(); i++) {
      place = "step " + std::to_string(i) + ": ";
      validator.step(program.steps[i]);
    }
    place.clear();
    validator.finish();
  } catch (const Invalid& invalid) {
    return place + invalid.text;
  }
  return {};
}

std::string validateRun(const Requirements& requirements, std::span<const int64_t> slotBytes,
                        std::span<const uint64_t> args) {
  for (size_t i = 0; i < requirements.inputBytes.size(); i++) {
    if (slotBytes[i] < requirements.inputBytes[i]) {
      return "input " + std::to_string(i) + " has " + std::to_string(slotBytes[i]) + " bytes, " +
             std::to_string(requirements.inputBytes[i]) + " are read";
    }
  }
  for (const auto& [slot, arg, low, high, item] : requirements.shifted) {
    const auto shift = static_cast<int64_t>(args[arg]);
    const bool sane = shift <= kHuge && shift >= -kHuge;
    if (!sane || low + shift < 0 || high + shift >= slotBytes[slot] / item) {
      return "argument " + std::to_string(arg) + " moves an operand out of slot " + std::to_string(slot);
    }
  }
  return {};
}

bool writesNothing(const Step& step) {
  struct Visitor {
    bool operator()(const KernelStep& step) const {
      return (step.reductions.empty() || isEmpty(kept(step))) && (step.stores.empty() || isEmpty(step.shape));
    }
    bool operator()(const MatmulStep& step) const { return isEmpty(step.batch) || step.m == 0 || step.n == 0; }
    bool operator()(const GatherStep& step) const { return isEmpty(step.indexShape) || isEmpty(step.sliceShape); }
    bool operator()(const ScatterStep& step) const { return isEmpty(step.indexShape) || isEmpty(step.sliceShape); }
    bool operator()(const RandomBitsStep& step) const { return isEmpty(step.keyShape) || step.perKey == 0; }
    bool operator()(const SortStep& step) const { return isEmpty(step.rows) || step.length == 0; }
    bool operator()(const RoutineStep& step) const {
      return std::ranges::all_of(step.outputs,
                                 [](const Array& output) { return output.absent() || isEmpty(output.shape); });
    }
  };
  return std::visit(Visitor{}, step);
}

}  // namespace metalgrad
