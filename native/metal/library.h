// Compiled shader text and pipelines of Metal.
#pragma once

#include "gpu/runtime.h"
#include "metal/platform.h"
#include "metal/retained.h"

namespace metalgrad::metal {

class Module final : public gpu::Module {
 public:
  explicit Module(Retained<id<MTLLibrary>> library) : library_(std::move(library)) {}
  ~Module() override { enterThread(); }
  id<MTLLibrary> library() const { return library_.get(); }

 private:
  const Retained<id<MTLLibrary>> library_;
};

class Pipeline final : public gpu::Pipeline {
 public:
  explicit Pipeline(Retained<id<MTLComputePipelineState>> state)
      : state_(std::move(state)), maxThreads_(static_cast<uint32_t>([state_.get() maxTotalThreadsPerThreadgroup])) {}
  ~Pipeline() override { enterThread(); }
  uint32_t maxThreadsPerGroup() const override { return maxThreads_; }
  id<MTLComputePipelineState> state() const { return state_.get(); }

 private:
  const Retained<id<MTLComputePipelineState>> state_;
  const uint32_t maxThreads_;
};

}  // namespace metalgrad::metal
