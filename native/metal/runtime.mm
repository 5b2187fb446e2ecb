// Opens the device, and gives memory in shared storage, whose hazards native/gpu/ tracks.
#include "metal/runtime.h"

#include <algorithm>

namespace metalgrad::metal {
namespace {

Retained<id<MTLDevice>> firstDevice() {
  auto device = Retained<id<MTLDevice>>::owned(MTLCreateSystemDefaultDevice());
  if (device) return device;
  // A process without a window server may have no default device.
  const auto all = Retained<NSArray*>::owned(MTLCopyAllDevices());
  return [all.get() count] > 0 ? Retained<id<MTLDevice>>::shared([all.get() objectAtIndex:0]) : device;
}

}  // namespace

std::string describe(NSError* error) {
  NSString* text = [error localizedDescription];
  const char* characters = [text UTF8String];
  return characters ? characters : "unknown error";
}

std::shared_ptr<Runtime> Runtime::open() {
  enterThread();
  @autoreleasepool {
    auto device = firstDevice();
    if (!device) return nullptr;
    auto queue = Retained<id<MTLCommandQueue>>::owned([device.get() newCommandQueue]);
    auto fence = Retained<id<MTLFence>>::owned([device.get() newFence]);
    if (!queue || !fence) return nullptr;
    std::shared_ptr<Runtime> runtime(new Runtime(std::move(device), std::move(queue), std::move(fence)));
    return runtime->nothing_ ? runtime : nullptr;
  }
}

Runtime::Runtime(Retained<id<MTLDevice>> device, Retained<id<MTLCommandQueue>> queue, Retained<id<MTLFence>> fence)
    : device_(std::move(device)), queue_(std::move(queue)), order_(std::make_shared<QueueOrder>(std::move(fence))) {
  limits_.maxThreadsPerGroup = static_cast<uint32_t>([device_.get() maxThreadsPerThreadgroup].width);
  limits_.maxThreadgroupMemory = [device_.get() maxThreadgroupMemoryLength];
  limits_.maxBufferBytes = [device_.get() maxBufferLength];
  limits_.workingSetBytes = [device_.get() recommendedMaxWorkingSetSize];
  [queue_.get() setLabel:@"metalgrad"];
  openResidency();
  nothing_ = Retained<id<MTLBuffer>>::owned([device_.get()
      newBufferWithLength:16
                  options:MTLResourceStorageModeShared | MTLResourceHazardTrackingModeUntracked]);
  if (nothing_) addResident(nothing_.get());
}

Runtime::~Runtime() {
  enterThread();
  if (nothing_) removeResident(nothing_.get());
}

std::string Runtime::name() const {
  enterThread();
  @autoreleasepool {
    return [[device_.get() name] UTF8String];
  }
}

std::vector<std::pair<std::string, std::variant<std::string, double>>> Runtime::info() const {
  enterThread();
  @autoreleasepool {
    id<MTLDevice> device = device_.get();
    std::string family = "other";
    for (int generation = 9; generation >= 1; generation--) {
      if (![device supportsFamily:static_cast<MTLGPUFamily>(MTLGPUFamilyApple1 + generation - 1)]) continue;
      family = "Apple " + std::to_string(generation);
      break;
    }
    const auto number = [](auto value) { return static_cast<double>(value); };
    return {
        {"family", family},
        {"unifiedMemory", [device hasUnifiedMemory] ? "yes" : "no"},
        {"recommendedMaxWorkingSetSize", number([device recommendedMaxWorkingSetSize])},
        {"maxBufferLength", number([device maxBufferLength])},
        {"maxThreadgroupMemoryLength", number([device maxThreadgroupMemoryLength])},
        {"maxThreadsPerThreadgroup", number([device maxThreadsPerThreadgroup].width)},
    };
  }
}

gpu::Memory Runtime::allocate(size_t bytes) {
  enterThread();
  @autoreleasepool {
    id<MTLBuffer> buffer =
        [device_.get() newBufferWithLength:bytes
                                   options:MTLResourceStorageModeShared | MTLResourceHazardTrackingModeUntracked];
    if (!buffer) return {};
    addResident(buffer);
    return {.object = buffer, .data = static_cast<std::byte*>([buffer contents]), .bytes = bytes};
  }
}

void Runtime::free(const gpu::Memory& memory) {
  enterThread();
  @autoreleasepool {
    id<MTLBuffer> buffer = static_cast<id<MTLBuffer>>(memory.object);
    removeResident(buffer);
    [buffer release];
  }
}

#if METALGRAD_MACOS_15

void Runtime::openResidency() {
  if (@available(macOS 15.0, *)) {
    if (![device_.get() respondsToSelector:@selector(newResidencySetWithDescriptor:error:)]) return;
    const auto descriptor = Retained<MTLResidencySetDescriptor*>::owned([[MTLResidencySetDescriptor alloc] init]);
    NSError* error = nil;
    id<MTLResidencySet> set = [device_.get() newResidencySetWithDescriptor:descriptor.get() error:&error];
    if (!set) return;
    residency_ = Retained<id>::owned(set);
    [queue_.get() addResidencySet:set];
    [set requestResidency];
  }
}

void Runtime::addResident(id<MTLBuffer> buffer) {
  if (@available(macOS 15.0, *)) {
    if (!residency_) return;
    std::lock_guard lock(residencyMutex_);
    id<MTLResidencySet> set = residency_.get();
    [set addAllocation:buffer];
    [set commit];
  }
}

void Runtime::removeResident(id<MTLBuffer> buffer) {
  if (@available(macOS 15.0, *)) {
    if (!residency_) return;
    std::lock_guard lock(residencyMutex_);
    id<MTLResidencySet> set = residency_.get();
    [set removeAllocation:buffer];
    [set commit];
  }
}

#else

void Runtime::openResidency() {}
void Runtime::addResident(id<MTLBuffer>) {}
void Runtime::removeResident(id<MTLBuffer>) {}

#endif

std::unique_ptr<gpu::Commands> Runtime::begin(std::string_view label) {
  return std::make_unique<Commands>(queue_, order_, nothing_, label);
}

Outcome Runtime::startCapture(const std::string& path) {
  enterThread();
  @autoreleasepool {
    MTLCaptureManager* manager = [MTLCaptureManager sharedCaptureManager];
    if (![manager supportsDestination:MTLCaptureDestinationGPUTraceDocument]) {
      return {Status::deviceFailure, "captures are off: start the process with METAL_CAPTURE_ENABLED=1"};
    }
    const auto descriptor = Retained<MTLCaptureDescriptor*>::owned([[MTLCaptureDescriptor alloc] init]);
    [descriptor.get() setCaptureObject:device_.get()];
    [descriptor.get() setDestination:MTLCaptureDestinationGPUTraceDocument];
    [descriptor.get() setOutputURL:[NSURL fileURLWithPath:[NSString stringWithUTF8String:path.c_str()]]];
    NSError* error = nil;
    if ([manager startCaptureWithDescriptor:descriptor.get() error:&error]) return {};
    return {Status::deviceFailure, "the capture did not start: " + describe(error)};
  }
}

void Runtime::stopCapture() {
  enterThread();
  @autoreleasepool {
    MTLCaptureManager* manager = [MTLCaptureManager sharedCaptureManager];
    if ([manager isCapturing]) [manager stopCapture];
  }
}

}  // namespace metalgrad::metal

namespace metalgrad::gpu {

std::shared_ptr<Runtime> openRuntime() { return metal::Runtime::open(); }

}  // namespace metalgrad::gpu
