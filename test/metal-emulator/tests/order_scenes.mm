// Commands that depend on one another, with and without what orders them.
#include <cstring>

#include "tests/scene.h"

namespace {

constexpr const char* kWrite = "write 0 0 64";
constexpr const char* kRead = "read 0 0 64";

enum class Between { nothing, barrier, textureBarrier };

/// Two dispatches of one encoder.
SceneBody inOneEncoder(const char* first, const char* second, Between between, MTLDispatchType type,
                       NSUInteger secondOffset = 0) {
  return [=](Scene& scene) {
    id<MTLBuffer> const buffer = scene.buffer();
    id<MTLCommandBuffer> const commands = scene.commands();
    id<MTLComputeCommandEncoder> const encoder = [commands computeCommandEncoderWithDispatchType:type];
    Scene::dispatch(encoder, scene.pipeline(first), buffer);
    if (between == Between::barrier) [encoder memoryBarrierWithScope:MTLBarrierScopeBuffers];
    if (between == Between::textureBarrier) [encoder memoryBarrierWithScope:MTLBarrierScopeTextures];
    Scene::dispatch(encoder, scene.pipeline(second), buffer, secondOffset);
    [encoder endEncoding];
    scene.run(commands);
  };
}

enum class Encoders { untracked, tracked, fence, lateWait, earlyUpdate };

/// A write in one encoder and a read in the next.
SceneBody inTwoEncoders(Encoders kind) {
  return [=](Scene& scene) {
    id<MTLBuffer> const buffer =
        scene.buffer(16384, kind == Encoders::tracked ? MTLResourceStorageModeShared : kUntracked);
    id<MTLBuffer> const other = scene.buffer();
    id<MTLFence> const fence = scene.fence();
    id<MTLCommandBuffer> const commands = scene.commands();
    id<MTLComputeCommandEncoder> const first = Scene::concurrent(commands);
    if (kind == Encoders::earlyUpdate) [first updateFence:fence];
    Scene::dispatch(first, scene.pipeline(kWrite), buffer);
    if (kind == Encoders::fence || kind == Encoders::lateWait) [first updateFence:fence];
    [first endEncoding];
    id<MTLComputeCommandEncoder> const second = Scene::concurrent(commands);
    if (kind == Encoders::fence || kind == Encoders::earlyUpdate) [second waitForFence:fence];
    Scene::dispatch(second, scene.pipeline(kRead), buffer);
    if (kind == Encoders::lateWait) [second waitForFence:fence];
    Scene::dispatch(second, scene.pipeline(kRead), other);
    [second endEncoding];
    scene.run(commands);
  };
}

void encode(Scene& scene, id<MTLCommandBuffer> commands, const char* script, id<MTLBuffer> buffer) {
  id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
  Scene::dispatch(encoder, scene.pipeline(script), buffer);
  [encoder endEncoding];
}

enum class Buffers { nothing, cpu, event, otherQueue, otherQueueEvent, signalBefore };

/// A write in one command buffer and a read in the next.
SceneBody inTwoCommandBuffers(Buffers kind) {
  return [=](Scene& scene) {
    id<MTLBuffer> const buffer = scene.buffer();
    id<MTLSharedEvent> const event = scene.event();
    id<MTLCommandQueue> const other = scene.newQueue();
    const bool events = kind == Buffers::event || kind == Buffers::otherQueueEvent || kind == Buffers::signalBefore;
    const bool queues = kind == Buffers::otherQueue || kind == Buffers::otherQueueEvent;
    id<MTLCommandBuffer> const first = scene.commands();
    if (kind == Buffers::signalBefore) [first encodeSignalEvent:event value:7];
    encode(scene, first, kWrite, buffer);
    if (events && kind != Buffers::signalBefore) [first encodeSignalEvent:event value:7];
    [first commit];
    if (kind == Buffers::cpu) [first waitUntilCompleted];
    id<MTLCommandBuffer> const second = queues ? [other commandBufferWithUnretainedReferences] : scene.commands();
    if (events) [second encodeWaitForEvent:event value:7];
    encode(scene, second, kRead, buffer);
    scene.run(second);
    scene.run([&] {
      id<MTLCommandBuffer> const last = scene.commands();
      return last;
    }());
    [first waitUntilCompleted];
  };
}

const SceneRegistration all[] = {
    {"read after write", inOneEncoder(kWrite, kRead, Between::nothing, MTLDispatchTypeConcurrent)},
    {"write after read", inOneEncoder(kRead, kWrite, Between::nothing, MTLDispatchTypeConcurrent)},
    {"write after write", inOneEncoder(kWrite, kWrite, Between::nothing, MTLDispatchTypeConcurrent)},
    {"read after read", inOneEncoder(kRead, kRead, Between::nothing, MTLDispatchTypeConcurrent)},
    {"ranges apart", inOneEncoder(kWrite, kRead, Between::nothing, MTLDispatchTypeConcurrent, 64)},
    {"ranges that overlap", inOneEncoder(kWrite, kRead, Between::nothing, MTLDispatchTypeConcurrent, 60)},
    {"barrier", inOneEncoder(kWrite, kRead, Between::barrier, MTLDispatchTypeConcurrent)},
    {"barrier for textures", inOneEncoder(kWrite, kRead, Between::textureBarrier, MTLDispatchTypeConcurrent)},
    {"serial encoder", inOneEncoder(kWrite, kRead, Between::nothing, MTLDispatchTypeSerial)},
    {"encoders without fence", inTwoEncoders(Encoders::untracked)},
    {"encoders of a tracked buffer", inTwoEncoders(Encoders::tracked)},
    {"encoders with fence", inTwoEncoders(Encoders::fence)},
    {"fence waited for too late", inTwoEncoders(Encoders::lateWait)},
    {"fence updated too early", inTwoEncoders(Encoders::earlyUpdate)},
    {"command buffers without event", inTwoCommandBuffers(Buffers::nothing)},
    {"command buffers, and the CPU waits", inTwoCommandBuffers(Buffers::cpu)},
    {"command buffers with event", inTwoCommandBuffers(Buffers::event)},
    {"event signalled too early", inTwoCommandBuffers(Buffers::signalBefore)},
    {"queues without event", inTwoCommandBuffers(Buffers::otherQueue)},
    {"queues with event", inTwoCommandBuffers(Buffers::otherQueueEvent)},
    {"fence across command buffers",
     [](Scene& scene) {
       id<MTLBuffer> const buffer = scene.buffer();
       id<MTLFence> const fence = scene.fence();
       for (const char* script : {kWrite, kRead, kWrite}) {
         id<MTLCommandBuffer> const commands = scene.commands();
         id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
         [encoder waitForFence:fence];
         Scene::dispatch(encoder, scene.pipeline(script), buffer);
         [encoder updateFence:fence];
         [encoder endEncoding];
         [commands commit];
       }
       scene.run(scene.commands());
     }},
    {"enqueued before it is committed",
     [](Scene& scene) {
       id<MTLBuffer> const buffer = scene.buffer();
       id<MTLFence> const fence = scene.fence();
       id<MTLCommandBuffer> const first = scene.commands();
       [first enqueue];
       id<MTLCommandBuffer> const second = scene.commands();
       [second enqueue];
       [[scene.queue commandBuffer] enqueue];  // and never committed
       id<MTLComputeCommandEncoder> encoder = Scene::concurrent(second);
       [encoder waitForFence:fence];
       Scene::dispatch(encoder, scene.pipeline(kRead), buffer);
       [encoder endEncoding];
       [second commit];
       encoder = Scene::concurrent(first);
       Scene::dispatch(encoder, scene.pipeline(kWrite), buffer);
       [encoder updateFence:fence];
       [encoder endEncoding];
       [first commit];
       [second waitUntilCompleted];
       metalgrad_emulator_read([buffer contents], 64);
       if ([first status] != MTLCommandBufferStatusCompleted) scene.error = "not in order";
       if ([second status] != MTLCommandBufferStatusCompleted) scene.error = "failed";
     }},
    {"fence across queues",
     [](Scene& scene) {
       id<MTLFence> const fence = scene.fence();
       for (id<MTLCommandQueue> queue : {scene.queue, scene.newQueue()}) {
         id<MTLCommandBuffer> const commands = [queue commandBufferWithUnretainedReferences];
         id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
         [encoder updateFence:fence];
         [encoder endEncoding];
         scene.run(commands);
       }
     }},
    {"wait for a fence that the encoder updated",
     [](Scene& scene) {
       id<MTLFence> const fence = scene.fence();
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       [encoder updateFence:fence];
       [encoder waitForFence:fence];
       [encoder endEncoding];
       scene.run(commands);
     }},
    {"copies without order",
     [](Scene& scene) {
       id<MTLBuffer> const buffer = scene.buffer();
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLBlitCommandEncoder> const encoder = [commands blitCommandEncoder];
       [encoder fillBuffer:buffer range:NSMakeRange(0, 64) value:1];
       [encoder copyFromBuffer:buffer sourceOffset:0 toBuffer:buffer destinationOffset:64 size:64];
       [encoder endEncoding];
       scene.run(commands);
     }},
    {"copy of memory that nothing wrote",
     [](Scene& scene) {
       id<MTLBuffer> const empty = [[scene.device newBufferWithLength:64 options:kUntracked] autorelease];
       id<MTLBuffer> const buffer = scene.buffer();
       id<MTLFence> const fence = scene.fence();
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLBlitCommandEncoder> const blit = [commands blitCommandEncoder];
       [blit copyFromBuffer:empty sourceOffset:0 toBuffer:buffer destinationOffset:0 size:64];
       [blit updateFence:fence];
       [blit endEncoding];
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       [encoder waitForFence:fence];
       Scene::dispatch(encoder, scene.pipeline(kRead), buffer);
       [encoder endEncoding];
       scene.run(commands);
     }},
    {"event that nobody signals",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       [commands encodeWaitForEvent:scene.event() value:1];
       scene.run(commands);
     }},
    {"event that the CPU signals",
     [](Scene& scene) {
       id<MTLSharedEvent> const event = scene.event();
       id<MTLCommandBuffer> const commands = scene.commands();
       [commands encodeWaitForEvent:event value:3];
       [commands encodeSignalEvent:event value:4];
       [commands commit];
       event.signaledValue = 3;
       [commands waitUntilCompleted];
       if (event.signaledValue != 4) scene.error = "the event was not signalled";
     }},
    {"random order",
     [](Scene& scene) {
       // Writes that nothing orders: whichever is last stays. Both orders are seen.
       bool seen[2] = {false, false};
       for (int i = 0; i < 64; ++i) {
         id<MTLBuffer> const buffer = scene.buffer();
         id<MTLCommandBuffer> const commands = scene.commands();
         id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
         [encoder setComputePipelineState:scene.pipeline(kWrite)];
         [encoder setBuffer:buffer offset:0 atIndex:0];
         for (const NSUInteger threads : {1, 2}) {
           [encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1) threadsPerThreadgroup:MTLSizeMake(threads, 1, 1)];
         }
         [encoder endEncoding];
         [commands commit];
         [commands waitUntilCompleted];
         seen[static_cast<const char*>([buffer contents])[0] - 1] = true;
       }
       if (!seen[0] || !seen[1]) scene.error = "always one order";
     }},
};

}  // namespace
