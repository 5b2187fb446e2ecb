// How the CPU device runs one step of a program.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "program/program.h"

namespace metalgrad::cpu {

class ThreadPool;

/// What one run of a program gives its steps. Every operand was checked to lie inside its slot before the first step.
struct Run {
  /// Base address of each slot.
  std::span<std::byte* const> slots;
  /// 8-byte arguments: double for floating dtypes, int64 for integers and bool, two floats for complex64.
  std::span<const uint64_t> args;
  ThreadPool& pool;

  /// The address of an operand's first element.
  std::byte* at(const Operand& operand) const;
};

/// A kernel made ready once, when its program is loaded: function pointers chosen, registers assigned.
class Kernel;
/// The same of a matrix product.
class Matmul;

void run(const Kernel& kernel, const Run& run);
void run(const Matmul& matmul, const Run& run);
void run(const GatherStep& step, const Run& run);
void run(const ScatterStep& step, const Run& run);
void run(const RandomBitsStep& step, const Run& run);
void run(const SortStep& step, const Run& run);
void run(const RoutineStep& step, const Run& run);

}  // namespace metalgrad::cpu
