// The typing rules of instructions: number of operands, their dtypes, and the result's.
#include "program/instruction_types.h"

namespace metalgrad {
namespace {

using Op = ElementwiseOp;

constexpr bool between(Op op, Op first, Op last) { return op >= first && op <= last; }

/// How many of a, b and c are values.
int valueCount(Op op) {
  if (op == Op::splat) return 0;
  if (op == Op::select || op == Op::multiplyAdd) return 3;
  return op >= Op::add ? 2 : 1;
}

bool takes(Op op, Dtype dtype) {
  const bool complex = dtype == Dtype::complex64;
  if (between(op, Op::exp, Op::rsqrt) || op == Op::reciprocal || between(op, Op::sin, Op::sigmoid))
    return isInexact(dtype);
  if (between(op, Op::floor, Op::trunc)) return !complex;
  if (op == Op::invert || between(op, Op::and_, Op::xor_)) return !isInexact(dtype);
  if (op == Op::leftShift || op == Op::rightShift) return isInteger(dtype);
  if (between(op, Op::real, Op::conjugate)) return complex;
  if (op == Op::arctan2 || op == Op::logaddexp) return isInexact(dtype);
  return true;
}

Dtype resultOf(const Instruction& instruction) {
  if (instruction.op == Op::cast) return instruction.to;
  if (between(instruction.op, Op::equal, Op::greaterEqual)) return Dtype::bool_;
  const bool complex = instruction.dtype == Dtype::complex64;
  if (complex && (instruction.op == Op::abs || instruction.op == Op::real || instruction.op == Op::imag))
    return Dtype::float32;
  return instruction.dtype;
}

/// The dtype that value operand `i` must have.
Dtype operandOf(const Instruction& instruction, int i) {
  if (instruction.op == Op::select && i == 0) return Dtype::bool_;
  if (instruction.op == Op::arange) return Dtype::int64;
  return instruction.dtype;
}

std::string named(std::string_view name) { return std::string(name); }
std::string named(Dtype dtype) { return named(kDtypeNames[static_cast<size_t>(dtype)]); }

}  // namespace

std::string checkInstruction(const Instruction& instruction, const std::vector<Dtype>& dtypes, uint32_t args) {
  const std::string name = named(kElementwiseOpNames[static_cast<size_t>(instruction.op)]);
  const uint32_t operands[] = {instruction.a, instruction.b, instruction.c};
  const int values = valueCount(instruction.op);
  const int arguments = instruction.op == Op::splat ? 1 : instruction.op == Op::arange ? 2 : 0;
  for (int i = 0; i < 3; i++) {
    if (i < values) {
      if (operands[i] >= dtypes.size()) return name + ": operand " + std::to_string(i) + " is no earlier value";
      const Dtype wanted = operandOf(instruction, i), given = dtypes[operands[i]];
      if (given != wanted)
        return name + ": operand " + std::to_string(i) + " is " + named(given) + ", not " + named(wanted);
    } else if (i < values + arguments) {
      if (operands[i] >= args) return name + ": there is no such argument";
    } else if (operands[i] != kNoValue) {
      return name + ": too many operands";
    }
  }
  if (!takes(instruction.op, instruction.dtype)) return name + " does not take " + named(instruction.dtype);
  if (instruction.to != resultOf(instruction))
    return name + " of " + named(instruction.dtype) + " does not give " + named(instruction.to);
  return {};
}

}  // namespace metalgrad
