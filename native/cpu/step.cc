// Kernels are compiled to function pointers, products are cut into pieces, routines check themselves, the others run as
// they are.
#include "cpu/step.h"

#include <type_traits>
#include <utility>

#include "cpu/routines/registry.h"

namespace metalgrad::cpu {

std::byte* Run::at(const Operand& operand) const {
  int64_t offset = operand.offset;
  if (operand.offsetArg != kNoArg) offset += static_cast<int64_t>(args[operand.offsetArg]);
  return slots[operand.slot] + offset * static_cast<int64_t>(itemSize(operand.dtype));
}

namespace {

constexpr const char* kTooLarge = "too many operands or instructions";
constexpr const char* kNoOperation = "an operation does not exist for its dtype";

bool isTooLarge(const KernelStep& kernel) {
  return kernel.loads.size() + kernel.stores.size() + kernel.reductions.size() > kMaxOperands ||
         kernel.code.size() > kMaxInstructions;
}

}  // namespace

std::string prepareStep(const Step& step, PreparedStep& prepared) {
  if (const auto* routine = std::get_if<RoutineStep>(&step)) {
    if (auto error = check(*routine); !error.empty()) return error;
  }
  if (const auto* kernel = std::get_if<KernelStep>(&step)) {
    if (isTooLarge(*kernel)) return kTooLarge;
    auto compiled = prepare(*kernel);
    if (!compiled) return kNoOperation;
    prepared = std::move(compiled);
    return {};
  }
  if (const auto* matmul = std::get_if<MatmulStep>(&step)) {
    if (matmul->epilogue && isTooLarge(*matmul->epilogue)) return kTooLarge;
    auto ready = Matmul::prepare(*matmul);
    if (!ready) return kNoOperation;
    prepared = std::move(ready);
    return {};
  }
  std::visit(
      [&prepared]<typename T>(const T& other) {
        if constexpr (!std::is_same_v<T, KernelStep> && !std::is_same_v<T, MatmulStep>) prepared = &other;
      },
      step);
  return {};
}

}  // namespace metalgrad::cpu
