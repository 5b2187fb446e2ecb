// Copies and fills, which nothing orders inside an encoder. As on macOS, offsets and sizes are multiples of 4.
#include "host/objects.h"

@implementation EmulatedBlitEncoder
+ (const char*)metalName {
  return "MTLBlitCommandEncoder";
}

- (BOOL)check:(const char*)what buffer:(EmulatedBuffer*)buffer offset:(NSUInteger)offset size:(NSUInteger)size {
  const std::string part = std::string(what) + ": " + std::to_string(size) + " bytes at " + std::to_string(offset);
  if (buffer == nil) {
    emulator::fault(*_submission, "missing buffer", "", part);
    return NO;
  }
  if (size == 0 || offset > buffer.length || size > buffer.length - offset) {
    emulator::fault(*_submission, "out of bounds", "",
                    part + " of a buffer of " + std::to_string(buffer.length) + " bytes");
    return NO;
  }
  if (offset % 4 != 0 || size % 4 != 0) {
    emulator::fault(*_submission, "misaligned blit", "", part + ", where multiples of 4 are asked for");
    return NO;
  }
  return YES;
}

- (void)copyFromBuffer:(id<MTLBuffer>)sourceBuffer
          sourceOffset:(NSUInteger)sourceOffset
              toBuffer:(id<MTLBuffer>)destinationBuffer
     destinationOffset:(NSUInteger)destinationOffset
                  size:(NSUInteger)size {
  static const char* const name = "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:";
  static const auto user = std::make_shared<const std::string>("copyFromBuffer");
  if (![self records:name]) return;
  EmulatedBuffer* const source = (EmulatedBuffer*)sourceBuffer;
  EmulatedBuffer* const destination = (EmulatedBuffer*)destinationBuffer;
  if (![self check:name buffer:source offset:sourceOffset size:size]) return;
  if (![self check:name buffer:destination offset:destinationOffset size:size]) return;
  if (source == destination && sourceOffset < destinationOffset + size && destinationOffset < sourceOffset + size) {
    emulator::fault(*_submission, "overlapping copy", "", name);
    return;
  }
  [self use:source->_allocation->users object:source offset:sourceOffset bytes:size written:NO name:user];
  [self use:destination->_allocation->users
       object:destination
       offset:destinationOffset
        bytes:size
      written:YES
         name:user];
  _pass->commands.push_back(
      emulator::CopyCommand{source->_allocation, destination->_allocation, sourceOffset, destinationOffset, size});
}

- (void)fillBuffer:(id<MTLBuffer>)buffer range:(NSRange)range value:(uint8_t)value {
  static const char* const name = "fillBuffer:range:value:";
  static const auto user = std::make_shared<const std::string>("fillBuffer");
  if (![self records:name]) return;
  EmulatedBuffer* const filled = (EmulatedBuffer*)buffer;
  if (![self check:name buffer:filled offset:range.location size:range.length]) return;
  [self use:filled->_allocation->users object:filled offset:range.location bytes:range.length written:YES name:user];
  _pass->commands.push_back(emulator::FillCommand{filled->_allocation, range.location, range.length, value});
}
@end
