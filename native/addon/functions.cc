// Reads arguments, calls the instance, gives numbers back. No exception and no unchecked value gets past here.
#include "addon/functions.h"

#include <cstring>
#include <exception>
#include <new>
#include <type_traits>

#include "addon/instance.h"
#include "addon/values.h"
#include "cpu/describe.h"
#include "cpu/executable.h"
#include "cpu/ops/targets.h"
#include "cpu/thread_pool.h"
#include "memory/observed.h"

namespace metalgrad::addon {
namespace {

using Napi::CallbackInfo;
using Napi::Value;

constexpr int kOk = static_cast<int>(Status::ok);

/// Weak references to owners, deleted unless they are taken.
class Owners {
 public:
  explicit Owners(napi_env env) : env_(env) {}
  ~Owners() {
    for (napi_ref owner : references_) {
      if (owner) napi_delete_reference(env_, owner);
    }
  }
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;

  bool add(napi_value owner) {
    references_.push_back(nullptr);
    references_.back() = weakReference(env_, owner);
    return references_.back() != nullptr;
  }
  napi_ref take(size_t i) { return std::exchange(references_[i], nullptr); }

 private:
  napi_env env_;
  std::vector<napi_ref> references_;
};

/// A run as JavaScript asks for it: program, inputs, args, owners, outputs.
struct RunRequest {
  explicit RunRequest(napi_env env) : owners(env) {}

  std::shared_ptr<const Executable> program;
  Arguments arguments;
  Owners owners;
  std::span<int32_t> handles;
};

bool wrongCount(Instance& instance, const char* what, size_t given, size_t wanted) {
  if (given == wanted) return false;
  instance.fail(Status::outOfBounds,
                "the program has " + std::to_string(wanted) + " " + what + ", not " + std::to_string(given));
  return true;
}

bool read(const CallbackInfo& info, Instance& instance, RunRequest& request) {
  request.program = instance.program(handle(info[0]));
  if (!request.program) return false;
  if (!info[3].IsArray()) {
    instance.fail(Status::outOfBounds, "the owners are no list");
    return false;
  }
  // Reading a list may run JavaScript, which may detach arrays: the list goes first.
  const auto owners = info[3].As<Napi::Array>();
  if (wrongCount(instance, "outputs", owners.Length(), request.program->outputs())) return false;
  for (uint32_t i = 0; i < request.program->outputs(); i++) {
    const Value owner = owners.Get(i);
    if (owner.IsEmpty() || !request.owners.add(owner)) {
      instance.fail(Status::outOfBounds, "an owner is no object");
      return false;
    }
  }
  const auto inputs = elements<int32_t>(instance, info[1]);
  const auto args = inputs ? elements<double>(instance, info[2]) : std::nullopt;
  const auto outputs = args ? elements<int32_t>(instance, info[4]) : std::nullopt;
  if (!outputs) return false;
  if (wrongCount(instance, "inputs", inputs->size(), request.program->inputs())) return false;
  if (wrongCount(instance, "arguments", args->size(), request.program->args())) return false;
  if (wrongCount(instance, "outputs", outputs->size(), request.program->outputs())) return false;
  request.handles = *outputs;
  request.arguments.inputs.reserve(inputs->size());
  for (const int32_t input : *inputs) {
    auto buffer = instance.buffer(input);
    if (!buffer) return false;
    request.arguments.inputs.push_back(std::move(buffer));
  }
  request.arguments.args.resize(args->size());
  if (!args->empty()) std::memcpy(request.arguments.args.data(), args->data(), args->size_bytes());
  return true;
}

/// Gives each output a handle.
int hold(Instance& instance, RunRequest& request, const std::vector<memory::BufferRef>& outputs) {
  for (size_t i = 0; i < outputs.size(); i++) {
    const int handle = instance.hold(outputs[i], request.owners.take(i));
    if (handle < 0) {
      for (size_t j = 0; j < i; j++) instance.releaseBuffer(request.handles[j]);
      return handle;
    }
    request.handles[i] = handle;
  }
  return kOk;
}

Napi::Object describeLimits(Napi::Env env, size_t operands, size_t instructions, size_t epilogue,
                            const Instance& instance) {
  auto limits = Napi::Object::New(env);
  limits.Set("maxOperands", static_cast<double>(operands));
  limits.Set("maxInstructions", static_cast<double>(instructions));
  limits.Set("maxBlockBytes", static_cast<double>(instance.allocator()->largestBlock()));
  limits.Set("minEpilogue", static_cast<double>(epilogue));
  auto device = Napi::Object::New(env);
  device.Set("limits", limits);
  return device;
}

Napi::Object describeGpu(Napi::Env env, const Instance& instance) {
  const gpu::Device& gpu = *instance.gpu();
  const gpu::Runtime& runtime = *gpu.runtime();
  auto properties = Napi::Object::New(env);
  for (const auto& [key, value] : runtime.info()) {
    if (const auto* number = std::get_if<double>(&value)) {
      properties.Set(key, *number);
    } else {
      properties.Set(key, std::get<std::string>(value));
    }
  }
  auto device =
      describeLimits(env, gpu.maxOperands(), gpu::Device::kMaxInstructions, gpu::Device::kMinEpilogue, instance);
  device.Set("name", runtime.name());
  device.Set("emulated", runtime.emulated());
  device.Set("info", properties);
  return device;
}

Value describe(const CallbackInfo& info, Instance& instance) {
  const Napi::Env env = info.Env();
  const auto list = [env](const auto& names) {
    auto array = Napi::Array::New(env, names.size());
    for (uint32_t i = 0; i < names.size(); i++) array.Set(i, Napi::String::New(env, names[i].data(), names[i].size()));
    return array;
  };
  auto devices = Napi::Object::New(env);
  devices.Set("cpu", describeLimits(env, cpu::kMaxOperands, cpu::kMaxInstructions, cpu::kMinEpilogue, instance));
  devices.Set("gpu", instance.gpu() ? describeGpu(env, instance) : env.Null());
  auto description = Napi::Object::New(env);
  description.Set("formatVersion", static_cast<double>(kFormatVersion));
  description.Set("dtypes", list(kDtypeNames));
  description.Set("elementwiseOps", list(kElementwiseOpNames));
  description.Set("reduceOps", list(kReduceOpNames));
  description.Set("scatterModes", list(kScatterModeNames));
  description.Set("stepKinds", list(kStepKindNames));
  description.Set("routines", list(kRoutineNames));
  description.Set("devices", devices);
  description.Set("simd", std::string(cpu::simdTargetName()));
  description.Set("blas", cpu::describeBlas());
  description.Set("threads", static_cast<double>(cpu::ThreadPool::shared().threads()));
  return description;
}

Value lastError(const CallbackInfo& info, Instance& instance) {
  return Napi::String::New(info.Env(), instance.lastError());
}

int load(const CallbackInfo& info, Instance& instance) {
  const auto words = elements<int32_t>(instance, info[0]);
  if (!words) return instance.lastStatus();
  // A copy, because shared memory might change between a check and its use.
  const std::vector<int32_t> copy(words->begin(), words->end());
  return instance.load(copy, info[1].IsString() ? info[1].As<Napi::String>().Utf8Value() : "");
}

int unload(const CallbackInfo& info, Instance& instance) {
  instance.unload(handle(info[0]));
  return kOk;
}

int run(const CallbackInfo& info, Instance& instance) {
  RunRequest request(info.Env());
  if (!read(info, instance, request)) return instance.lastStatus();
  const auto& [inputs, args] = request.arguments;
  for (const auto& input : inputs) {
    if (!instance.settle(input)) return instance.lastStatus();
  }
  std::vector<memory::BufferRef> outputs(request.program->outputs());
  Outcome outcome = request.program->check(inputs, args);
  if (outcome.ok()) outcome = request.program->run(inputs, args, outputs, instance.allocator());
  if (!outcome.ok()) return instance.fail(std::move(outcome));
  return hold(instance, request, outputs);
}

int runAsync(const CallbackInfo& info, Instance& instance) {
  RunRequest request(info.Env());
  if (!info[5].IsFunction()) return instance.fail(Status::outOfBounds, "the callback is no function");
  if (!read(info, instance, request)) return instance.lastStatus();
  // JavaScript has their handles before the run begins.
  std::vector<memory::BufferRef> outputs(request.program->outputs());
  auto& [inputs, args] = request.arguments;
  Outcome outcome = request.program->check(inputs, args);
  if (outcome.ok()) outcome = request.program->allocate(instance.allocator(), outputs);
  if (!outcome.ok()) return instance.fail(std::move(outcome));
  if (const int status = hold(instance, request, outputs); status != kOk) return status;
  const std::vector<int32_t> handles(request.handles.begin(), request.handles.end());
  const int status =
      instance.push(request.program, std::move(request.arguments), std::move(outputs), info[5].As<Napi::Function>());
  if (status != kOk) {
    for (const int32_t handle : handles) instance.releaseBuffer(handle);
  }
  return status;
}

int startCapture(const CallbackInfo& info, Instance& instance) {
  if (!instance.gpu()) return instance.fail(Status::deviceFailure, "there is no GPU");
  if (!info[0].IsString()) return instance.fail(Status::outOfBounds, "the path is no string");
  Outcome outcome = instance.gpu()->runtime()->startCapture(info[0].As<Napi::String>().Utf8Value());
  return outcome.ok() ? kOk : instance.fail(std::move(outcome));
}

int stopCapture(const CallbackInfo&, Instance& instance) {
  if (instance.gpu()) instance.gpu()->runtime()->stopCapture();
  return kOk;
}

int synchronize(const CallbackInfo&, Instance& instance) {
  instance.synchronize();
  return kOk;
}

int upload(const CallbackInfo& info, Instance& instance) {
  const auto bytes = elements<uint8_t>(instance, info[0]);
  if (!bytes) return instance.lastStatus();
  Owners owners(info.Env());
  if (!owners.add(info[1])) return instance.fail(Status::outOfBounds, "the owner is no object");
  auto buffer = memory::Buffer::allocate(instance.allocator(), bytes->size());
  if (!buffer)
    return instance.fail(Status::outOfMemory, std::to_string(bytes->size()) + " bytes could not be allocated");
  if (!bytes->empty()) std::memcpy(buffer->data(), bytes->data(), bytes->size());
  memory::cpuWrote(buffer->data(), bytes->size());
  return instance.hold(std::move(buffer), owners.take(0));
}

int download(const CallbackInfo& info, Instance& instance) {
  const auto buffer = instance.buffer(handle(info[0]));
  if (!buffer) return instance.lastStatus();
  const auto offset = byteCount(info[1]);
  const auto target = elements<uint8_t>(instance, info[2]);
  if (!target) return instance.lastStatus();
  if (!offset || *offset > buffer->bytes() || target->size() > buffer->bytes() - *offset) {
    return instance.fail(Status::outOfBounds,
                         "bytes outside the buffer of " + std::to_string(buffer->bytes()) + " bytes");
  }
  if (!instance.settle(buffer)) return instance.lastStatus();
  memory::cpuReads(buffer->data() + *offset, target->size());
  if (!target->empty()) std::memcpy(target->data(), buffer->data() + *offset, target->size());
  return kOk;
}

Value view(const CallbackInfo& info, Instance& instance) {
  const auto buffer = instance.buffer(handle(info[0]));
  if (!buffer || !instance.settle(buffer)) return info.Env().Null();
  memory::cpuReads(buffer->data(), buffer->bytes());
  napi_value array = instance.view(buffer);
  if (array) return Value(info.Env(), array);
  instance.fail(Status::outOfMemory, std::to_string(buffer->bytes()) + " bytes could not be shown as an ArrayBuffer");
  return info.Env().Null();
}

int release(const CallbackInfo& info, Instance& instance) {
  instance.releaseBuffer(handle(info[0]));
  return kOk;
}

int collect(const CallbackInfo&, Instance& instance) { return instance.collect(); }

Value memoryUse(const CallbackInfo& info, Instance& instance) {
  const memory::MemoryUse use = instance.allocator()->use();
  const size_t values[] = {use.active,          use.peak,  use.cached,    instance.buffers(),
                           instance.programs(), use.limit, use.cacheLimit};
  auto array = Napi::Float64Array::New(info.Env(), std::size(values));
  for (size_t i = 0; i < std::size(values); i++) array[i] = static_cast<double>(values[i]);
  return array;
}

int resetPeakMemory(const CallbackInfo&, Instance& instance) {
  instance.allocator()->resetPeak();
  return kOk;
}

int clearCache(const CallbackInfo&, Instance& instance) {
  instance.allocator()->clearCache();
  return kOk;
}

template <size_t (memory::Allocator::*set)(size_t)>
Value setLimit(const CallbackInfo& info, Instance& instance) {
  const auto bytes = byteCount(info[0]);
  const double result = bytes ? static_cast<double>((instance.allocator().get()->*set)(*bytes))
                              : instance.fail(Status::outOfBounds, "a limit is a number of bytes");
  return Napi::Number::New(info.Env(), result);
}

/// What every call has in common: its instance, and the end of every exception.
template <auto function>
Value call(const CallbackInfo& info) {
  auto& instance = *static_cast<Instance*>(info.Data());
  int status;
  try {
    if constexpr (std::is_same_v<decltype(function(info, instance)), int>) {
      status = function(info, instance);
    } else {
      return function(info, instance);
    }
  } catch (const std::bad_alloc&) {
    status = instance.fail(Status::outOfMemory, "the system has no memory left");
  } catch (const std::exception& error) {
    status = instance.fail(Status::deviceFailure, error.what());
  }
  return Napi::Number::New(info.Env(), status);
}

template <auto function>
void define(Napi::Object& addon, Instance* instance, const char* name) {
  auto method = Napi::Function::New<call<function>>(addon.Env(), name, instance);
  instance->retain();
  method.AddFinalizer([](Napi::Env, Instance* held) { held->release(); }, instance);
  addon.Set(name, method);
}

}  // namespace

Value create(const CallbackInfo& info) {
  auto addon = Napi::Object::New(info.Env());
  Instance* instance = Instance::create(info.Env());
  define<describe>(addon, instance, "describe");
  define<lastError>(addon, instance, "lastError");
  define<load>(addon, instance, "load");
  define<unload>(addon, instance, "unload");
  define<run>(addon, instance, "run");
  define<runAsync>(addon, instance, "runAsync");
  define<synchronize>(addon, instance, "synchronize");
  define<startCapture>(addon, instance, "startCapture");
  define<stopCapture>(addon, instance, "stopCapture");
  define<upload>(addon, instance, "upload");
  define<download>(addon, instance, "download");
  define<view>(addon, instance, "view");
  define<release>(addon, instance, "release");
  define<collect>(addon, instance, "collect");
  define<memoryUse>(addon, instance, "memory");
  define<resetPeakMemory>(addon, instance, "resetPeakMemory");
  define<clearCache>(addon, instance, "clearCache");
  define<setLimit<&memory::Allocator::setLimit>>(addon, instance, "setMemoryLimit");
  define<setLimit<&memory::Allocator::setCacheLimit>>(addon, instance, "setCacheLimit");
  return addon;
}

}  // namespace metalgrad::addon
