// Command queues.
#include <atomic>

#include "host/objects.h"
#include "host/queue_room.h"
#include "host/settings.h"

namespace {

std::atomic<uint64_t> queues{0};

}  // namespace

@implementation EmulatedQueue
+ (const char*)metalName {
  return "MTLCommandQueue";
}

- (BOOL)respondsToSelector:(SEL)selector {
  if (!emulator::hasMacos15() && sel_isEqual(selector, @selector(addResidencySet:))) return NO;
  return [super respondsToSelector:selector];
}

- (instancetype)initWithDevice:(id<MTLDevice>)device maxCommandBufferCount:(NSUInteger)count {
  self = [super initWithDevice:device];
  _number = ++queues;
  _room = std::make_shared<QueueRoom>(count);
  _residencySets = [[NSMutableArray alloc] init];
  return self;
}

- (void)dealloc {
  [_residencySets release];
  [super dealloc];
}

- (id<MTLCommandBuffer>)make:(BOOL)retains options:(MTLCommandBufferErrorOption)options {
  if (!_room->enter()) {
    emulator::fault(
        "too many command buffers",
        "all that the queue has room for exist and none of them is committed, so this call would never end");
  }
  return [[[EmulatedCommandBuffer alloc] initWithQueue:self retainedReferences:retains
                                          errorOptions:options] autorelease];
}

- (id<MTLCommandBuffer>)commandBuffer {
  return [self make:YES options:MTLCommandBufferErrorOptionNone];
}

- (id<MTLCommandBuffer>)commandBufferWithUnretainedReferences {
  return [self make:NO options:MTLCommandBufferErrorOptionNone];
}

- (id<MTLCommandBuffer>)commandBufferWithDescriptor:(MTLCommandBufferDescriptor*)descriptor {
  return [self make:descriptor.retainedReferences options:descriptor.errorOptions];
}

- (void)addResidencySet:(id<MTLResidencySet>)residencySet {
  if (!emulator::hasMacos15()) [self doesNotRecognizeSelector:_cmd];
  [_residencySets addObject:residencySet];
}
@end
