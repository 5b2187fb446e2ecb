// Dispatches, with all that Metal's validation asks of their arguments.
#include <algorithm>

#include "host/objects.h"

using emulator::Binding;
using emulator::Bound;

@implementation EmulatedComputeEncoder
+ (const char*)metalName {
  return "MTLComputeCommandEncoder";
}

- (void)dealloc {
  [_pipeline release];
  [super dealloc];
}

- (MTLDispatchType)dispatchType {
  return _pass->serial ? MTLDispatchTypeSerial : MTLDispatchTypeConcurrent;
}

- (void)reject:(const char*)kind because:(const std::string&)detail {
  EmulatedPipelineState* const state = (EmulatedPipelineState*)_pipeline;
  emulator::fault(*_submission, kind, state == nil ? "" : *state->_state->name, detail);
}

- (BOOL)has:(NSUInteger)index {
  if (index < emulator::kMaxBuffers) return YES;
  [self reject:"too many buffers" because:"index " + std::to_string(index) + ", where 0 to 30 are possible"];
  return NO;
}

- (void)setComputePipelineState:(id<MTLComputePipelineState>)state {
  if (![self records:"setComputePipelineState:"]) return;
  if (state == nil) [self reject:"no pipeline" because:"setComputePipelineState: was given nil"];
  [state retain];
  [_pipeline release];
  _pipeline = state;
}

- (void)setBytes:(const void*)bytes length:(NSUInteger)length atIndex:(NSUInteger)index {
  if (![self records:"setBytes:length:atIndex:"] || ![self has:index]) return;
  if (length == 0 || length > emulator::kMaxInlineBytes) {
    [self
         reject:"inline bytes"
        because:std::to_string(length) + " bytes at index " + std::to_string(index) + ", where 1 to 4096 are possible"];
    return;
  }
  const auto* const first = static_cast<const std::byte*>(bytes);
  _bound[index] = {.allocation = nullptr,
                   .offset = 0,
                   .bytes = length,
                   .inlined = std::make_shared<std::vector<std::byte>>(first, first + length)};
}

- (void)setBuffer:(id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index {
  if (![self records:"setBuffer:offset:atIndex:"] || ![self has:index]) return;
  if (buffer == nil) {
    _bound[index] = {};
    return;
  }
  _bound[index] = {((EmulatedBuffer*)buffer)->_allocation, 0, buffer.length, nullptr};
  [_commandBuffer keep:buffer];
  [self setBufferOffset:offset atIndex:index];
}

- (void)setBufferOffset:(NSUInteger)offset atIndex:(NSUInteger)index {
  if (![self records:"setBufferOffset:atIndex:"] || ![self has:index]) return;
  Bound& bound = _bound[index];
  if (!bound.allocation) {
    [self reject:"missing binding" because:"an offset for index " + std::to_string(index) + ", which has no buffer"];
    return;
  }
  const size_t length = bound.allocation->length;
  if (offset >= length) {
    [self reject:"binding out of range"
         because:"offset " + std::to_string(offset) + " at index " + std::to_string(index) + " of a buffer of " +
                 std::to_string(length) + " bytes"];
    bound = {};
    return;
  }
  bound.offset = offset;
  bound.bytes = length - offset;
}

- (void)bind:(NSUInteger)index bytes:(size_t)bytes {
  if (![self records:"metalgrad_emulator_bound"] || ![self has:index]) return;
  Bound& bound = _bound[index];
  if (!bound.allocation || bytes > bound.allocation->length - bound.offset) {
    [self reject:"binding out of range"
         because:std::to_string(bytes) + " bytes at index " + std::to_string(index) + ", where " +
                 (bound.allocation ? std::to_string(bound.allocation->length - bound.offset) + " bytes are bound"
                                   : "no buffer is bound")];
    return;
  }
  bound.bytes = bytes;
}

- (void)setThreadgroupMemoryLength:(NSUInteger)length atIndex:(NSUInteger)index {
  if (![self records:"setThreadgroupMemoryLength:atIndex:"]) return;
  if (index != 0) {
    [self reject:"threadgroup memory" because:"at index " + std::to_string(index) + ": the emulator has index 0 only"];
  } else if (length % 16 != 0) {
    [self reject:"threadgroup memory" because:std::to_string(length) + " bytes, which is no multiple of 16"];
  } else {
    _threadgroupBytes = length;
  }
}

- (void)useResource:(id<MTLResource>)resource usage:(MTLResourceUsage)usage {
  if (![self records:"useResource:usage:"]) return;
  static const auto name = std::make_shared<const std::string>("useResource");
  EmulatedBuffer* const buffer = (EmulatedBuffer*)resource;
  [self use:buffer->_allocation->users
       object:buffer
       offset:0
        bytes:SIZE_MAX
      written:(usage & MTLResourceUsageWrite) != 0
         name:name];
}

- (void)memoryBarrierWithScope:(MTLBarrierScope)scope {
  if (![self records:"memoryBarrierWithScope:"]) return;
  if ((scope & MTLBarrierScopeBuffers) != 0) _pass->commands.push_back(emulator::BarrierCommand{});
}

- (BOOL)check:(const emulator::PipelineState&)pipeline groups:(const size_t*)groups threads:(const size_t*)threads {
  const auto shape = [](const size_t* size) {
    return std::to_string(size[0]) + " × " + std::to_string(size[1]) + " × " + std::to_string(size[2]);
  };
  size_t total = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (groups[axis] == 0 || threads[axis] == 0) {
      [self reject:"empty dispatch" because:shape(groups) + " threadgroups of " + shape(threads) + " threads"];
      return NO;
    }
    if (threads[axis] > emulator::kMaxThreads || groups[axis] > UINT32_MAX / threads[axis]) {
      [self reject:"grid too large" because:shape(groups) + " threadgroups of " + shape(threads) + " threads"];
      return NO;
    }
    total *= threads[axis];
  }
  if (total > pipeline.maxThreads) {
    [self reject:"threadgroup too large"
         because:shape(threads) + " threads, where maxTotalThreadsPerThreadgroup is " +
                 std::to_string(pipeline.maxThreads)];
    return NO;
  }
  if (pipeline.wholeSimdGroups && total % emulator::kSimdWidth != 0) {
    [self reject:"threadgroup size"
         because:shape(threads) +
                 " threads: the pipeline has threadGroupSizeIsMultipleOfThreadExecutionWidth, which is 32"];
    return NO;
  }
  const size_t memory = pipeline.kernel->staticThreadgroupBytes() + _threadgroupBytes;
  if (memory > emulator::kMaxThreadgroupMemory) {
    [self reject:"threadgroup memory" because:std::to_string(memory) + " bytes, where 32768 are possible"];
    return NO;
  }
  return YES;
}

- (BOOL)checkBinding:(const Binding&)binding {
  const std::string place = "index " + std::to_string(binding.index);
  if (binding.threadgroup) {
    if (_threadgroupBytes != 0) return YES;
    [self reject:"missing binding" because:"no threadgroup memory at " + place];
    return NO;
  }
  if (binding.index >= emulator::kMaxBuffers) return [self has:binding.index];
  const Bound& bound = _bound[binding.index];
  if (!bound) {
    [self reject:"missing binding" because:"nothing is bound at " + place];
    return NO;
  }
  if (bound.inlined && binding.writable) {
    [self reject:"inline bytes" because:"the kernel writes to " + place];
    return NO;
  }
  if (bound.offset % std::max<uint32_t>(binding.alignment, 1) != 0) {
    [self reject:"misaligned binding"
         because:"offset " + std::to_string(bound.offset) + " at " + place + ", where a multiple of " +
                 std::to_string(binding.alignment) + " is asked for"];
    return NO;
  }
  return YES;
}

- (void)dispatchThreadgroups:(MTLSize)threadgroupsPerGrid threadsPerThreadgroup:(MTLSize)threadsPerThreadgroup {
  if (![self records:"dispatchThreadgroups:threadsPerThreadgroup:"]) return;
  if (_pipeline == nil) {
    [self reject:"no pipeline" because:"a dispatch before setComputePipelineState:"];
    return;
  }
  EmulatedPipelineState* const state = (EmulatedPipelineState*)_pipeline;
  const auto& pipeline = state->_state;
  const size_t groups[] = {threadgroupsPerGrid.width, threadgroupsPerGrid.height, threadgroupsPerGrid.depth};
  const size_t threads[] = {threadsPerThreadgroup.width, threadsPerThreadgroup.height, threadsPerThreadgroup.depth};
  if (![self check:*pipeline groups:groups threads:threads]) return;

  emulator::DispatchCommand dispatch{.pipeline = pipeline, .grid = {}, .buffers = {}, .threadgroupBytes = 0};
  for (int axis = 0; axis < 3; ++axis) {
    dispatch.grid.groups[axis] = static_cast<uint32_t>(groups[axis]);
    dispatch.grid.threads[axis] = static_cast<uint32_t>(threads[axis]);
  }
  for (const Binding& binding : pipeline->kernel->bindings()) {
    if (![self checkBinding:binding]) return;
    if (binding.threadgroup) {
      dispatch.threadgroupBytes = _threadgroupBytes;
      continue;
    }
    const Bound& bound = dispatch.buffers[binding.index] = _bound[binding.index];
    if (bound.allocation) {
      [self use:bound.allocation->users
           object:nil
           offset:bound.offset
            bytes:bound.bytes
          written:binding.writable
             name:pipeline->name];
    }
  }
  [self use:pipeline->users object:state offset:0 bytes:SIZE_MAX written:NO name:pipeline->name];
  _pass->commands.push_back(std::move(dispatch));
}
@end
