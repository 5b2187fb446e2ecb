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
    if (auto error = prepareStep(steps[i], steps_.emplace_back(Entry{i, {}}).prepared); !error.empty()) {
      return {Status::invalidProgram, "invalid program: step " + std::to_string(i) + ": " + error};
    }
  }
  return {};
}

Outcome Executable::runSteps(const RunState& state, std::unique_ptr<Pending>&) const {
  if (Outcome outcome = state.order.inputsWritten(); !outcome.ok()) return outcome;
  auto addresses = slots(state, [](const memory::Block& block) { return block.data; });
  const auto place = [&](size_t slot, const memory::Block& block) { addresses[slot] = block.data; };
  const Run run{.slots = addresses, .args = state.args, .pool = ThreadPool::shared()};
  const StepAccess access(addresses, state.args);
  for (const auto& [index, prepared] : steps_) {
    if (state.isCancelled()) return cancelledRun();
    if (Outcome outcome = state.memory.before(index, place); !outcome.ok()) return outcome;
    access.before(program().steps[index]);
    runStep(prepared, run);
    access.after(program().steps[index]);
    state.memory.after(index);
  }
  return {};
}

}  // namespace metalgrad::cpu
