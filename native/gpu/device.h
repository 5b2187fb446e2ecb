// A GPU with its compiled shaders: one for the process, shared by all instances of the library.
#pragma once

#include <memory>

#include "gpu/pipelines.h"
#include "gpu/runtime.h"

namespace metalgrad::gpu {

class Device {
 public:
  /// The process's GPU; null when the machine has none. It is closed when nobody uses it.
  static std::shared_ptr<Device> shared();

  explicit Device(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)), pipelines_(*runtime_) {}

  const std::shared_ptr<Runtime>& runtime() const { return runtime_; }
  Pipelines& pipelines() { return pipelines_; }

  /// What the scheduler must not exceed in one kernel: a place for every operand and one for the constants.
  size_t maxOperands() const { return runtime_->limits().maxBuffers - 1; }
  static constexpr size_t kMaxInstructions = 128;
  static constexpr size_t kMinEpilogue = 1;

 private:
  const std::shared_ptr<Runtime> runtime_;
  Pipelines pipelines_;
};

}  // namespace metalgrad::gpu
