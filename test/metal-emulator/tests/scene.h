// A device, a queue and shorthands: what the planted faults are written with.
#pragma once

#import <Metal/Metal.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "metalgrad_emulator.h"

constexpr MTLResourceOptions kUntracked = MTLResourceStorageModeShared | MTLResourceHazardTrackingModeUntracked;

/// Everything is in the autorelease pool of the scene, so that a scene which does nothing wrong leaves nothing behind.
class Scene {
 public:
  id<MTLDevice> const device = [MTLCreateSystemDefaultDevice() autorelease];
  id<MTLCommandQueue> const queue = newQueue();
  /// What went wrong, of the command buffers that were run.
  std::string error;

  id<MTLCommandQueue> newQueue() const { return [[device newCommandQueue] autorelease]; }
  /// Whole pages of initialized memory.
  id<MTLBuffer> buffer(size_t bytes = 16384, MTLResourceOptions options = kUntracked) const {
    id<MTLBuffer> const made = [[device newBufferWithLength:bytes options:options] autorelease];
    if (made != nil) metalgrad_emulator_written([made contents], bytes);
    return made;
  }
  id<MTLFence> fence() const { return [[device newFence] autorelease]; }
  id<MTLSharedEvent> event() const { return [[device newSharedEvent] autorelease]; }
  id<MTLComputePipelineState> pipeline(const char* script);
  id<MTLCommandBuffer> commands() const { return [queue commandBufferWithUnretainedReferences]; }
  static id<MTLComputeCommandEncoder> concurrent(id<MTLCommandBuffer> commands) {
    return [commands computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent];
  }
  /// One thread, with `buffer` at index 0.
  static void dispatch(id<MTLComputeCommandEncoder> encoder, id<MTLComputePipelineState> pipeline, id<MTLBuffer> buffer,
                       NSUInteger offset = 0);
  /// Commits and waits.
  void run(id<MTLCommandBuffer> commands);
};

using SceneBody = std::function<void(Scene&)>;

/// Scenes by name.
std::map<std::string, SceneBody>& scenes();

struct SceneRegistration {
  SceneRegistration(const char* name, SceneBody body) { scenes()[name] = std::move(body); }
};
