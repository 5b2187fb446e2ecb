#include "tests/scene.h"

std::map<std::string, SceneBody>& scenes() {
  static std::map<std::string, SceneBody> all;
  return all;
}

id<MTLComputePipelineState> Scene::pipeline(const char* script) {
  MTLCompileOptions* const options = [[[MTLCompileOptions alloc] init] autorelease];
  options.fastMathEnabled = NO;
  NSError* wrong = nil;
  NSString* const source = [NSString stringWithFormat:@"kernel k\n%s", script];
  id<MTLLibrary> const library = [[device newLibraryWithSource:source options:options error:&wrong] autorelease];
  id<MTLFunction> const function = [[library newFunctionWithName:@"k"] autorelease];
  if (function == nil) {
    error += [[wrong localizedDescription] UTF8String];
    return nil;
  }
  id<MTLComputePipelineState> const made = [[device newComputePipelineStateWithFunction:function
                                                                                  error:&wrong] autorelease];
  if (made == nil) error += [[wrong localizedDescription] UTF8String];
  return made;
}

void Scene::dispatch(id<MTLComputeCommandEncoder> encoder, id<MTLComputePipelineState> pipeline, id<MTLBuffer> buffer,
                     NSUInteger offset) {
  [encoder setComputePipelineState:pipeline];
  [encoder setBuffer:buffer offset:offset atIndex:0];
  [encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1) threadsPerThreadgroup:MTLSizeMake(1, 1, 1)];
}

void Scene::run(id<MTLCommandBuffer> commands) {
  [commands commit];
  [commands waitUntilCompleted];
  if ([commands status] == MTLCommandBufferStatusError) error += [[[commands error] localizedDescription] UTF8String];
}
