// The state behind one instance of the library: its memory, programs, buffers and asynchronous runs.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "addon/handles.h"
#include "addon/run_queue.h"
#include "addon/views.h"
#include "addon/weak.h"
#include "gpu/device.h"
#include "memory/allocator.h"
#include "program/executable.h"
#include "program/status.h"

namespace metalgrad::addon {

/// A buffer that JavaScript knows, with the object whose life it shares.
struct HeldBuffer {
  memory::BufferRef buffer;
  napi_ref owner = nullptr;
};

/// What a run reads.
struct Arguments {
  std::vector<memory::BufferRef> inputs;
  std::vector<uint64_t> args;
};

/// Used on its environment's thread. Lives as long as one of the functions that were made for it, at most until the
/// environment ends; then runs in flight are ended, and everything is freed.
class Instance {
 public:
  static Instance* create(Napi::Env env);
  void retain() { references_++; }
  void release(uint32_t count = 1);

  int fail(Status status, std::string message);
  int fail(Outcome outcome) { return fail(outcome.status, std::move(outcome.message)); }
  const std::string& lastError() const { return lastError_; }
  int lastStatus() const { return lastStatus_; }

  int load(std::span<const int32_t> words, std::string label);
  void unload(int32_t program);
  /// The program, or null with the failure noted.
  std::shared_ptr<const Executable> program(int32_t handle);

  /// The buffer, or an empty reference with the failure noted.
  memory::BufferRef buffer(int32_t handle);
  /// Waits until the buffer is written; false with the failure noted if it could not be.
  bool settle(const memory::BufferRef& buffer);
  /// A handle, or a negative status. Takes `owner`.
  int hold(memory::BufferRef buffer, napi_ref owner);
  void releaseBuffer(int32_t handle);
  int collect();

  /// Queues a run; `done` is called with its status and message.
  int push(std::shared_ptr<const Executable> program, Arguments arguments, std::vector<memory::BufferRef> outputs,
           const Napi::Function& done);
  void synchronize() { queue_.waitForAll(); }

  napi_value view(const memory::BufferRef& buffer) { return views_.of(env_, buffer); }
  /// Null when the machine has none.
  const std::shared_ptr<gpu::Device>& gpu() const { return gpu_; }
  const std::shared_ptr<memory::Allocator>& allocator() const { return allocator_; }
  size_t buffers() const { return buffers_.size(); }
  size_t programs() const { return programs_.size(); }

 private:
  explicit Instance(Napi::Env env);
  ~Instance() = default;
  static void environmentEnds(void* data);
  static void deliver(napi_env env, napi_value, void* context, void* data);
  void close();
  bool openCallbacks();
  napi_ref takeWaiter(uint64_t number);
  void forget(HeldBuffer& held);

  const napi_env env_;
  uint32_t references_ = 0;
  bool closed_ = false;
  std::string lastError_;
  int lastStatus_ = 0;

  const std::shared_ptr<gpu::Device> gpu_ = gpu::Device::shared();
  const std::shared_ptr<memory::Allocator> allocator_;
  Handles<std::shared_ptr<const Executable>> programs_;
  Handles<HeldBuffer> buffers_;
  Views views_;
  CollectionSentinel sentinel_;

  RunQueue queue_;
  napi_threadsafe_function callbacks_ = nullptr;
  std::unordered_map<uint64_t, napi_ref> waiters_;
  uint64_t nextWaiter_ = 1;
};

}  // namespace metalgrad::addon
