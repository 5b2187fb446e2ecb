// Loading and running of programs on the CPU.
#include "cpu/executable.h"

#include "cpu/step_access.h"
#include "cpu/thread_pool.h"
#include "program/guarded.h"

namespace metalgrad::cpu {

std::shared_ptr<const Executable> Executable::load(ValidProgram&& valid, Outcome& outcome) {
  std::shared_ptr<Executable> executable;
  outcome = guarded([&]() -> Outcome {
    executable.reset(new Executable(std::move(valid)));
    return executable->prepareSteps();
  });
  if (!outcome.ok()) executable.reset();
  return executable;
}

Outcome Executable::prepareSteps() {
  const auto& steps = program().steps;
  steps_.reserve(steps.size());
  for (size_t i = 0; i < steps.size(); i++) {
    if (writesNothing(steps[i])) continue;
    if (auto error = prepareStep(steps[i], steps_.emplace_back(Entry{&steps[i], {}}).prepared); !error.empty()) {
      return {Status::invalidProgram, "invalid program: step " + std::to_string(i) + ": " + error};
    }
  }
  return {};
}

Outcome Executable::runSteps(const RunState& state) const {
  const auto memory = slots(state, [](const memory::Block& block) { return block.data; });
  const Run run{.slots = memory, .args = state.args, .pool = ThreadPool::shared()};
  const StepAccess access(memory, state.args);
  for (const auto& [step, prepared] : steps_) {
    if (state.isCancelled()) return cancelledRun();
    access.before(*step);
    runStep(prepared, run);
    access.after(*step);
  }
  return {};
}

}  // namespace metalgrad::cpu
