// Asks the pipelines that programs use.
#include "addon/shader_check.h"

#include <string>

#include "gpu/device.h"

namespace metalgrad::addon {

Napi::Value compileShader(const Napi::CallbackInfo& info) {
  Outcome outcome;
  const auto device = gpu::Device::shared();
  if (device) {
    device->pipelines().get(info[0].As<Napi::String>(), info[1].As<Napi::String>(), {}, outcome);
  } else {
    outcome.message = "there is no GPU";
  }
  return Napi::String::New(info.Env(), outcome.message);
}

}  // namespace metalgrad::addon
