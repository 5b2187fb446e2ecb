// Faults in what is bound and dispatched.
#include <vector>

#include "tests/scene.h"

namespace {

const MTLSize kOne = MTLSizeMake(1, 1, 1);

/// A dispatch of `script` by an encoder that `set` has prepared.
SceneBody dispatching(const char* script, void (*set)(Scene&, id<MTLComputeCommandEncoder>), MTLSize groups = kOne,
                      MTLSize threads = kOne) {
  return [=](Scene& scene) {
    id<MTLCommandBuffer> const commands = scene.commands();
    id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
    if (script != nullptr) [encoder setComputePipelineState:scene.pipeline(script)];
    set(scene, encoder);
    [encoder dispatchThreadgroups:groups threadsPerThreadgroup:threads];
    [encoder endEncoding];
    scene.run(commands);
  };
}

void bindFirst(Scene& scene, id<MTLComputeCommandEncoder> encoder) {
  [encoder setBuffer:scene.buffer() offset:0 atIndex:0];
}

const SceneRegistration all[] = {
    {"nothing wrong", dispatching("write 0 0 64", bindFirst)},
    {"no pipeline", dispatching(nullptr, bindFirst)},
    {"missing binding", dispatching("read 1 0 4", bindFirst)},
    {"missing threadgroup memory", dispatching("read 0 0 4\nthreadgroup 0", bindFirst)},
    {"inline bytes above 4 KB", dispatching("read 0 0 4",
                                            [](Scene&, id<MTLComputeCommandEncoder> encoder) {
                                              const std::vector<std::byte> bytes(4097);
                                              [encoder setBytes:bytes.data() length:bytes.size() atIndex:0];
                                            })},
    {"inline bytes", dispatching("read 0 0 4096",
                                 [](Scene&, id<MTLComputeCommandEncoder> encoder) {
                                   const std::vector<std::byte> bytes(4096);
                                   [encoder setBytes:bytes.data() length:bytes.size() atIndex:0];
                                 })},
    {"inline bytes that are written", dispatching("write 0 0 4",
                                                  [](Scene&, id<MTLComputeCommandEncoder> encoder) {
                                                    [encoder setBytes:"1234" length:4 atIndex:0];
                                                  })},
    {"32nd buffer", dispatching("read 0 0 4",
                                [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                  [encoder setBuffer:scene.buffer() offset:0 atIndex:31];
                                })},
    {"offset beyond the buffer", dispatching("read 0 0 4",
                                             [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                               [encoder setBuffer:scene.buffer(256) offset:256 atIndex:0];
                                             })},
    {"misaligned offset", dispatching("read 0 0 4\nalign 0 4",
                                      [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                        [encoder setBuffer:scene.buffer() offset:2 atIndex:0];
                                      })},
    {"beyond the bound array", dispatching("read 0 0 64",
                                           [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                             [encoder setBuffer:scene.buffer() offset:128 atIndex:0];
                                             metalgrad_emulator_bound(encoder, 0, 60);
                                           })},
    {"bound array beyond the buffer", dispatching("read 0 0 4",
                                                  [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                                    [encoder setBuffer:scene.buffer(256) offset:128 atIndex:0];
                                                    metalgrad_emulator_bound(encoder, 0, 129);
                                                  })},
    {"1025 threads", dispatching("read 0 0 4", bindFirst, kOne, MTLSizeMake(41, 25, 1))},
    {"threads above the pipeline's limit", dispatching("read 0 0 4\nthreads 512", bindFirst, kOne,
                                                       MTLSizeMake(513, 1, 1))},
    {"no threadgroups", dispatching("read 0 0 4", bindFirst, MTLSizeMake(0, 1, 1))},
    {"grid above 32 bits", dispatching("read 0 0 4", bindFirst, MTLSizeMake(1 << 30, 1, 1), MTLSizeMake(4, 1, 1))},
    {"threadgroup memory above 32 KB", dispatching("read 0 0 4\nthreadgroup 0\nstatic 16384",
                                                   [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                                     bindFirst(scene, encoder);
                                                     [encoder setThreadgroupMemoryLength:16400 atIndex:0];
                                                   })},
    {"threadgroup memory of 20 bytes", dispatching("read 0 0 4\nthreadgroup 0",
                                                   [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                                     bindFirst(scene, encoder);
                                                     [encoder setThreadgroupMemoryLength:20 atIndex:0];
                                                   })},
    {"fault of the shader", dispatching("read 0 0 4\nfault race", bindFirst)},
    {"static threadgroup memory above 32 KB", [](Scene& scene) { scene.pipeline("static 32784"); }},
    {"memory that nothing wrote", dispatching("read 0 0 4",
                                              [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                                id<MTLBuffer> const buffer =
                                                    [[scene.device newBufferWithLength:64
                                                                               options:kUntracked] autorelease];
                                                [encoder setBuffer:buffer offset:0 atIndex:0];
                                              })},
    {"memory that was forgotten", dispatching("read 0 0 4",
                                              [](Scene& scene, id<MTLComputeCommandEncoder> encoder) {
                                                id<MTLBuffer> const buffer = scene.buffer();
                                                metalgrad_emulator_forgotten([buffer contents], 64);
                                                [encoder setBuffer:buffer offset:0 atIndex:0];
                                              })},
    {"encoder used after endEncoding",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       [encoder endEncoding];
       Scene::dispatch(encoder, scene.pipeline("write 0 0 4"), scene.buffer());
       scene.run(commands);
     }},
    {"commit without endEncoding",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       Scene::dispatch(encoder, scene.pipeline("write 0 0 4"), scene.buffer());
       scene.run(commands);
       [encoder endEncoding];
     }},
    {"two open encoders",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const first = Scene::concurrent(commands);
       id<MTLComputeCommandEncoder> const second = Scene::concurrent(commands);
       [second endEncoding];
       [first endEncoding];
       scene.run(commands);
     }},
    {"committed twice",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       scene.run(commands);
       [commands commit];
     }},
    {"encoder after commit",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       scene.run(commands);
       [[commands computeCommandEncoder] endEncoding];
     }},
    {"wait before commit", [](Scene& scene) { [scene.commands() waitUntilCompleted]; }},
    {"unbalanced debug group",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
       [encoder popDebugGroup];
       [encoder endEncoding];
       scene.run(commands);
     }},
    {"copy out of bounds",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLBlitCommandEncoder> const encoder = [commands blitCommandEncoder];
       [encoder copyFromBuffer:scene.buffer(64)
                  sourceOffset:32
                      toBuffer:scene.buffer()
             destinationOffset:0
                          size:36];
       [encoder endEncoding];
       scene.run(commands);
     }},
    {"fill of 3 bytes",
     [](Scene& scene) {
       id<MTLCommandBuffer> const commands = scene.commands();
       id<MTLBlitCommandEncoder> const encoder = [commands blitCommandEncoder];
       [encoder fillBuffer:scene.buffer() range:NSMakeRange(0, 3) value:1];
       [encoder endEncoding];
       scene.run(commands);
     }},
    {"private storage",
     [](Scene& scene) { [[scene.device newBufferWithLength:64 options:MTLResourceStorageModePrivate] release]; }},
    {"fast math",
     [](Scene& scene) { [[scene.device newLibraryWithSource:@"kernel k" options:nil error:nullptr] release]; }},
};

}  // namespace
