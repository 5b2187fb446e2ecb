// A program whose steps all run on the CPU.
#pragma once

#include <memory>
#include <vector>

#include "cpu/step.h"
#include "program/executable.h"

namespace metalgrad::cpu {

class Executable final : public metalgrad::Executable {
 public:
  /// Prepares every step; null with what is wrong in `outcome`.
  static std::shared_ptr<const Executable> load(ValidProgram&& valid, Outcome& outcome);

 private:
  explicit Executable(ValidProgram&& valid) : metalgrad::Executable(std::move(valid)) {}
  Outcome prepareSteps();
  Outcome runSteps(const RunState& state, std::unique_ptr<Pending>& pending) const override;

  struct Entry {
    size_t index;
    PreparedStep prepared;
  };

  std::vector<Entry> steps_;
};

}  // namespace metalgrad::cpu
