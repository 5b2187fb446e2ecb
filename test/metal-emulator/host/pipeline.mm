// Compute pipelines.
#include <algorithm>

#include "host/objects.h"

namespace emulator {

std::atomic<size_t>& compilations() {
  static std::atomic<size_t> count{0};
  return count;
}

}  // namespace emulator

@implementation MTLComputePipelineDescriptor
@synthesize label = _label;
@synthesize computeFunction = _computeFunction;
@synthesize threadGroupSizeIsMultipleOfThreadExecutionWidth = _threadGroupSizeIsMultipleOfThreadExecutionWidth;
@synthesize maxTotalThreadsPerThreadgroup = _maxTotalThreadsPerThreadgroup;
@synthesize binaryArchives = _binaryArchives;

- (void)dealloc {
  [self reset];
  [super dealloc];
}

- (id)copyWithZone:(NSZone*)zone {
  MTLComputePipelineDescriptor* const copy = [[[self class] allocWithZone:zone] init];
  copy.label = _label;
  copy.computeFunction = _computeFunction;
  copy.threadGroupSizeIsMultipleOfThreadExecutionWidth = _threadGroupSizeIsMultipleOfThreadExecutionWidth;
  copy.maxTotalThreadsPerThreadgroup = _maxTotalThreadsPerThreadgroup;
  copy.binaryArchives = _binaryArchives;
  return copy;
}

- (void)reset {
  self.label = nil;
  self.computeFunction = nil;
  self.binaryArchives = nil;
  self.threadGroupSizeIsMultipleOfThreadExecutionWidth = NO;
  self.maxTotalThreadsPerThreadgroup = 0;
}
@end

@implementation EmulatedPipelineState
+ (const char*)metalName {
  return "MTLComputePipelineState";
}

- (instancetype)initWithDevice:(id<MTLDevice>)device
                    descriptor:(MTLComputePipelineDescriptor*)descriptor
                         error:(NSError**)error {
  self = [super initWithDevice:device];
  _state = std::make_shared<emulator::PipelineState>();
  EmulatedFunction* const function = (EmulatedFunction*)descriptor.computeFunction;
  std::string message = "a pipeline needs a function";
  if (function != nil) {
    _state->library = function->_library->_library;
    _state->kernel = _state->library->kernel(function->_name, function->_constants, message);
  }
  if (_state->kernel == nullptr) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorCompileFailure, message);
    [self release];
    return nil;
  }
  if (_state->kernel->staticThreadgroupBytes() > emulator::kMaxThreadgroupMemory) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorCompileFailure,
                       "'" + function->_name + "' needs " + std::to_string(_state->kernel->staticThreadgroupBytes()) +
                           " bytes of threadgroup memory, where 32768 are possible");
    [self release];
    return nil;
  }
  const std::string identity = [function identity];
  bool archived = false;
  for (id<MTLBinaryArchive> archive in descriptor.binaryArchives) {
    archived = archived || [(EmulatedBinaryArchive*)archive holds:identity];
  }
  if (!archived) ++emulator::compilations();
  self.label = descriptor.label;
  _state->name = std::make_shared<const std::string>(
      function->_name + (descriptor.label == nil ? "" : " (" + emulator::text(descriptor.label) + ")"));
  _state->maxThreads = std::min<size_t>(_state->kernel->maxThreadsPerGroup(), emulator::kMaxThreads);
  for (const NSUInteger limit : {descriptor.maxTotalThreadsPerThreadgroup, function->_library->_maxThreads}) {
    if (limit != 0) _state->maxThreads = std::min<size_t>(_state->maxThreads, limit);
  }
  _state->wholeSimdGroups = descriptor.threadGroupSizeIsMultipleOfThreadExecutionWidth;
  return self;
}

- (void)dealloc {
  emulator::checkReleased(_state->users, "pipeline", self.label);
  [super dealloc];
}

- (NSUInteger)maxTotalThreadsPerThreadgroup {
  return _state->maxThreads;
}

- (NSUInteger)threadExecutionWidth {
  return emulator::kSimdWidth;
}

- (NSUInteger)staticThreadgroupMemoryLength {
  return _state->kernel->staticThreadgroupBytes();
}
@end
