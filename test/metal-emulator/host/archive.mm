// Binary archives. The emulated device compiles through a cache of its own, so an archive holds only what its functions
// are: what the host does with archives is tested, the file is written and read, and what is in it counts as compiled.
#include <fstream>

#include "host/objects.h"

namespace {

constexpr const char* kHeader = "metalgrad emulator archive 2";

}  // namespace

@implementation MTLBinaryArchiveDescriptor
@synthesize url = _url;

- (void)dealloc {
  [_url release];
  [super dealloc];
}

- (id)copyWithZone:(NSZone*)zone {
  MTLBinaryArchiveDescriptor* const copy = [[[self class] allocWithZone:zone] init];
  copy.url = _url;
  return copy;
}
@end

@implementation EmulatedBinaryArchive
+ (const char*)metalName {
  return "MTLBinaryArchive";
}

- (instancetype)initWithDevice:(id<MTLDevice>)device
                    descriptor:(MTLBinaryArchiveDescriptor*)descriptor
                         error:(NSError**)error {
  self = [super initWithDevice:device];
  if (descriptor.url == nil) return self;
  std::ifstream file([[descriptor.url path] fileSystemRepresentation]);
  std::string line;
  if (!std::getline(file, line) || line != kHeader) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorFileNotFound,
                       "no archive at " + emulator::text([descriptor.url path]));
    [self release];
    return nil;
  }
  while (std::getline(file, line)) _functions.insert(line);
  return self;
}

- (BOOL)addComputePipelineFunctionsWithDescriptor:(MTLComputePipelineDescriptor*)descriptor error:(NSError**)error {
  if (descriptor.computeFunction == nil) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorFunctionNotFound, "the descriptor has no function");
    return NO;
  }
  if (_functions.insert([(EmulatedFunction*)descriptor.computeFunction identity]).second) ++emulator::compilations();
  return YES;
}

- (BOOL)holds:(const std::string&)identity {
  return _functions.contains(identity);
}

- (BOOL)serializeToURL:(NSURL*)url error:(NSError**)error {
  std::ofstream file([[url path] fileSystemRepresentation]);
  file << kHeader << "\n";
  for (const std::string& name : _functions) file << name << "\n";
  if (file.flush()) return YES;
  emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorInternal,
                     "cannot write " + emulator::text([url path]));
  return NO;
}
@end
