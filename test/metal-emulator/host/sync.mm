// Fences and events.
#include "host/engine.h"
#include "host/objects.h"

@implementation EmulatedFence
+ (const char*)metalName {
  return "MTLFence";
}

- (instancetype)initWithDevice:(id<MTLDevice>)device {
  self = [super initWithDevice:device];
  _state = std::make_shared<emulator::FenceState>();
  return self;
}

- (void)dealloc {
  emulator::checkReleased(_state->users, "fence", self.label);
  [super dealloc];
}
@end

@implementation EmulatedEvent
+ (const char*)metalName {
  return "MTLEvent";
}

- (instancetype)initWithDevice:(id<MTLDevice>)device {
  self = [super initWithDevice:device];
  _state = std::make_shared<emulator::EventState>();
  return self;
}

- (void)dealloc {
  emulator::checkReleased(_state->users, "event", self.label);
  [super dealloc];
}
@end

@implementation EmulatedSharedEvent
+ (const char*)metalName {
  return "MTLSharedEvent";
}

- (uint64_t)signaledValue {
  return emulator::Engine::get().value(*_state);
}

- (void)setSignaledValue:(uint64_t)value {
  emulator::Engine::get().signal(*_state, value);
}
@end
