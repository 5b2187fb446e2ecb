#include "host/objects.h"

#include <map>
#include <mutex>
#include <sstream>

#include "host/engine.h"
#include "host/faults.h"

namespace emulator {

namespace {

struct Counts {
  std::mutex mutex;
  std::map<std::string, size_t> live;
};

Counts& counts() {
  static Counts* const everlasting = new Counts;
  return *everlasting;
}

}  // namespace

void objectMade(const char* protocol) {
  const std::lock_guard lock(counts().mutex);
  ++counts().live[protocol];
}

void objectGone(const char* protocol) {
  const std::lock_guard lock(counts().mutex);
  --counts().live[protocol];
}

size_t liveObjects(const char* name) {
  {
    const std::lock_guard lock(counts().mutex);
    if (name == nullptr) {
      size_t live = 0;
      for (const auto& [protocol, count] : counts().live) live += count;
      return live;
    }
    const auto found = counts().live.find(name);
    if (found != counts().live.end()) return found->second;
  }
  const Class other = objc_lookUpClass(name);
  return other == Nil ? 0 : static_cast<size_t>(GSDebugAllocationCount(other));
}

size_t allObjects(std::string& classes) {
  @autoreleasepool {
    classes = GSDebugAllocationList(NO);
  }
  std::istringstream lines(classes);
  size_t live = 0, count = 0;
  for (std::string name; lines >> count >> name;) live += count;
  return live;
}

void countObjects() {
  static const BOOL counting = GSDebugAllocationActive(YES);
  (void)counting;
}

NSString* string(const std::string& text) { return [NSString stringWithUTF8String:text.c_str()]; }

void setError(NSError** error, NSErrorDomain domain, NSInteger code, const std::string& text) {
  if (error == nullptr) return;
  *error = [NSError errorWithDomain:domain
                               code:code
                           userInfo:[NSDictionary dictionaryWithObject:string(text) forKey:NSLocalizedDescriptionKey]];
}

void fault(Submission& submission, const char* kind, const std::string& kernel, const std::string& detail) {
  const std::string text = report({.kind = kind, .kernel = kernel, .place = submission.self->name(), .detail = detail});
  if (submission.status < Status::committed && !submission.error) {
    submission.error = {MTLCommandBufferErrorInvalidResource, text};
  }
}

void fault(const char* kind, const std::string& detail) {
  report({.kind = kind, .kernel = "", .place = "", .detail = detail});
}

void checkReleased(Users& users, const char* what, NSString* label) {
  const auto use = users.unretained();
  if (!use) return;
  report({.kind = std::string(what) + " released while in use",
          .kernel = *use->name,
          .place = use->pass->name(),
          .detail = (label == nil ? std::string("it") : "'" + text(label) + "'") +
                    " is used by commands that nothing waited for, and that do not retain it"});
}

}  // namespace emulator

@implementation EmulatedObject
@synthesize label = _label;

+ (const char*)metalName {
  return "";
}

+ (id)allocWithZone:(NSZone*)zone {
  emulator::objectMade([self metalName]);
  return [super allocWithZone:zone];
}

- (void)dealloc {
  [_label release];
  emulator::objectGone([[self class] metalName]);
  [super dealloc];
}
@end

@implementation EmulatedPart
- (instancetype)initWithDevice:(id<MTLDevice>)device {
  self = [super init];
  _device = [device retain];
  return self;
}

- (void)dealloc {
  [_device release];
  [super dealloc];
}

- (id<MTLDevice>)device {
  return _device;
}
@end
