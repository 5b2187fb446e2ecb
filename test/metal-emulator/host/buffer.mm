// Buffers in shared storage.
#include "host/objects.h"

@implementation EmulatedBuffer
+ (const char*)metalName {
  return "MTLBuffer";
}

- (instancetype)initWithDevice:(id<MTLDevice>)device length:(NSUInteger)length options:(MTLResourceOptions)options {
  self = [super initWithDevice:device];
  _options = options;
  if (self.storageMode != MTLStorageModeShared) {
    emulator::fault("storage mode", "buffers are in shared storage: one memory for CPU and GPU");
  }
  _allocation = emulator::Memory::get().allocate(length, self.hazardTrackingMode == MTLHazardTrackingModeTracked);
  if (_allocation == nullptr) {
    [self release];
    return nil;
  }
  return self;
}

- (void)dealloc {
  if (_allocation != nullptr) emulator::checkReleased(_allocation->users, "buffer", self.label);
  [super dealloc];
}

- (void*)contents {
  return _allocation->data;
}

- (NSUInteger)length {
  return _allocation->length;
}

- (NSUInteger)allocatedSize {
  return (_allocation->length + emulator::kPage - 1) / emulator::kPage * emulator::kPage;
}

- (MTLResourceOptions)resourceOptions {
  return _options;
}

- (MTLCPUCacheMode)cpuCacheMode {
  return static_cast<MTLCPUCacheMode>(_options & 15);
}

- (MTLStorageMode)storageMode {
  return static_cast<MTLStorageMode>(_options >> 4 & 15);
}

- (MTLHazardTrackingMode)hazardTrackingMode {
  const MTLHazardTrackingMode mode = static_cast<MTLHazardTrackingMode>(_options >> 8 & 3);
  return mode == MTLHazardTrackingModeDefault ? MTLHazardTrackingModeTracked : mode;
}

- (MTLPurgeableState)setPurgeableState:(MTLPurgeableState)state {
  if (state == MTLPurgeableStateEmpty) emulator::Memory::get().forgotten(_allocation->data, _allocation->length);
  return MTLPurgeableStateNonVolatile;
}
@end
