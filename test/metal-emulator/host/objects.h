// The classes behind Metal's protocols, with the state that they share with the device.
#pragma once

#import <Metal/Metal.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "host/commands.h"

namespace emulator {

/// Live objects by Metal's name for what they are.
void objectMade(const char* protocol);
void objectGone(const char* protocol);
/// All of them for null; any other class by its name.
size_t liveObjects(const char* name);
/// Of whatever class, with a line for each in `classes`.
size_t allObjects(std::string& classes);
/// Counts objects of whatever class from now on.
void countObjects();
/// Functions that were compiled for the device, and not found in an archive.
std::atomic<size_t>& compilations();

inline std::string text(NSString* string) { return string == nil ? std::string() : std::string([string UTF8String]); }
NSString* string(const std::string& text);
/// "what 'label'".
inline std::string labelled(const std::string& what, NSString* label) {
  return label == nil ? what : what + " '" + text(label) + "'";
}
/// Sets `*error`, if anyone wants it.
void setError(NSError** error, NSErrorDomain domain, NSInteger code, const std::string& text);

/// A fault of a host call, which fails the command buffer that it is recorded in.
void fault(Submission& submission, const char* kind, const std::string& kernel, const std::string& detail);
/// A fault that no command buffer can be blamed for.
void fault(const char* kind, const std::string& detail);
/// A fault if commands that may still run use an object that goes, and do not hold it.
void checkReleased(Users& users, const char* what, NSString* label);

}  // namespace emulator

/// Counts itself, and has a label.
@interface EmulatedObject : NSObject {
  NSString* _label;
}
/// Metal's name for what it is.
+ (const char*)metalName;
@property(copy, atomic) NSString* label;
@end

/// What a device makes.
@interface EmulatedPart : EmulatedObject {
  id<MTLDevice> _device;
}
- (instancetype)initWithDevice:(id<MTLDevice>)device;
@property(readonly) id<MTLDevice> device;
@end

@interface EmulatedDevice : EmulatedObject <MTLDevice>
@end

@interface EmulatedBuffer : EmulatedPart <MTLBuffer> {
 @public
  std::shared_ptr<emulator::Allocation> _allocation;
  MTLResourceOptions _options;
}
/// Null where the device has no memory left.
- (instancetype)initWithDevice:(id<MTLDevice>)device length:(NSUInteger)length options:(MTLResourceOptions)options;
@end

@interface EmulatedFence : EmulatedPart <MTLFence> {
 @public
  std::shared_ptr<emulator::FenceState> _state;
}
@end

@interface EmulatedEvent : EmulatedPart <MTLEvent> {
 @public
  std::shared_ptr<emulator::EventState> _state;
}
@end

@interface EmulatedSharedEvent : EmulatedEvent <MTLSharedEvent>
@end

@interface EmulatedQueue : EmulatedPart <MTLCommandQueue> {
 @public
  uint64_t _number;
  std::shared_ptr<class QueueRoom> _room;
  NSMutableArray* _residencySets;
}
- (instancetype)initWithDevice:(id<MTLDevice>)device maxCommandBufferCount:(NSUInteger)count;
@end

@interface EmulatedCommandBuffer : EmulatedPart <MTLCommandBuffer> {
 @public
  EmulatedQueue* _queue;
  std::string _name;
  BOOL _retains;
  MTLCommandBufferErrorOption _errorOptions;
  std::shared_ptr<emulator::Submission> _submission;
  std::shared_ptr<class QueueRoom> _room;
  NSMutableArray* _retained;
  std::vector<MTLCommandBufferHandler> _scheduledHandlers, _completedHandlers;
  BOOL _committed;
  size_t _groups;
}
- (instancetype)initWithQueue:(EmulatedQueue*)queue
           retainedReferences:(BOOL)retains
                 errorOptions:(MTLCommandBufferErrorOption)options;
/// NO, with a fault, when it is committed.
- (BOOL)records:(const char*)what;
/// Keeps what a command uses, if it retains at all.
- (void)keep:(id)object;
@end

@interface EmulatedEncoder : EmulatedPart <MTLCommandEncoder> {
 @public
  EmulatedCommandBuffer* _commandBuffer;
  std::shared_ptr<emulator::Submission> _submission;
  std::shared_ptr<emulator::EncodedPass> _pass;
  std::string _kind;
  BOOL _ended;
  size_t _groups;
}
- (instancetype)initWithCommandBuffer:(EmulatedCommandBuffer*)commandBuffer kind:(const char*)kind serial:(BOOL)serial;
/// NO, with a fault, when the encoder has ended.
- (BOOL)records:(const char*)what;
- (void)use:(emulator::Users&)users
     object:(id)object
     offset:(size_t)offset
      bytes:(size_t)bytes
    written:(BOOL)written
       name:(const std::shared_ptr<const std::string>&)name;
- (void)updateFence:(id<MTLFence>)fence;
- (void)waitForFence:(id<MTLFence>)fence;
@end

@interface EmulatedComputeEncoder : EmulatedEncoder <MTLComputeCommandEncoder> {
  id<MTLComputePipelineState> _pipeline;
  std::array<emulator::Bound, emulator::kMaxBuffers> _bound;
  size_t _threadgroupBytes;
}
- (void)bind:(NSUInteger)index bytes:(size_t)bytes;
@end

@interface EmulatedBlitEncoder : EmulatedEncoder <MTLBlitCommandEncoder>
@end

@interface EmulatedLibrary : EmulatedPart <MTLLibrary> {
 @public
  std::shared_ptr<const emulator::Library> _library;
  std::string _identity;
  NSUInteger _maxThreads;
}
/// Null with an error that has the compiler's messages.
- (instancetype)initWithDevice:(id<MTLDevice>)device
                        source:(NSString*)source
                       options:(MTLCompileOptions*)options
                         error:(NSError**)error;
@end

@interface EmulatedFunction : EmulatedPart <MTLFunction> {
 @public
  EmulatedLibrary* _library;
  std::string _name;
  std::map<uint32_t, emulator::ConstantValue> _constants;
}
/// What it is compiled from: equal for functions of equal libraries with equal constants.
- (std::string)identity;
@end

@interface EmulatedPipelineState : EmulatedPart <MTLComputePipelineState> {
 @public
  std::shared_ptr<emulator::PipelineState> _state;
}
- (instancetype)initWithDevice:(id<MTLDevice>)device
                    descriptor:(MTLComputePipelineDescriptor*)descriptor
                         error:(NSError**)error;
@end

@interface EmulatedBinaryArchive : EmulatedPart <MTLBinaryArchive> {
  std::set<std::string> _functions;
}
- (BOOL)holds:(const std::string&)identity;
- (instancetype)initWithDevice:(id<MTLDevice>)device
                    descriptor:(MTLBinaryArchiveDescriptor*)descriptor
                         error:(NSError**)error;
@end

@interface EmulatedResidencySet : EmulatedPart <MTLResidencySet> {
  NSMutableSet* _pending;
  NSMutableSet* _committed;
}
@end

struct MTLFunctionConstantState {
  std::map<uint32_t, emulator::ConstantValue> values;
};

@interface MTLFunctionConstantValues ()
- (MTLFunctionConstantState*)state;
@end

@interface MTLCaptureManager ()
/// What a command buffer holds, while a capture runs.
- (void)capture:(const emulator::Submission&)submission;
@end
