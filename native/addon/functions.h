// The functions that lib/runtime/addon.ts describes.
#pragma once

#include <napi.h>

namespace metalgrad::addon {

/// An object with the functions, for a new instance of the library.
Napi::Value create(const Napi::CallbackInfo& info);

}  // namespace metalgrad::addon
