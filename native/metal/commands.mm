// Encodes, commits, waits, and tells what failed.
#include "metal/commands.h"

#include "metal/library.h"
#include "metal/runtime.h"

namespace metalgrad::metal {
namespace {

MTLSize sizeOf(const gpu::Size& size) { return MTLSizeMake(size.x, size.y, size.z); }

Outcome failureOf(id<MTLCommandBuffer> buffer, const std::string& label) {
  NSError* error = [buffer error];
  const auto code = static_cast<MTLCommandBufferError>([error code]);
  const Status status = code == MTLCommandBufferErrorOutOfMemory ? Status::outOfMemory : Status::deviceFailure;
  const char* lost = code == MTLCommandBufferErrorDeviceRemoved ? "the GPU was removed: " : "the GPU failed: ";
  return {status, label + ": " + lost + describe(error)};
}

}  // namespace

Commands::Commands(Retained<id<MTLCommandQueue>> queue, std::shared_ptr<QueueOrder> order,
                   Retained<id<MTLBuffer>> nothing, std::string_view label)
    : queue_(std::move(queue)), order_(std::move(order)), nothing_(std::move(nothing)), label_(label) {}

Commands::~Commands() {
  enterThread();
  @autoreleasepool {
    endEncoder();
    buffer_ = {};
    for (const auto& buffer : committed_) [buffer.get() waitUntilCompleted];
    committed_.clear();
  }
}

void Commands::fail(Outcome outcome) {
  if (failure_.ok()) failure_ = std::move(outcome);
}

bool Commands::open() {
  if (buffer_) return true;
  buffer_ = Retained<id<MTLCommandBuffer>>::shared([queue_.get() commandBufferWithUnretainedReferences]);
  if (buffer_) {
    [buffer_.get() setLabel:[NSString stringWithUTF8String:label_.c_str()]];
    return true;
  }
  fail({Status::deviceFailure, label_ + ": the GPU takes no commands"});
  return false;
}

id<MTLComputeCommandEncoder> Commands::compute() {
  if (compute_) return compute_.get();
  @autoreleasepool {
    endEncoder();
    if (!open()) return nil;
    compute_ = Retained<id<MTLComputeCommandEncoder>>::shared(
        [buffer_.get() computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent]);
    if (follows()) [compute_.get() waitForFence:order_->fence.get()];
  }
  return compute_.get();
}

id<MTLBlitCommandEncoder> Commands::blit() {
  if (blit_) return blit_.get();
  @autoreleasepool {
    endEncoder();
    if (!open()) return nil;
    blit_ = Retained<id<MTLBlitCommandEncoder>>::shared([buffer_.get() blitCommandEncoder]);
    if (follows()) [blit_.get() waitForFence:order_->fence.get()];
  }
  return blit_.get();
}

void Commands::endEncoder() {
  if (compute_) {
    [compute_.get() updateFence:order_->fence.get()];
    [compute_.get() endEncoding];
    compute_ = {};
    fenced_ = true;
  }
  if (blit_) {
    [blit_.get() updateFence:order_->fence.get()];
    [blit_.get() endEncoding];
    blit_ = {};
    fenced_ = true;
  }
}

void Commands::dispatch(const gpu::Dispatch& dispatch) {
  enterThread();
  id<MTLComputeCommandEncoder> encoder = compute();
  if (!encoder) return;
  [encoder setComputePipelineState:static_cast<const Pipeline*>(dispatch.pipeline)->state()];
  unsigned index = 0;
  for (const auto& range : dispatch.buffers) {
    id<MTLBuffer> buffer = range.object ? static_cast<id<MTLBuffer>>(range.object) : nothing_.get();
    [encoder setBuffer:buffer offset:range.offset atIndex:index];
    boundExactly(encoder, index, range.bytes);
    index++;
  }
  if (!dispatch.constants.empty()) {
    [encoder setBytes:dispatch.constants.data() length:dispatch.constants.size() atIndex:index];
  }
  if (dispatch.threadgroupMemory > 0) {
    [encoder setThreadgroupMemoryLength:dispatch.threadgroupMemory atIndex:0];
  }
  [encoder dispatchThreadgroups:sizeOf(dispatch.groups) threadsPerThreadgroup:sizeOf(dispatch.threads)];
}

void Commands::barrier() {
  enterThread();
  if (compute_) [compute_.get() memoryBarrierWithScope:MTLBarrierScopeBuffers];
  // Copies of one encoder are not ordered: the fence to the next encoder is.
  if (blit_) endEncoder();
}

void Commands::copy(const gpu::Range& from, const gpu::Range& to) {
  enterThread();
  [blit() copyFromBuffer:static_cast<id<MTLBuffer>>(from.object)
            sourceOffset:from.offset
                toBuffer:static_cast<id<MTLBuffer>>(to.object)
       destinationOffset:to.offset
                    size:from.bytes];
}

void Commands::fill(const gpu::Range& range, uint8_t value) {
  enterThread();
  [blit() fillBuffer:static_cast<id<MTLBuffer>>(range.object) range:NSMakeRange(range.offset, range.bytes) value:value];
}

void Commands::commit() {
  enterThread();
  if (!buffer_) return;
  @autoreleasepool {
    endEncoder();
    [buffer_.get() commit];
    if (fenced_) order_->updated = true;
    committed_.push_back(std::move(buffer_));
    buffer_ = {};
  }
}

Outcome Commands::wait() {
  commit();
  @autoreleasepool {
    for (const auto& buffer : committed_) {
      [buffer.get() waitUntilCompleted];
      if ([buffer.get() status] == MTLCommandBufferStatusError) fail(failureOf(buffer.get(), label_));
    }
    committed_.clear();
  }
  return std::exchange(failure_, {});
}

}  // namespace metalgrad::metal
