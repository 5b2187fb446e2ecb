// Command buffers: what is recorded in them, their handlers, and what became of them.
#include <utility>

#include "host/engine.h"
#include "host/faults.h"
#include "host/objects.h"
#include "host/queue_room.h"

using emulator::Engine;

NSErrorDomain const MTLCommandBufferErrorDomain = @"MTLCommandBufferErrorDomain";

@implementation MTLCommandBufferDescriptor
@synthesize retainedReferences = _retainedReferences;
@synthesize errorOptions = _errorOptions;

- (instancetype)init {
  self = [super init];
  _retainedReferences = YES;
  return self;
}
@end

namespace {

using Handlers = std::vector<MTLCommandBufferHandler>;

void release(Handlers& handlers) {
  for (const MTLCommandBufferHandler handler : handlers) Block_release(handler);
  handlers.clear();
}

void call(Handlers& handlers, id<MTLCommandBuffer> commandBuffer) {
  for (const MTLCommandBufferHandler handler : handlers) handler(commandBuffer);
  release(handlers);
}

}  // namespace

@implementation EmulatedCommandBuffer
+ (const char*)metalName {
  return "MTLCommandBuffer";
}

- (instancetype)initWithQueue:(EmulatedQueue*)queue
           retainedReferences:(BOOL)retains
                 errorOptions:(MTLCommandBufferErrorOption)options {
  self = [super initWithDevice:queue.device];
  static std::atomic<uint64_t> made{0};
  _queue = [queue retain];
  _retains = retains;
  _errorOptions = options;
  _room = queue->_room;
  _name = "command buffer " + std::to_string(++made);
  _submission = std::make_shared<emulator::Submission>(queue->_number, _name);
  _retained = [[NSMutableArray alloc] init];
  return self;
}

- (void)dealloc {
  // A committed one holds itself until it is complete.
  if (!_committed) {
    Engine::get().abandon(_submission);
    _room->leave(false);
  }
  [_retained release];
  release(_scheduledHandlers);
  release(_completedHandlers);
  [_queue release];
  [super dealloc];
}

- (BOOL)records:(const char*)what {
  if (!_committed) return YES;
  emulator::fault("command buffer used after commit", std::string(what) + " of " + _submission->self->name());
  return NO;
}

- (void)keep:(id)object {
  if (_retains && object != nil) [_retained addObject:object];
}

- (id<MTLCommandQueue>)commandQueue {
  return _queue;
}

- (BOOL)retainedReferences {
  return _retains;
}

- (MTLCommandBufferErrorOption)errorOptions {
  return _errorOptions;
}

- (void)setLabel:(NSString*)label {
  [super setLabel:label];
  _submission->self->rename(emulator::labelled(_name, label));
}

- (id<MTLBlitCommandEncoder>)blitCommandEncoder {
  return [[[EmulatedBlitEncoder alloc] initWithCommandBuffer:self kind:"blit encoder" serial:NO] autorelease];
}

- (id<MTLComputeCommandEncoder>)computeCommandEncoder {
  return [self computeCommandEncoderWithDispatchType:MTLDispatchTypeSerial];
}

- (id<MTLComputeCommandEncoder>)computeCommandEncoderWithDispatchType:(MTLDispatchType)dispatchType {
  return [[[EmulatedComputeEncoder alloc] initWithCommandBuffer:self
                                                           kind:"compute encoder"
                                                         serial:dispatchType == MTLDispatchTypeSerial] autorelease];
}

- (EmulatedEvent*)event:(id<MTLEvent>)event for:(const char*)what {
  if (![self records:what]) return nil;
  if (_submission->encoding) emulator::fault(*_submission, "encoder not ended", "", what);
  EmulatedEvent* const emulated = (EmulatedEvent*)event;
  static const auto name = std::make_shared<const std::string>("event");
  emulated->_state->users.add({.pass = _submission->self, .retained = _retains != NO, .name = name});
  [self keep:emulated];
  return emulated;
}

- (void)encodeWaitForEvent:(id<MTLEvent>)event value:(uint64_t)value {
  EmulatedEvent* const emulated = [self event:event for:"encodeWaitForEvent:value:"];
  if (emulated != nil) _submission->items.push_back(emulator::WaitEvent{emulated->_state, value});
}

- (void)encodeSignalEvent:(id<MTLEvent>)event value:(uint64_t)value {
  EmulatedEvent* const emulated = [self event:event for:"encodeSignalEvent:value:"];
  if (emulated != nil) _submission->items.push_back(emulator::SignalEvent{emulated->_state, value});
}

- (void)pushDebugGroup:(NSString*)string {
  if (string != nil) ++_groups;
}

- (void)popDebugGroup {
  if (_groups-- == 0) emulator::fault(*_submission, "debug group", "", "popped, and never pushed");
}

- (void)addScheduledHandler:(MTLCommandBufferHandler)block {
  if ([self records:"addScheduledHandler:"]) _scheduledHandlers.push_back(Block_copy(block));
}

- (void)addCompletedHandler:(MTLCommandBufferHandler)block {
  if ([self records:"addCompletedHandler:"]) _completedHandlers.push_back(Block_copy(block));
}

- (void)enqueue {
  if ([self records:"enqueue"]) Engine::get().enqueue(_submission);
}

- (void)commit {
  if (![self records:"commit"]) return;
  if (_submission->encoding) {
    emulator::fault(*_submission, "encoder not ended", "", "committed without endEncoding");
  }
  _committed = YES;
  _room->commit();
  [self retain];
  [[MTLCaptureManager sharedCaptureManager] capture:*_submission];
  _submission->scheduled = [self] { [self callScheduled]; };
  _submission->completed = [self] { [self callCompleted]; };
  Engine::get().commit(_submission);
}

- (void)callScheduled {
  NSAutoreleasePool* const pool = [[NSAutoreleasePool alloc] init];
  call(_scheduledHandlers, self);
  [pool release];
}

- (void)callCompleted {
  NSAutoreleasePool* const pool = [[NSAutoreleasePool alloc] init];
  _room->leave(true);
  [_retained removeAllObjects];
  if (!_completedHandlers.empty()) Engine::get().observe(*_submission);
  call(_completedHandlers, self);
  [pool release];
  [self release];
}

- (void)waitUntilScheduled {
  if (_committed) {
    Engine::get().waitUntilScheduled(*_submission);
  } else {
    emulator::fault(*_submission, "wait before commit", "", "waitUntilScheduled would never end");
  }
}

- (void)waitUntilCompleted {
  if (_committed) {
    Engine::get().waitUntilCompleted(*_submission);
  } else {
    emulator::fault(*_submission, "wait before commit", "", "waitUntilCompleted would never end");
  }
}

- (MTLCommandBufferStatus)status {
  return static_cast<MTLCommandBufferStatus>(Engine::get().status(*_submission));
}

- (NSError*)error {
  const auto error = Engine::get().error(*_submission);
  NSError* made = nil;
  if (error) emulator::setError(&made, MTLCommandBufferErrorDomain, error->first, error->second);
  return made;
}

- (CFTimeInterval)GPUStartTime {
  return Engine::get().times(*_submission).first;
}

- (CFTimeInterval)GPUEndTime {
  return Engine::get().times(*_submission).second;
}

- (CFTimeInterval)kernelStartTime {
  return Engine::get().times(*_submission).first;
}

- (CFTimeInterval)kernelEndTime {
  return Engine::get().times(*_submission).second;
}
@end
