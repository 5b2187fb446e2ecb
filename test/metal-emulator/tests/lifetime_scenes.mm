// Objects and memory that go, or are touched by the CPU, while commands use them; failures that the device has.
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "tests/scene.h"

namespace {

/// Commands that use `buffer` and wait until `event` is signalled.
id<MTLCommandBuffer> blocked(Scene& scene, id<MTLCommandBuffer> commands, id<MTLSharedEvent> event,
                             id<MTLBuffer> buffer, const char* script) {
  [commands encodeWaitForEvent:event value:1];
  id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
  Scene::dispatch(encoder, scene.pipeline(script), buffer);
  metalgrad_emulator_bound(encoder, 0, 64);
  [encoder endEncoding];
  [commands commit];
  return commands;
}

/// Does `meanwhile` while a dispatch of `script` on the buffer's first bytes waits to run.
SceneBody whileInUse(const char* script, void (*meanwhile)(id<MTLBuffer>)) {
  return [=](Scene& scene) {
    id<MTLSharedEvent> const event = scene.event();
    id<MTLBuffer> const buffer = scene.buffer();
    id<MTLComputePipelineState> const pipeline = scene.pipeline(script);
    id<MTLCommandBuffer> const commands = scene.commands();
    [commands encodeWaitForEvent:event value:1];
    id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
    [encoder setComputePipelineState:pipeline];
    [encoder setBuffer:buffer offset:0 atIndex:0];
    metalgrad_emulator_bound(encoder, 0, 64);
    [encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1) threadsPerThreadgroup:MTLSizeMake(1, 1, 1)];
    [encoder endEncoding];
    [commands commit];
    meanwhile(buffer);
    event.signaledValue = 1;
    [commands waitUntilCompleted];
  };
}

/// Releases a buffer while commands that `make` made wait to run.
SceneBody releasing(id<MTLCommandBuffer> (*make)(Scene&)) {
  return [=](Scene& scene) {
    id<MTLSharedEvent> const event = scene.event();
    id<MTLBuffer> const buffer = [scene.device newBufferWithLength:64 options:kUntracked];
    id<MTLCommandBuffer> const commands = blocked(scene, make(scene), event, buffer, "write 0 0 64");
    [buffer release];
    event.signaledValue = 1;
    [commands waitUntilCompleted];
  };
}

char* contents(id<MTLBuffer> buffer) { return static_cast<char*>([buffer contents]); }

const SceneRegistration all[] = {
    {"buffer released in use", releasing([](Scene& scene) { return scene.commands(); })},
    {"buffer that the command buffer retains", releasing([](Scene& scene) { return [scene.queue commandBuffer]; })},
    {"buffer released before anybody waited",
     [](Scene& scene) {
       id<MTLBuffer> const buffer = [scene.device newBufferWithLength:64 options:kUntracked];
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       Scene::dispatch(encoder, scene.pipeline("write 0 0 64"), buffer);
       [encoder endEncoding];
       [commands commit];
       [buffer release];
       [commands waitUntilCompleted];
     }},
    {"pipeline released in use",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       @autoreleasepool {
         Scene::dispatch(encoder, scene.pipeline("write 0 0 64"), scene.buffer());
         [encoder setComputePipelineState:scene.pipeline("write 0 0 4")];
       }
       [encoder endEncoding];
       scene.run(commands);
     }},
    {"CPU writes what is read",
     whileInUse("read 0 0 64", [](id<MTLBuffer> buffer) { metalgrad_emulator_written(contents(buffer) + 60, 8); })},
    {"CPU writes beside it",
     whileInUse("read 0 0 64", [](id<MTLBuffer> buffer) { metalgrad_emulator_written(contents(buffer) + 64, 64); })},
    {"CPU reads what is written",
     whileInUse("write 0 0 64", [](id<MTLBuffer> buffer) { metalgrad_emulator_read(contents(buffer), 4); })},
    {"CPU reads what is read",
     whileInUse("read 0 0 64", [](id<MTLBuffer> buffer) { metalgrad_emulator_read(contents(buffer), 4); })},
    {"memory given back in use",
     whileInUse("read 0 0 64", [](id<MTLBuffer> buffer) { metalgrad_emulator_forgotten(contents(buffer), 64); })},
    {"memory given back after the handler",
     [](Scene& scene) {
       id<MTLBuffer> const buffer = scene.buffer();
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       Scene::dispatch(encoder, scene.pipeline("write 0 0 64"), buffer);
       [encoder endEncoding];
       std::atomic<int> done{0};
       std::atomic<int>* const counted = &done;
       [commands addCompletedHandler:^(id<MTLCommandBuffer> completed) {
         metalgrad_emulator_forgotten([buffer contents], 64);
         *counted += [completed status] == MTLCommandBufferStatusCompleted ? 1 : 100;
       }];
       [commands commit];
       [commands waitUntilCompleted];
       metalgrad_emulator_live(nullptr);  // waits for handlers
       if (done != 1) scene.error = "the handler was not called once";
     }},
    {"out of memory",
     [](Scene& scene) {
       // The test sets METALGRAD_EMULATOR_MEMORY to 1 MiB.
       id<MTLBuffer> const most = [scene.device newBufferWithLength:3 << 18 options:kUntracked];
       id<MTLBuffer> const more = [scene.device newBufferWithLength:1 << 19 options:kUntracked];
       if (most == nil || more != nil) scene.error = "the limit does not hold";
       [most release];
       id<MTLBuffer> const again = [scene.device newBufferWithLength:1 << 19 options:kUntracked];
       if (again == nil) scene.error = "the memory did not come back";
       [again release];
     }},
    {"device removed",
     [](Scene& scene) {
       metalgrad_emulator_fail(MTLCommandBufferErrorDeviceRemoved, 1);
       id<MTLBuffer> const buffer = scene.buffer();
       for (const MTLCommandBufferStatus expected : {MTLCommandBufferStatusError, MTLCommandBufferStatusCompleted}) {
         id<MTLCommandBuffer> const commands = scene.commands();
         id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
         Scene::dispatch(encoder, scene.pipeline("write 0 0 64"), buffer);
         [encoder endEncoding];
         [commands commit];
         [commands waitUntilCompleted];
         const bool failed = expected == MTLCommandBufferStatusError;
         if ([commands status] != expected) scene.error = "another status";
         if (failed && [[commands error] code] != MTLCommandBufferErrorDeviceRemoved) scene.error = "another code";
         if (failed && ![[[commands error] domain] isEqualToString:MTLCommandBufferErrorDomain]) {
           scene.error = "another domain";
         }
       }
     }},
    {"compile error", [](Scene& scene) { scene.pipeline("error unknown type"); }},
    {"function constants",
     [](Scene& scene) {
       MTLCompileOptions* const options = [[[MTLCompileOptions alloc] init] autorelease];
       options.fastMathEnabled = NO;
       id<MTLLibrary> const library = [[scene.device newLibraryWithSource:@"kernel k\nconstant 2"
                                                                  options:options
                                                                    error:nullptr] autorelease];
       MTLFunctionConstantValues* const values = [[[MTLFunctionConstantValues alloc] init] autorelease];
       NSError* wrong = nil;
       if ([library newFunctionWithName:@"k" constantValues:values error:&wrong] != nil || wrong == nil) {
         scene.error = "a function without its constant";
       }
       const uint32_t value = 3;
       [values setConstantValue:&value type:MTLDataTypeUInt atIndex:2];
       id<MTLFunction> const function = [library newFunctionWithName:@"k" constantValues:values error:nullptr];
       if (function == nil || ![function.name isEqualToString:@"k"]) scene.error = "no function";
       [function release];
       if ([library newFunctionWithName:@"other"] != nil) scene.error = "a function that is not there";
     }},
    {"macOS 15",
     [](Scene& scene) {
       const bool has = [scene.device respondsToSelector:@selector(newResidencySetWithDescriptor:error:)];
       MTLCompileOptions* const options = [[[MTLCompileOptions alloc] init] autorelease];
       const bool modes = [options respondsToSelector:@selector(setMathMode:)];
       const char* const macos = std::getenv("METALGRAD_EMULATOR_MACOS");
       const bool expected = macos == nullptr || std::strcmp(macos, "14") != 0;
       if (has != expected || modes != expected) scene.error = "calls of another macOS";
       if (!has) return;
       MTLResidencySetDescriptor* const descriptor = [[[MTLResidencySetDescriptor alloc] init] autorelease];
       id<MTLResidencySet> const set = [[scene.device newResidencySetWithDescriptor:descriptor
                                                                              error:nullptr] autorelease];
       id<MTLBuffer> const buffer = [scene.device newBufferWithLength:64 options:kUntracked];
       [set addAllocation:buffer];
       [set commit];
       [scene.queue addResidencySet:set];
       [buffer release];
       if (metalgrad_emulator_live("MTLBuffer") != 1) scene.error = "a residency set holds its allocations";
       [set removeAllocation:buffer];
       [set commit];
       if (metalgrad_emulator_live("MTLBuffer") != 0) scene.error = "a residency set lets go what was removed";
     }},
    {"capture",
     [](Scene& scene) {
       MTLCaptureDescriptor* const descriptor = [[[MTLCaptureDescriptor alloc] init] autorelease];
       descriptor.captureObject = scene.device;
       descriptor.destination = MTLCaptureDestinationGPUTraceDocument;
       NSString* const path = [NSTemporaryDirectory()
           stringByAppendingPathComponent:[NSString stringWithFormat:@"emulator-%d.gputrace",
                                                                     [[NSProcessInfo processInfo] processIdentifier]]];
       descriptor.outputURL = [NSURL fileURLWithPath:path];
       MTLCaptureManager* const manager = [MTLCaptureManager sharedCaptureManager];
       if (![manager startCaptureWithDescriptor:descriptor error:nullptr]) scene.error = "no capture";
       id<MTLCommandBuffer> const commands = scene.commands();
       commands.label = @"step 7";
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       Scene::dispatch(encoder, scene.pipeline("write 0 0 64"), scene.buffer());
       [encoder endEncoding];
       scene.run(commands);
       [manager stopCapture];
       NSString* const trace = [NSString stringWithContentsOfFile:path encoding:NSUTF8StringEncoding error:nullptr];
       [[NSFileManager defaultManager] removeFileAtPath:path handler:nil];
       for (NSString* part : {@"step 7", @"dispatch k"}) {
         if ([trace rangeOfString:part].location == NSNotFound) scene.error = "the trace says too little";
       }
     }},
    {"binary archive",
     [](Scene& scene) {
       MTLBinaryArchiveDescriptor* const descriptor = [[[MTLBinaryArchiveDescriptor alloc] init] autorelease];
       id<MTLBinaryArchive> const archive = [[scene.device newBinaryArchiveWithDescriptor:descriptor
                                                                                    error:nullptr] autorelease];
       descriptor.url = [NSURL fileURLWithPath:@"/nowhere/archive"];
       NSError* wrong = nil;
       if ([scene.device newBinaryArchiveWithDescriptor:descriptor error:&wrong] != nil || wrong == nil) {
         scene.error = "an archive that is not there";
       }
       if (archive == nil || [archive serializeToURL:descriptor.url error:nullptr]) scene.error = "written nowhere";
     }},
    {"options are counted",
     [](Scene& scene) {
       const size_t before = metalgrad_emulator_live("MTLCompileOptions");
       MTLCompileOptions* const options = [[MTLCompileOptions alloc] init];
       if (metalgrad_emulator_live("MTLCompileOptions") != before + 1) scene.error = "one more is not counted";
       [options release];
       if (metalgrad_emulator_live("MTLCompileOptions") != before) scene.error = "it is still counted";
     }},
    {"leaked buffer", [](Scene& scene) { [scene.buffer() retain]; }},
    {"65 command buffers",
     [](Scene& scene) {
       for (int i = 0; i < 65; ++i) scene.commands();
     }},
    {"100,000 calls",
     [](Scene& scene) {
       id<MTLComputePipelineState> const pipeline = scene.pipeline("write 0 0 64");
       id<MTLBuffer> const buffer = scene.buffer();
       for (int i = 0; i < 2000; ++i) {
         @autoreleasepool {
           id<MTLCommandBuffer> const commands = scene.commands();
           id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
           for (int j = 0; j < 16; ++j) Scene::dispatch(encoder, pipeline, buffer, static_cast<NSUInteger>(j) * 64);
           [encoder endEncoding];
           [commands commit];
           [commands waitUntilCompleted];
           if ([commands status] != MTLCommandBufferStatusCompleted) scene.error = "a failure";
         }
       }
     }},
};

}  // namespace
