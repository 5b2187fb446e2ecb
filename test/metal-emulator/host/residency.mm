// Residency sets: they hold what was added until its removal is committed.
#include "host/objects.h"

@implementation MTLResidencySetDescriptor
- (id)copyWithZone:(NSZone*)zone {
  return [[[self class] allocWithZone:zone] init];
}
@end

@implementation EmulatedResidencySet
+ (const char*)metalName {
  return "MTLResidencySet";
}

- (instancetype)initWithDevice:(id<MTLDevice>)device {
  self = [super initWithDevice:device];
  _pending = [[NSMutableSet alloc] init];
  _committed = [[NSMutableSet alloc] init];
  return self;
}

- (void)dealloc {
  [_pending release];
  [_committed release];
  [super dealloc];
}

- (void)requestResidency {
}

- (void)addAllocation:(id<MTLAllocation>)allocation {
  @synchronized(self) {
    [_pending addObject:allocation];
  }
}

- (void)removeAllocation:(id<MTLAllocation>)allocation {
  @synchronized(self) {
    if (![_pending containsObject:allocation]) {
      emulator::fault("residency", "an allocation is removed that was never added");
    }
    [_pending removeObject:allocation];
  }
}

- (void)commit {
  @synchronized(self) {
    @autoreleasepool {
      [_committed setSet:_pending];
    }
  }
}
@end
