// The sentinel: a fresh object dies in the next collection, however small that is.
#include "addon/weak.h"

namespace metalgrad::addon {
namespace {

class HandleScope {
 public:
  explicit HandleScope(napi_env env) : env_(env) { napi_open_handle_scope(env, &scope_); }
  ~HandleScope() { napi_close_handle_scope(env_, scope_); }
  HandleScope(const HandleScope&) = delete;
  HandleScope& operator=(const HandleScope&) = delete;

 private:
  napi_env env_;
  napi_handle_scope scope_ = nullptr;
};

}  // namespace

bool CollectionSentinel::collected(napi_env env) {
  const HandleScope scope(env);
  if (object_ && target(env, object_)) return false;
  close(env);
  napi_value object;
  if (napi_create_object(env, &object) == napi_ok) object_ = weakReference(env, object);
  return true;
}

void CollectionSentinel::close(napi_env env) {
  if (object_) napi_delete_reference(env, object_);
  object_ = nullptr;
}

}  // namespace metalgrad::addon
