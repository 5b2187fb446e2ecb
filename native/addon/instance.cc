// Lifetimes: handles, weak owners, callbacks of asynchronous runs, and the end of an environment.
#include "addon/instance.h"

#include <system_error>
#include <utility>

#include "addon/load.h"
#include "gpu/memory_source.h"
#include "memory/system_memory.h"

namespace metalgrad::addon {

namespace {

/// With a GPU, all arrays lie in memory that it shares.
std::shared_ptr<memory::Source> memorySource(const std::shared_ptr<gpu::Device>& gpu) {
  if (gpu) return std::make_shared<gpu::MemorySource>(gpu->runtime());
  return std::make_shared<memory::SystemSource>();
}

}  // namespace

Instance::Instance(Napi::Env env)
    : env_(env),
      allocator_(std::make_shared<memory::Allocator>(memorySource(gpu_))),
      queue_([this](std::unique_ptr<QueuedRun> run) {
        QueuedRun* ended = run.release();
        // Refused only while the environment ends: then nobody waits any more.
        if (napi_call_threadsafe_function(callbacks_, ended, napi_tsfn_nonblocking) != napi_ok) run.reset(ended);
      }) {}

Instance* Instance::create(Napi::Env env) {
  auto* instance = new Instance(env);
  napi_add_env_cleanup_hook(env, environmentEnds, instance);
  return instance;
}

void Instance::environmentEnds(void* data) {
  auto* instance = static_cast<Instance*>(data);
  const auto pending = static_cast<uint32_t>(instance->waiters_.size());
  instance->close();
  if (pending > 0) instance->release(pending);
}

void Instance::release(uint32_t count) {
  references_ -= count;
  if (references_ > 0) return;
  if (!closed_) {
    napi_remove_env_cleanup_hook(env_, environmentEnds, this);
    close();
    if (callbacks_) napi_release_threadsafe_function(callbacks_, napi_tsfn_release);
  }
  delete this;
}

void Instance::close() {
  closed_ = true;
  queue_.stop();
  for (const auto& [number, done] : waiters_) napi_delete_reference(env_, done);
  waiters_.clear();
  buffers_.removeIf([this](HeldBuffer& held) {
    forget(held);
    return true;
  });
  programs_.removeIf([](const auto&) { return true; });
  views_.close(env_);
  sentinel_.close(env_);
}

int Instance::fail(Status status, std::string message) {
  lastError_ = std::move(message);
  lastStatus_ = static_cast<int>(status);
  return lastStatus_;
}

int Instance::load(std::span<const int32_t> words, std::string label) {
  Outcome outcome;
  auto executable = addon::load(words, std::move(label), gpu_, outcome);
  if (!executable) return fail(std::move(outcome));
  const int32_t handle = programs_.add(std::move(executable));
  return handle > 0 ? handle : fail(Status::outOfMemory, "too many programs are loaded");
}

void Instance::unload(int32_t program) {
  if (programs_.find(program)) programs_.remove(program);
}

std::shared_ptr<const Executable> Instance::program(int32_t handle) {
  if (const auto* found = programs_.find(handle)) return *found;
  fail(Status::invalidHandle, "no program has the handle " + std::to_string(handle));
  return nullptr;
}

memory::BufferRef Instance::buffer(int32_t handle) {
  if (const auto* found = buffers_.find(handle)) return found->buffer;
  fail(Status::invalidHandle, "no buffer has the handle " + std::to_string(handle));
  return {};
}

bool Instance::settle(const memory::BufferRef& buffer) {
  queue_.wait(buffer->writer);
  if (!buffer->failed) return true;
  fail(Status::deviceFailure, "the asynchronous evaluation that computes this array failed");
  return false;
}

int Instance::hold(memory::BufferRef buffer, napi_ref owner) {
  const int32_t handle = buffers_.add({.buffer = std::move(buffer), .owner = owner});
  if (handle == 0) {
    napi_delete_reference(env_, owner);
    return fail(Status::outOfMemory, "too many arrays are alive");
  }
  return handle;
}

void Instance::forget(HeldBuffer& held) {
  if (held.owner) napi_delete_reference(env_, held.owner);
}

void Instance::releaseBuffer(int32_t handle) {
  HeldBuffer* held = buffers_.find(handle);
  if (!held) return;
  forget(*held);
  buffers_.remove(handle);
}

int Instance::collect() {
  if (!sentinel_.collected(env_)) return 0;
  int freed = 0;
  // Each look at a living owner makes a handle: a scope for some hundreds keeps them few.
  napi_handle_scope scope = nullptr;
  size_t looks = 0;
  buffers_.removeIf([&](HeldBuffer& held) {
    if (looks++ % 512 == 0) {
      if (scope) napi_close_handle_scope(env_, scope);
      napi_open_handle_scope(env_, &scope);
    }
    if (target(env_, held.owner)) return false;
    forget(held);
    freed++;
    return true;
  });
  if (scope) napi_close_handle_scope(env_, scope);
  return freed;
}

bool Instance::openCallbacks() {
  if (callbacks_) return true;
  const auto name = Napi::String::New(env_, "metalgrad");
  if (napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, deliver,
                                      &callbacks_) != napi_ok) {
    return false;
  }
  napi_unref_threadsafe_function(env_, callbacks_);
  // Hooks run last in, first out: the queue's thread must end before the function that it calls.
  napi_remove_env_cleanup_hook(env_, environmentEnds, this);
  napi_add_env_cleanup_hook(env_, environmentEnds, this);
  return true;
}

int Instance::push(std::shared_ptr<const Executable> program, Arguments arguments,
                   std::vector<memory::BufferRef> outputs, const Napi::Function& done) {
  napi_ref waiter;
  if (!openCallbacks() || napi_create_reference(env_, done, 1, &waiter) != napi_ok) {
    return fail(Status::deviceFailure, "the callback could not be kept");
  }
  auto run = std::make_unique<QueuedRun>();
  run->program = std::move(program);
  run->allocator = allocator_;
  run->inputs = std::move(arguments.inputs);
  run->outputs = std::move(outputs);
  run->args = std::move(arguments.args);
  run->waiter = nextWaiter_;
  try {
    queue_.push(std::move(run));
  } catch (const std::system_error& error) {
    napi_delete_reference(env_, waiter);
    return fail(Status::deviceFailure, std::string("no thread for asynchronous evaluation: ") + error.what());
  }
  // Until the callback was called, the event loop and this instance live.
  if (waiters_.empty()) napi_ref_threadsafe_function(env_, callbacks_);
  waiters_.emplace(nextWaiter_++, waiter);
  retain();
  return static_cast<int>(Status::ok);
}

napi_ref Instance::takeWaiter(uint64_t number) {
  const auto found = waiters_.find(number);
  if (found == waiters_.end()) return nullptr;
  const napi_ref waiter = found->second;
  waiters_.erase(found);
  if (waiters_.empty()) napi_unref_threadsafe_function(env_, callbacks_);
  return waiter;
}

void Instance::deliver(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<QueuedRun> run(static_cast<QueuedRun*>(data));
  if (!env) return;  // the environment ended first
  auto* instance = static_cast<Instance*>(context);
  const napi_ref waiter = instance->takeWaiter(run->waiter);
  if (!waiter) return;
  const napi_value done = target(env, waiter);
  napi_delete_reference(env, waiter);
  napi_value receiver, arguments[2];
  napi_get_undefined(env, &receiver);
  napi_create_int32(env, static_cast<int32_t>(run->outcome.status), &arguments[0]);
  napi_create_string_utf8(env, run->outcome.message.c_str(), run->outcome.message.size(), &arguments[1]);
  // An exception that the callback throws stays pending: Node reports it as uncaught.
  napi_call_function(env, receiver, done, 2, arguments, nullptr);
  instance->release();
}

}  // namespace metalgrad::addon
