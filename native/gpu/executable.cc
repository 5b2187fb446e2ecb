// GPU steps are recorded one after the other; a step of the CPU waits for those before it, and for the inputs.
#include "gpu/executable.h"

#include <utility>

#include "cpu/step_access.h"
#include "cpu/thread_pool.h"
#include "gpu/memory_source.h"
#include "gpu/submission.h"
#include "program/guarded.h"

namespace metalgrad::gpu {

namespace {

/// The commands that a run gave to the GPU.
class Recorded final : public Pending {
 public:
  Recorded(Runtime& runtime, memory::Allocator& allocator, std::string_view label)
      : submission_(runtime, allocator, label) {}

  Submission& submission() { return submission_; }
  Outcome wait() override { return submission_.wait(); }

 private:
  Submission submission_;
};

}  // namespace

std::shared_ptr<const Executable> Executable::load(ValidProgram&& valid, std::string label,
                                                   std::shared_ptr<Device> device, Outcome& outcome) {
  std::shared_ptr<Executable> executable;
  outcome = guarded([&]() -> Outcome {
    executable.reset(new Executable(std::move(valid), std::move(label), std::move(device)));
    return executable->prepareSteps();
  });
  if (!outcome.ok()) executable.reset();
  return executable;
}

Outcome Executable::named(size_t step, Outcome outcome) const {
  if (!outcome.ok()) outcome.message = label_ + ", step " + std::to_string(step) + ": " + outcome.message;
  return outcome;
}

Outcome Executable::prepareSteps() {
  const auto& steps = program().steps;
  steps_.reserve(steps.size());
  for (size_t i = 0; i < steps.size(); i++) {
    if (!writesNothing(steps[i])) steps_.push_back({.index = i, .prepared = {}});
  }
  // Compilers take long: all steps at once.
  std::vector<Outcome> outcomes(steps_.size());
  cpu::ThreadPool::shared().parallelFor(static_cast<int64_t>(steps_.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); i++) {
      outcomes[i] = guarded([&] { return prepareStep(steps_[i].index, steps_[i].prepared); });
    }
  });
  for (size_t i = 0; i < steps_.size(); i++) {
    if (!outcomes[i].ok()) return named(steps_[i].index, std::move(outcomes[i]));
  }
  return {};
}

Outcome Executable::prepareStep(size_t index, PreparedStep& prepared) const {
  const Step& step = program().steps[index];
  if (program().devices[index] == metalgrad::Device::gpu) {
    const auto* kernel = std::get_if<KernelStep>(&step);
    if (const auto* matmul = std::get_if<MatmulStep>(&step); matmul && matmul->epilogue) kernel = &*matmul->epilogue;
    if (kernel) {
      if (kernel->loads.size() + kernel->stores.size() + kernel->reductions.size() > device_->maxOperands() ||
          kernel->code.size() > Device::kMaxInstructions) {
        return {Status::invalidProgram, "invalid program: too many operands or instructions"};
      }
    }
    Outcome outcome;
    auto onGpu = std::visit([&](const auto& one) { return prepare(one, device_->pipelines(), outcome); }, step);
    if (!outcome.ok()) return outcome;
    if (onGpu) {
      prepared = std::move(onGpu);
      return {};
    }
  }
  cpu::PreparedStep onCpu;
  if (auto error = cpu::prepareStep(step, onCpu); !error.empty()) {
    return {Status::invalidProgram, "invalid program: " + error};
  }
  prepared = std::move(onCpu);
  return {};
}

Outcome Executable::runSteps(const RunState& state, std::unique_ptr<Pending>& pending) const {
  auto addresses = slots(state, [](const memory::Block& block) { return block.data; });
  auto ranges = slots(state, rangeOf);
  const auto place = [&](size_t slot, const memory::Block& block) {
    addresses[slot] = block.data;
    ranges[slot] = rangeOf(block);
  };
  auto recorded = std::make_unique<Recorded>(*device_->runtime(), state.allocator, label_);
  Submission& submission = recorded->submission();
  const Run onGpu{.slots = ranges, .args = state.args, .submission = submission};
  const cpu::Run onCpu{.slots = addresses, .args = state.args, .pool = cpu::ThreadPool::shared()};
  const cpu::StepAccess access(addresses, state.args);
  bool written = false;
  for (const auto& [index, prepared] : steps_) {
    if (state.isCancelled()) return cancelledRun();
    // Nothing is freed before the end: commands that use it may still be in flight.
    if (Outcome outcome = state.memory.before(index, place); !outcome.ok()) return outcome;
    if (const auto* kernel = std::get_if<Prepared>(&prepared)) {
      if (Outcome outcome = (*kernel)->encode(onGpu); !outcome.ok()) return named(index, std::move(outcome));
    } else {
      if (!std::exchange(written, true)) {
        if (Outcome outcome = state.order.inputsWritten(); !outcome.ok()) return outcome;
      }
      if (Outcome outcome = submission.wait(); !outcome.ok()) return outcome;
      access.before(program().steps[index]);
      cpu::runStep(std::get<cpu::PreparedStep>(prepared), onCpu);
      access.after(program().steps[index]);
    }
  }
  submission.commit();
  pending = std::move(recorded);
  return {};
}

}  // namespace metalgrad::gpu
