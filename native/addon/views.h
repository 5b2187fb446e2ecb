// ArrayBuffers over buffers' own memory.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <unordered_map>

#include "addon/weak.h"
#include "memory/buffer.h"

namespace metalgrad::addon {

/// Used on the environment's thread only. An ArrayBuffer's memory lives until V8 has freed its backing store, even when
/// that is after this object.
class Views {
 public:
  /// The ArrayBuffer of a buffer: the same one while it is reachable. A copy where memory that is not V8's is refused,
  /// or where too much of it waits for finalizers, which run only between tasks. Null for a failure.
  napi_value of(napi_env env, const memory::BufferRef& buffer);
  void close(napi_env env);

 private:
  struct View {
    Views* views;
    memory::BufferRef buffer;
    napi_ref array;
  };

  static void finalize(napi_env env, void* data, void* hint);
  napi_value reachable(napi_env env, const memory::BufferRef& buffer);
  size_t unreachableBytes(napi_env env);

  std::unordered_multimap<memory::Buffer*, View*> views_;
  size_t bytes_ = 0;
};

}  // namespace metalgrad::addon
