// Command buffers of one run: encoders that dispatch concurrently, with fences from each to the next.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gpu/runtime.h"
#include "metal/platform.h"
#include "metal/retained.h"

namespace metalgrad::metal {

class Commands final : public gpu::Commands {
 public:
  /// `nothing` is bound in the place of arrays without elements.
  Commands(Retained<id<MTLCommandQueue>> queue, Retained<id<MTLBuffer>> nothing, std::string_view label);
  /// Forgets what was not committed, and waits for the rest.
  ~Commands() override;

  void dispatch(const gpu::Dispatch& dispatch) override;
  void barrier() override;
  void copy(const gpu::Range& from, const gpu::Range& to) override;
  void fill(const gpu::Range& range, uint8_t value) override;
  void commit() override;
  Outcome wait() override;

 private:
  /// Null when there is no command buffer: then the run failed.
  id<MTLComputeCommandEncoder> compute();
  id<MTLBlitCommandEncoder> blit();
  bool open();
  void endEncoder();
  void fail(Outcome outcome);

  const Retained<id<MTLCommandQueue>> queue_;
  const Retained<id<MTLBuffer>> nothing_;
  const std::string label_;
  Retained<id<MTLFence>> fence_;
  bool fenced_ = false;  // some encoder updated the fence
  Retained<id<MTLCommandBuffer>> buffer_;
  /// At most one of them is open.
  Retained<id<MTLComputeCommandEncoder>> compute_;
  Retained<id<MTLBlitCommandEncoder>> blit_;
  std::vector<Retained<id<MTLCommandBuffer>>> committed_;
  Outcome failure_;
};

}  // namespace metalgrad::metal
