// Shader text compiled for a test: no part of a build that ships.
#pragma once

#include <napi.h>

namespace metalgrad::addon {

/// (source, function) → the device's message, or an empty text when there is a pipeline.
Napi::Value compileShader(const Napi::CallbackInfo& info);

}  // namespace metalgrad::addon
