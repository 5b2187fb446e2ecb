// The table of routines.
#include "cpu/routines/registry.h"

#include <array>

namespace metalgrad::cpu {
namespace {

using Table = std::array<RoutineFunctions, kRoutineNames.size()>;

Table& table() {
  // Inside a function, because registrations are globals of other files.
  static Table functions{};
  return functions;
}

const RoutineFunctions& functionsOf(const RoutineStep& step) { return table()[static_cast<size_t>(step.routine)]; }

}  // namespace

RoutineRegistration::RoutineRegistration(Routine routine, RoutineFunctions functions) {
  table()[static_cast<size_t>(routine)] = functions;
}

bool isContiguous(const Array& array) {
  int64_t stride = 1;
  for (size_t axis = array.shape.size(); axis-- > 0; stride *= array.shape[axis]) {
    if (array.shape[axis] == 0) return true;
    if (array.shape[axis] != 1 && array.operand.strides[axis] != stride) return false;
  }
  return true;
}

std::string check(const RoutineStep& step) {
  const std::string name(kRoutineNames[static_cast<size_t>(step.routine)]);
  const RoutineFunctions& functions = functionsOf(step);
  if (!functions.run) return "the device has no routine " + name;
  for (size_t i = 0; i < step.outputs.size(); i++) {
    const bool optional = i < 32 && (functions.optionalOutputs >> i & 1) != 0;
    if (step.outputs[i].absent() && !optional) return name + ": output " + std::to_string(i) + " is missing";
  }
  std::string error = functions.check(step);
  return error.empty() ? error : name + ": " + error;
}

void run(const RoutineStep& step, const Run& run) { functionsOf(step).run(step, run); }

}  // namespace metalgrad::cpu
