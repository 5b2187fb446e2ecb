// What Node calls when it loads the addon's file.
#include <dlfcn.h>
#include <napi.h>

#include "addon/functions.h"

#ifdef METALGRAD_EMULATOR
#include "addon/shader_check.h"
#include "metalgrad_emulator_node.h"
#endif

namespace {

/// Node unloads an addon with the last worker that used it, but the pool's threads stay: the file must stay, too.
void stayLoaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&stayLoaded), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  stayLoaded();
  exports.Set("create", Napi::Function::New<metalgrad::addon::create>(env, "create"));
#ifdef METALGRAD_EMULATOR
  exports.Set("emulator", Napi::Value(env, metalgrad_emulator::exports(env)));
  exports.Set("compileShader", Napi::Function::New<metalgrad::addon::compileShader>(env, "compileShader"));
#endif
  return exports;
}

}  // namespace

NODE_API_MODULE(metalgrad, initialize)
