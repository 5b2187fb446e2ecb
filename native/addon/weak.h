// Weak references to JavaScript objects, polled instead of finalized: finalizers do not run inside a synchronous loop.
#pragma once

#include <node_api.h>

namespace metalgrad::addon {

/// A weak reference, or null if `object` is no object.
inline napi_ref weakReference(napi_env env, napi_value object) {
  napi_ref reference = nullptr;
  return napi_create_reference(env, object, 0, &reference) == napi_ok ? reference : nullptr;
}

/// The object, or null once it was collected.
inline napi_value target(napi_env env, napi_ref reference) {
  napi_value object = nullptr;
  return napi_get_reference_value(env, reference, &object) == napi_ok ? object : nullptr;
}

/// Tells whether V8 collected garbage since the last time it was asked.
class CollectionSentinel {
 public:
  bool collected(napi_env env);
  void close(napi_env env);

 private:
  /// An object that nothing else refers to.
  napi_ref object_ = nullptr;
};

}  // namespace metalgrad::addon
