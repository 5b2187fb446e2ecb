// Binary archives. The emulated device compiles through a cache of its own, so an archive holds only the names of its
// functions: what the host does with archives is tested, and the file is written and read.
#include "host/objects.h"

namespace {

NSString* const kHeader = @"metalgrad emulator archive 1";

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
  _names = [[NSMutableSet alloc] init];
  if (descriptor.url == nil) return self;
  NSString* const text = [NSString stringWithContentsOfFile:[descriptor.url path]
                                                   encoding:NSUTF8StringEncoding
                                                      error:nullptr];
  NSArray* const lines = [text componentsSeparatedByString:@"\n"];
  if (text == nil || ![[lines objectAtIndex:0] isEqualToString:kHeader]) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorFileNotFound,
                       "no archive at " + emulator::text([descriptor.url path]));
    [self release];
    return nil;
  }
  for (NSUInteger i = 1; i < [lines count]; ++i) [_names addObject:[lines objectAtIndex:i]];
  return self;
}

- (void)dealloc {
  [_names release];
  [super dealloc];
}

- (BOOL)addComputePipelineFunctionsWithDescriptor:(MTLComputePipelineDescriptor*)descriptor error:(NSError**)error {
  if (descriptor.computeFunction == nil) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorFunctionNotFound, "the descriptor has no function");
    return NO;
  }
  [_names addObject:descriptor.computeFunction.name];
  return YES;
}

- (BOOL)serializeToURL:(NSURL*)url error:(NSError**)error {
  NSMutableArray* const lines = [NSMutableArray arrayWithObject:kHeader];
  [lines addObjectsFromArray:[[_names allObjects] sortedArrayUsingSelector:@selector(compare:)]];
  return [[lines componentsJoinedByString:@"\n"] writeToFile:[url path]
                                                  atomically:YES
                                                    encoding:NSUTF8StringEncoding
                                                       error:error];
}
@end
