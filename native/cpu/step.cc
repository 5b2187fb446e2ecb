// Kernels are compiled to function pointers, routines check themselves, the others run as they are.
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

std::string prepareStep(const Step& step, PreparedStep& prepared) {
  if (const auto* routine = std::get_if<RoutineStep>(&step)) {
    if (auto error = check(*routine); !error.empty()) return error;
  }
  if (const auto* kernel = std::get_if<KernelStep>(&step)) {
    if (kernel->loads.size() + kernel->stores.size() + kernel->reductions.size() > kMaxOperands ||
        kernel->code.size() > kMaxInstructions) {
      return "too many operands or instructions";
    }
    auto compiled = prepare(*kernel);
    if (!compiled) return "an operation does not exist for its dtype";
    prepared = std::move(compiled);
    return {};
  }
  std::visit(
      [&prepared]<typename T>(const T& other) {
        if constexpr (!std::is_same_v<T, KernelStep>) prepared = &other;
      },
      step);
  return {};
}

}  // namespace metalgrad::cpu
