// The device, as Apple's M1 describes itself where numbers are asked for.
#include <cstring>

#include "host/objects.h"
#include "host/settings.h"

extern "C" id<MTLDevice> MTLCreateSystemDefaultDevice(void) {
  emulator::countObjects();
  return emulator::settings().device ? [[EmulatedDevice alloc] init] : nil;
}

extern "C" NSArray<id<MTLDevice>>* MTLCopyAllDevices(void) {
  id<MTLDevice> device = MTLCreateSystemDefaultDevice();
  NSArray* devices = device == nil ? [[NSArray alloc] init] : [[NSArray alloc] initWithObjects:&device count:1];
  [device release];
  return devices;
}

@implementation EmulatedDevice
+ (const char*)metalName {
  return "MTLDevice";
}

- (BOOL)respondsToSelector:(SEL)selector {
  if (!emulator::hasMacos15() && sel_isEqual(selector, @selector(newResidencySetWithDescriptor:error:))) return NO;
  return [super respondsToSelector:selector];
}

- (NSString*)name {
  return @"Emulated Metal device";
}

- (uint64_t)registryID {
  return 1;
}

- (MTLSize)maxThreadsPerThreadgroup {
  return MTLSizeMake(emulator::kMaxThreads, emulator::kMaxThreads, emulator::kMaxThreads);
}

- (NSUInteger)maxThreadgroupMemoryLength {
  return emulator::kMaxThreadgroupMemory;
}

- (NSUInteger)maxBufferLength {
  return emulator::settings().bufferBytes;
}

- (BOOL)hasUnifiedMemory {
  return YES;
}

- (uint64_t)recommendedMaxWorkingSetSize {
  return emulator::settings().memory / 4 * 3;
}

- (NSUInteger)currentAllocatedSize {
  return emulator::Memory::get().allocated();
}

- (BOOL)supportsFamily:(MTLGPUFamily)family {
  return (family >= MTLGPUFamilyApple1 && family <= MTLGPUFamilyApple7) || family == MTLGPUFamilyMac2 ||
         (family >= MTLGPUFamilyCommon1 && family <= MTLGPUFamilyCommon3) || family == MTLGPUFamilyMetal3;
}

- (id<MTLCommandQueue>)newCommandQueue {
  return [self newCommandQueueWithMaxCommandBufferCount:64];
}

- (id<MTLCommandQueue>)newCommandQueueWithMaxCommandBufferCount:(NSUInteger)count {
  return [[EmulatedQueue alloc] initWithDevice:self maxCommandBufferCount:count];
}

- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options {
  if (length == 0 || length > emulator::settings().bufferBytes) {
    emulator::fault("buffer length", std::to_string(length) + " bytes, where 1 to " +
                                         std::to_string(emulator::settings().bufferBytes) + " are possible");
    return nil;
  }
  return [[EmulatedBuffer alloc] initWithDevice:self length:length options:options];
}

- (id<MTLBuffer>)newBufferWithBytes:(const void*)bytes length:(NSUInteger)length options:(MTLResourceOptions)options {
  EmulatedBuffer* const buffer = [self newBufferWithLength:length options:options];
  if (buffer == nil) return nil;
  std::memcpy([buffer contents], bytes, length);
  emulator::Memory::get().written([buffer contents], length);
  return buffer;
}

- (id<MTLLibrary>)newLibraryWithSource:(NSString*)source options:(MTLCompileOptions*)options error:(NSError**)error {
  return [[EmulatedLibrary alloc] initWithDevice:self source:source options:options error:error];
}

- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function error:(NSError**)error {
  MTLComputePipelineDescriptor* const descriptor = [[MTLComputePipelineDescriptor alloc] init];
  descriptor.computeFunction = function;
  EmulatedPipelineState* const state = [[EmulatedPipelineState alloc] initWithDevice:self
                                                                          descriptor:descriptor
                                                                               error:error];
  [descriptor release];
  return state;
}

- (id<MTLComputePipelineState>)newComputePipelineStateWithDescriptor:(MTLComputePipelineDescriptor*)descriptor
                                                             options:(MTLPipelineOption)options
                                                          reflection:
                                                              (MTLAutoreleasedComputePipelineReflection*)reflection
                                                               error:(NSError**)error {
  if (options != 0 || reflection != nullptr) emulator::fault("reflection", "the emulated device has none");
  return [[EmulatedPipelineState alloc] initWithDevice:self descriptor:descriptor error:error];
}

- (id<MTLFence>)newFence {
  return [[EmulatedFence alloc] initWithDevice:self];
}

- (id<MTLEvent>)newEvent {
  return [[EmulatedEvent alloc] initWithDevice:self];
}

- (id<MTLSharedEvent>)newSharedEvent {
  return [[EmulatedSharedEvent alloc] initWithDevice:self];
}

- (id<MTLBinaryArchive>)newBinaryArchiveWithDescriptor:(MTLBinaryArchiveDescriptor*)descriptor error:(NSError**)error {
  return [[EmulatedBinaryArchive alloc] initWithDevice:self descriptor:descriptor error:error];
}

- (id<MTLResidencySet>)newResidencySetWithDescriptor:(MTLResidencySetDescriptor*)descriptor error:(NSError**)error {
  if (!emulator::hasMacos15() || descriptor == nil) [self doesNotRecognizeSelector:_cmd];
  if (error != nullptr) *error = nil;
  return [[EmulatedResidencySet alloc] initWithDevice:self];
}
@end
