// A Node addon: `run(name)` plays a scene and says what the emulator saw.
#include <node_api.h>

#include <string>

#include "metalgrad_emulator_node.h"
#include "tests/scene.h"

namespace {

using metalgrad_emulator::addFunction;
using metalgrad_emulator::number;
using metalgrad_emulator::text;

napi_value run(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  char name[128] = "";
  napi_get_value_string_utf8(env, argument, name, sizeof name, nullptr);
  const auto found = scenes().find(name);
  if (found == scenes().end()) {
    napi_throw_error(env, nullptr, (std::string("no scene '") + name + "'").c_str());
    return nullptr;
  }
  metalgrad_emulator_clear_faults();
  const size_t before = metalgrad_emulator_live(nullptr);
  std::string error;
  @autoreleasepool {
    Scene scene;
    found->second(scene);
    error = scene.error;
  }
  napi_value result = nullptr;
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "error", text(env, error));
  napi_set_named_property(env, result, "count", number(env, metalgrad_emulator_fault_count()));
  napi_set_named_property(env, result, "faults", metalgrad_emulator::faults(env, nullptr));
  napi_set_named_property(env, result, "leaked", number(env, metalgrad_emulator_live(nullptr) - before));
  return result;
}

napi_value hasDevice(napi_env env, napi_callback_info) {
  napi_value result = nullptr;
  @autoreleasepool {
    napi_get_boolean(env, [MTLCreateSystemDefaultDevice() autorelease] != nil, &result);
  }
  return result;
}

/// Commits a dispatch that takes a while, and does not wait.
napi_value leave(napi_env, napi_callback_info) {
  @autoreleasepool {
    Scene scene;
    id<MTLCommandBuffer> const commands = [scene.queue commandBuffer];
    id<MTLComputeCommandEncoder> const encoder = Scene::concurrent(commands);
    Scene::dispatch(encoder, scene.pipeline("write 0 0 64\nsleep 200"), scene.buffer());
    [encoder endEncoding];
    [commands addCompletedHandler:^(id<MTLCommandBuffer>){
    }];
    [commands commit];
    [commands waitUntilScheduled];
  }
  return nullptr;
}

napi_value names(napi_env env, napi_callback_info) {
  napi_value result = nullptr;
  napi_create_array(env, &result);
  uint32_t index = 0;
  for (const auto& [name, body] : scenes()) napi_set_element(env, result, index++, text(env, name));
  return result;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  addFunction(env, exports, "run", run);
  addFunction(env, exports, "names", names);
  addFunction(env, exports, "leave", leave);
  addFunction(env, exports, "hasDevice", hasDevice);
  napi_set_named_property(env, exports, "emulator", metalgrad_emulator::exports(env));
  return exports;
}
