// A program whose steps run on the GPU, and on the CPU where it says so or the GPU has no kernel, on the same memory.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cpu/step.h"
#include "gpu/device.h"
#include "gpu/steps.h"
#include "program/executable.h"

namespace metalgrad::gpu {

class Executable final : public metalgrad::Executable {
 public:
  /// Prepares every step; null with what is wrong in `outcome`. `label` names the program in errors.
  static std::shared_ptr<const Executable> load(ValidProgram&& valid, std::string label, std::shared_ptr<Device> device,
                                                Outcome& outcome);

 private:
  using PreparedStep = std::variant<cpu::PreparedStep, Prepared>;

  Executable(ValidProgram&& valid, std::string label, std::shared_ptr<Device> device)
      : metalgrad::Executable(std::move(valid)), label_(std::move(label)), device_(std::move(device)) {}
  Outcome prepareSteps();
  Outcome prepareStep(size_t index, PreparedStep& prepared) const;
  Outcome runSteps(const RunState& state, std::unique_ptr<Pending>& pending) const override;
  Outcome named(size_t step, Outcome outcome) const;

  struct Entry {
    size_t index;
    PreparedStep prepared;
  };

  const std::string label_;
  const std::shared_ptr<Device> device_;
  std::vector<Entry> steps_;
};

}  // namespace metalgrad::gpu
