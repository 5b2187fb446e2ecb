// Command buffers of one run: encoders that dispatch concurrently, with a fence from each to the next, also to those of
// the next run.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/runtime.h"
#include "metal/platform.h"
#include "metal/retained.h"

namespace metalgrad::metal {

/// Orders all encoders of a queue as they are committed: each waits for the fence and then updates it. The system looks
/// at fences when command buffers are committed, so several threads may encode at once.
struct QueueOrder {
  const Retained<id<MTLFence>> fence;
  /// Something that updates the fence was committed.
  std::atomic<bool> updated{false};
};

class Commands final : public gpu::Commands {
 public:
  /// `nothing` is bound in the place of arrays without elements.
  Commands(Retained<id<MTLCommandQueue>> queue, std::shared_ptr<QueueOrder> order, Retained<id<MTLBuffer>> nothing,
           std::string_view label);
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
  bool follows() const { return fenced_ || order_->updated; }
  void endEncoder();
  void fail(Outcome outcome);

  const Retained<id<MTLCommandQueue>> queue_;
  const std::shared_ptr<QueueOrder> order_;
  const Retained<id<MTLBuffer>> nothing_;
  const std::string label_;
  bool fenced_ = false;  // an encoder of this updated the fence
  Retained<id<MTLCommandBuffer>> buffer_;
  /// At most one of them is open.
  Retained<id<MTLComputeCommandEncoder>> compute_;
  Retained<id<MTLBlitCommandEncoder>> blit_;
  std::vector<Retained<id<MTLCommandBuffer>>> committed_;
  Outcome failure_;
};

}  // namespace metalgrad::metal
