// What encoders have in common: they begin and end once, one at a time.
#include "host/objects.h"

@implementation EmulatedEncoder
+ (const char*)metalName {
  return "MTLCommandEncoder";
}

- (instancetype)initWithCommandBuffer:(EmulatedCommandBuffer*)commandBuffer kind:(const char*)kind serial:(BOOL)serial {
  self = [super initWithDevice:commandBuffer.device];
  _commandBuffer = [commandBuffer retain];
  _submission = commandBuffer->_submission;
  _kind = kind;
  _pass = std::make_shared<emulator::EncodedPass>();
  _pass->pass = std::make_shared<emulator::Pass>(_kind + " of " + _submission->self->name());
  _pass->serial = serial;
  if (![commandBuffer records:kind]) {
    _ended = YES;
    _pass->pass->observed = 1;
    return self;
  }
  if (_submission->encoding) {
    emulator::fault(*_submission, "encoder not ended", "", "another encoder was asked for before endEncoding");
  }
  _submission->encoding = true;
  _submission->items.push_back(_pass);
  _submission->passes.push_back(_pass->pass);
  return self;
}

- (void)dealloc {
  if (!_ended) {
    emulator::fault(*_submission, "encoder not ended", "", _pass->pass->name() + " was released without endEncoding");
  }
  [_commandBuffer release];
  [super dealloc];
}

- (void)setLabel:(NSString*)label {
  [super setLabel:label];
  _pass->pass->rename(emulator::labelled(_kind, label) + " of " + _submission->self->name());
}

- (BOOL)records:(const char*)what {
  if (!_ended) return YES;
  emulator::fault(*_submission, "encoder used after endEncoding", "", what);
  return NO;
}

- (void)endEncoding {
  if (![self records:"endEncoding"]) return;
  if (_groups != 0) emulator::fault(*_submission, "debug group", "", "pushed, and never popped");
  _ended = YES;
  _submission->encoding = false;
}

- (void)use:(emulator::Users&)users
     object:(id)object
     offset:(size_t)offset
      bytes:(size_t)bytes
    written:(BOOL)written
       name:(const std::shared_ptr<const std::string>&)name {
  users.add({_pass->pass, offset, bytes, written != NO, _commandBuffer->_retains != NO, name});
  [_commandBuffer keep:object];
}

- (EmulatedFence*)fence:(id<MTLFence>)fence for:(const char*)what {
  if (![self records:what]) return nil;
  EmulatedFence* const emulated = (EmulatedFence*)fence;
  static const auto name = std::make_shared<const std::string>("fence");
  [self use:emulated->_state->users object:emulated offset:0 bytes:SIZE_MAX written:NO name:name];
  return emulated;
}

- (void)updateFence:(id<MTLFence>)fence {
  EmulatedFence* const emulated = [self fence:fence for:"updateFence:"];
  if (emulated != nil) _pass->commands.push_back(emulator::UpdateFenceCommand{emulated->_state});
}

- (void)waitForFence:(id<MTLFence>)fence {
  EmulatedFence* const emulated = [self fence:fence for:"waitForFence:"];
  if (emulated == nil) return;
  for (const emulator::Command& command : _pass->commands) {
    const auto* const update = std::get_if<emulator::UpdateFenceCommand>(&command);
    if (update != nullptr && update->fence == emulated->_state) {
      emulator::fault(*_submission, "fence order", "", "an encoder waits for a fence that it updated before");
    }
  }
  _pass->commands.push_back(emulator::WaitFenceCommand{emulated->_state});
}

- (void)insertDebugSignpost:(NSString*)string {
  if (string != nil) [self records:"insertDebugSignpost:"];
}

- (void)pushDebugGroup:(NSString*)string {
  if ([self records:"pushDebugGroup:"] && string != nil) ++_groups;
}

- (void)popDebugGroup {
  if (![self records:"popDebugGroup"]) return;
  if (_groups == 0) {
    emulator::fault(*_submission, "debug group", "", "popped, and never pushed");
  } else {
    --_groups;
  }
}
@end
