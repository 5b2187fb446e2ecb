// Captures: the trace is a text with a line for each command of each command buffer that was committed meanwhile.
#include <mutex>

#include "host/objects.h"

namespace {

std::mutex capturing;
std::string trace;

std::string describe(const emulator::Command& command) {
  if (const auto* dispatch = std::get_if<emulator::DispatchCommand>(&command)) {
    std::string line = "dispatch " + *dispatch->pipeline->name;
    for (const uint32_t groups : dispatch->grid.groups) line += " " + std::to_string(groups);
    line += " of";
    for (const uint32_t threads : dispatch->grid.threads) line += " " + std::to_string(threads);
    return line;
  }
  if (const auto* copy = std::get_if<emulator::CopyCommand>(&command)) return "copy " + std::to_string(copy->bytes);
  if (const auto* fill = std::get_if<emulator::FillCommand>(&command)) return "fill " + std::to_string(fill->bytes);
  if (std::holds_alternative<emulator::BarrierCommand>(command)) return "barrier";
  return std::holds_alternative<emulator::WaitFenceCommand>(command) ? "wait for fence" : "update fence";
}

}  // namespace

@implementation MTLCaptureDescriptor
@synthesize captureObject = _captureObject;
@synthesize destination = _destination;
@synthesize outputURL = _outputURL;

- (void)dealloc {
  [_captureObject release];
  [_outputURL release];
  [super dealloc];
}

- (id)copyWithZone:(NSZone*)zone {
  MTLCaptureDescriptor* const copy = [[[self class] allocWithZone:zone] init];
  copy.captureObject = _captureObject;
  copy.destination = _destination;
  copy.outputURL = _outputURL;
  return copy;
}
@end

@implementation MTLCaptureManager
+ (MTLCaptureManager*)sharedCaptureManager {
  static MTLCaptureManager* const shared = [[MTLCaptureManager alloc] init];
  return shared;
}

- (BOOL)isCapturing {
  const std::lock_guard lock(capturing);
  return _path != nil;
}

- (BOOL)supportsDestination:(MTLCaptureDestination)destination {
  return destination == MTLCaptureDestinationGPUTraceDocument;
}

- (BOOL)startCaptureWithDescriptor:(MTLCaptureDescriptor*)descriptor error:(NSError**)error {
  const std::lock_guard lock(capturing);
  NSString* const path = [descriptor.outputURL path];
  const char* wrong = nullptr;
  if (_path != nil) wrong = "a capture runs";
  if (descriptor.captureObject == nil) wrong = "there is nothing to capture";
  if (![self supportsDestination:descriptor.destination]) wrong = "only a trace document can be written";
  if (path == nil || [[NSFileManager defaultManager] fileExistsAtPath:path]) wrong = "the file exists, or has no name";
  if (wrong != nullptr) {
    emulator::setError(error, @"MTLCaptureError", 1, wrong);
    return NO;
  }
  _path = [path copy];
  trace.clear();
  return YES;
}

- (void)stopCapture {
  const std::lock_guard lock(capturing);
  if (_path == nil) return;
  if (![emulator::string(trace) writeToFile:_path atomically:YES encoding:NSUTF8StringEncoding error:nullptr]) {
    emulator::fault("capture", "cannot write " + emulator::text(_path));
  }
  [_path release];
  _path = nil;
}

- (void)capture:(const emulator::Submission&)submission {
  const std::lock_guard lock(capturing);
  if (_path == nil) return;
  trace += submission.self->name() + "\n";
  for (const emulator::Item& item : submission.items) {
    if (const auto* pass = std::get_if<std::shared_ptr<emulator::EncodedPass>>(&item)) {
      trace += "  " + (*pass)->pass->name() + "\n";
      for (const emulator::Command& command : (*pass)->commands) trace += "    " + describe(command) + "\n";
    } else {
      trace += std::holds_alternative<emulator::SignalEvent>(item) ? "  signal event\n" : "  wait for event\n";
    }
  }
}
@end
