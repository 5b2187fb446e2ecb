// A step of any kind, made ready for the CPU.
#pragma once

#include <memory>
#include <variant>

#include "cpu/executor.h"
#include "cpu/kernel.h"
#include "cpu/matmul_prepared.h"
#include "program/status.h"

namespace metalgrad::cpu {

/// What the scheduler must not exceed in one kernel.
constexpr size_t kMaxOperands = 64;
constexpr size_t kMaxInstructions = 256;
/// Elementwise work is not started for each of many small products.
constexpr size_t kMinEpilogue = 4096;

/// Refers to the step that it was prepared from, unless that is a kernel or a product.
using PreparedStep = std::variant<std::unique_ptr<const Kernel>, std::unique_ptr<const Matmul>, const GatherStep*,
                                  const ScatterStep*, const RandomBitsStep*, const SortStep*, const RoutineStep*>;

/// Prepares a validated step that writes something. Returns what is wrong with it, or an empty text.
std::string prepareStep(const Step& step, PreparedStep& prepared);

inline void runStep(const PreparedStep& step, const Run& context) {
  std::visit([&context](const auto& prepared) { run(*prepared, context); }, step);
}

}  // namespace metalgrad::cpu
