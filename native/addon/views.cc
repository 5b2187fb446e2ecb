// A view holds a reference to its buffer until V8 calls its finalizer.
#include "addon/views.h"

#include <cstring>
#include <memory>

namespace metalgrad::addon {
namespace {

/// What a loop that never returns to the event loop may leave unfinalized, before views become copies.
constexpr size_t kMaxUnreachable = size_t{256} << 20;

napi_value copyOf(napi_env env, const memory::Buffer& buffer) {
  napi_value array;
  void* data;
  if (napi_create_arraybuffer(env, buffer.bytes(), &data, &array) != napi_ok) return nullptr;
  if (buffer.bytes() > 0) std::memcpy(data, buffer.data(), buffer.bytes());
  return array;
}

}  // namespace

napi_value Views::of(napi_env env, const memory::BufferRef& buffer) {
  if (napi_value array = reachable(env, buffer)) return array;
  const bool many =
      bytes_ + buffer->bytes() > kMaxUnreachable && unreachableBytes(env) + buffer->bytes() > kMaxUnreachable;
  if (buffer->bytes() == 0 || many) return copyOf(env, *buffer);
  auto view = std::make_unique<View>(View{this, buffer, nullptr});
  napi_value array;
  const napi_status status =
      napi_create_external_arraybuffer(env, buffer->data(), buffer->bytes(), finalize, view.get(), &array);
  if (status == napi_no_external_buffers_allowed) return copyOf(env, *buffer);
  if (status != napi_ok) return nullptr;
  view->array = weakReference(env, array);
  bytes_ += buffer->bytes();
  views_.emplace(buffer.get(), view.release());  // the finalizer owns it now
  return array;
}

napi_value Views::reachable(napi_env env, const memory::BufferRef& buffer) {
  const auto [first, last] = views_.equal_range(buffer.get());
  for (auto entry = first; entry != last; ++entry) {
    napi_value array = target(env, entry->second->array);
    bool detached = false;
    if (array && napi_is_detached_arraybuffer(env, array, &detached) == napi_ok && !detached) return array;
  }
  return nullptr;
}

size_t Views::unreachableBytes(napi_env env) {
  size_t bytes = 0;
  for (const auto& [buffer, view] : views_) {
    if (!target(env, view->array)) bytes += buffer->bytes();
  }
  return bytes;
}

void Views::finalize(napi_env env, void*, void* hint) {
  const std::unique_ptr<View> view(static_cast<View*>(hint));
  Views* views = view->views;
  if (!views) return;
  napi_delete_reference(env, view->array);
  views->bytes_ -= view->buffer->bytes();
  const auto [first, last] = views->views_.equal_range(view->buffer.get());
  for (auto entry = first; entry != last; ++entry) {
    if (entry->second == view.get()) {
      views->views_.erase(entry);
      break;
    }
  }
}

void Views::close(napi_env env) {
  for (const auto& [buffer, view] : views_) {
    napi_delete_reference(env, view->array);
    view->views = nullptr;
  }
  views_.clear();
  bytes_ = 0;
}

}  // namespace metalgrad::addon
