// Lowers the instructions of a kernel step to values with tile functions.
#include "cpu/kernel_values.h"

namespace metalgrad::cpu {
namespace {

constexpr uint32_t kNone = 0xffffffffu;

bool isHalf(Dtype dtype) { return dtype == Dtype::float16 || dtype == Dtype::bfloat16; }
Dtype computed(Dtype dtype) { return isHalf(dtype) ? Dtype::float32 : dtype; }

/// Operations whose result is one of the 16-bit floats they are given, or another of that format.
bool exactOnHalves(ElementwiseOp op) {
  switch (op) {
    case ElementwiseOp::negative:
    case ElementwiseOp::abs:
    case ElementwiseOp::sign:
    case ElementwiseOp::floor:
    case ElementwiseOp::ceil:
    case ElementwiseOp::round:
    case ElementwiseOp::trunc:
    case ElementwiseOp::maximum:
    case ElementwiseOp::minimum:
    case ElementwiseOp::select:
      return true;
    default:
      return false;
  }
}

class Lowering {
 public:
  explicit Lowering(const KernelStep& step) : step_(step) {
    const size_t count = step.loads.size() + step.code.size();
    memory_.assign(count, kNone);
    tile_.assign(count, kNone);
    dtypes_.reserve(count);
    values_.list.reserve(2 * count + 8);
  }

  Values run() {
    for (uint32_t i = 0; i < step_.loads.size(); i++) addLoad(i);
    for (const Instruction& instruction : step_.code) addInstruction(instruction);
    for (const Store& store : step_.stores) values_.stored.push_back(memoryForm(store.value));
    for (const Reduction& reduction : step_.reductions) values_.reduced.push_back(tileForm(reduction.value));
    if (values_.supported) markLive();
    return std::move(values_);
  }

 private:
  uint32_t add(Value value) {
    if (value.isCall() && !value.function(0)) values_.supported = false;
    values_.list.push_back(value);
    return static_cast<uint32_t>(values_.list.size() - 1);
  }

  uint32_t addUnary(Value::Kind kind, Dtype dtype, Dtype type, uint32_t in) {
    return add({.kind = kind, .dtype = dtype, .type = type, .operands = 1, .in = {in}});
  }

  uint32_t argument(uint32_t index, Dtype type) {
    return add({.kind = Value::Kind::argument, .dtype = type, .type = type, .index = index});
  }

  void addLoad(uint32_t i) {
    const Operand& operand = step_.loads[i];
    const bool position = operand.slot == kIndexSlot;
    const Dtype dtype = position ? Dtype::int64 : operand.dtype;
    dtypes_.push_back(dtype);
    memory_[i] =
        add({.kind = position ? Value::Kind::position : Value::Kind::load, .dtype = dtype, .type = dtype, .index = i});
    if (!isHalf(dtype)) tile_[i] = memory_[i];
  }

  /// The step's value as instructions compute with it.
  uint32_t tileForm(uint32_t value) {
    if (tile_[value] == kNone) {
      tile_[value] = addUnary(Value::Kind::widen, dtypes_[value], Dtype::float32, memory_[value]);
    }
    return tile_[value];
  }

  /// The step's value as memory holds it.
  uint32_t memoryForm(uint32_t value) {
    if (memory_[value] == kNone) {
      memory_[value] = isHalf(dtypes_[value])
                           ? addUnary(Value::Kind::narrow, dtypes_[value], dtypes_[value], tile_[value])
                           : tile_[value];
    }
    return memory_[value];
  }

  uint32_t rounded(uint32_t value, Dtype to) {
    return isHalf(to) ? addUnary(Value::Kind::round, to, Dtype::float32, value) : value;
  }

  void define(uint32_t value, Dtype dtype) {
    tile_[dtypes_.size()] = value;
    dtypes_.push_back(dtype);
  }

  void addInstruction(const Instruction& instruction) {
    switch (instruction.op) {
      case ElementwiseOp::splat:
        return define(splat(instruction), instruction.dtype);
      case ElementwiseOp::arange:
        return define(arange(instruction), instruction.dtype);
      case ElementwiseOp::cast:
        return define(cast(instruction), instruction.to);
      default:
        break;
    }
    Value value{.kind = Value::Kind::elementwise,
                .op = instruction.op,
                .dtype = computed(instruction.dtype),
                .type = computed(instruction.to)};
    for (const uint32_t operand : {instruction.a, instruction.b, instruction.c}) {
      if (operand != kNoValue) value.in[value.operands++] = tileForm(operand);
    }
    const uint32_t result = add(value);
    define(exactOnHalves(instruction.op) ? result : rounded(result, instruction.to), instruction.to);
  }

  uint32_t splat(const Instruction& instruction) {
    // Integers lie at the low end of their 8 bytes; floats are doubles there.
    if (instruction.dtype == Dtype::float32) {
      return addUnary(Value::Kind::cast, Dtype::float64, Dtype::float32, argument(instruction.a, Dtype::float64));
    }
    if (isHalf(instruction.dtype)) {
      const uint32_t number = argument(instruction.a, Dtype::float64);
      return rounded(addUnary(Value::Kind::castToOdd, Dtype::float64, Dtype::float32, number), instruction.dtype);
    }
    return argument(instruction.a, instruction.dtype);
  }

  uint32_t arange(const Instruction& instruction) {
    const bool half = isHalf(instruction.dtype);
    const Dtype dtype = half ? Dtype::float64 : instruction.dtype;
    const uint32_t position = tileForm(instruction.a);
    const uint32_t start = argument(instruction.b, dtype), increment = argument(instruction.c, dtype);
    const uint32_t numbers = add({.kind = Value::Kind::elementwise,
                                  .op = ElementwiseOp::arange,
                                  .dtype = dtype,
                                  .type = dtype,
                                  .operands = 3,
                                  .in = {position, start, increment}});
    if (!half) return numbers;
    return rounded(addUnary(Value::Kind::castToOdd, dtype, Dtype::float32, numbers), instruction.dtype);
  }

  uint32_t cast(const Instruction& instruction) {
    const Dtype from = instruction.dtype, to = instruction.to;
    const uint32_t value = tileForm(instruction.a);
    if (from == to) return value;
    if (isHalf(to)) {
      if (from == Dtype::float32 || isHalf(from)) return rounded(value, to);
      return rounded(addUnary(Value::Kind::castToOdd, from, Dtype::float32, value), to);
    }
    if (computed(from) == to) return value;
    return addUnary(Value::Kind::cast, computed(from), to, value);
  }

  void markLive() {
    for (const uint32_t value : values_.stored) values_.list[value].live = true;
    for (const uint32_t value : values_.reduced) values_.list[value].live = true;
    for (size_t i = values_.list.size(); i-- > 0;) {
      const Value& value = values_.list[i];
      if (!value.live) continue;
      for (uint32_t j = 0; j < value.operands; j++) values_.list[value.in[j]].live = true;
    }
  }

  const KernelStep& step_;
  Values values_;
  /// For each value of the step, its two forms, and its dtype.
  std::vector<uint32_t> memory_, tile_;
  std::vector<Dtype> dtypes_;
};

}  // namespace

TileFn Value::function(unsigned scalars) const {
  switch (kind) {
    case Kind::elementwise:
      return elementwise(op, dtype, op == ElementwiseOp::arange ? 0 : scalars);
    case Kind::cast:
      return scalars ? nullptr : castTile(dtype, type);
    case Kind::castToOdd:
      return scalars ? nullptr : cpu::castToOdd(dtype);
    case Kind::round:
      return scalars ? nullptr : roundTo(dtype);
    case Kind::widen:
      return scalars ? nullptr : widenHalf(dtype);
    case Kind::narrow:
      return scalars ? nullptr : narrowHalf(dtype);
    case Kind::fill:
      return fillTile(itemSize(type));
    default:
      return nullptr;
  }
}

Values lowerValues(const KernelStep& step) { return Lowering(step).run(); }

}  // namespace metalgrad::cpu
