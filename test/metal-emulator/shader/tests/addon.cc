// A Node addon that runs MSL texts on the emulator and says what it saw.
#include <napi.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "shader/shader.h"

namespace {

using emulator::BoundBuffer;

Napi::Object compile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string error;
  const auto library = emulator::compile(info[0].As<Napi::String>(), error);
  Napi::Object result = Napi::Object::New(env);
  result["error"] = error;
  Napi::Array names = Napi::Array::New(env);
  if (library != nullptr) {
    for (const std::string& name : library->functionNames()) names[names.Length()] = name;
  }
  result["names"] = names;
  return result;
}

void three(const Napi::Value& value, uint32_t (&out)[3]) {
  out[0] = out[1] = out[2] = 1;
  if (!value.IsArray()) return;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length() && i < 3; i++) out[i] = list.Get(i).ToNumber().Uint32Value();
}

std::map<uint32_t, emulator::ConstantValue> constantsOf(const Napi::Value& value) {
  std::map<uint32_t, emulator::ConstantValue> constants;
  if (!value.IsArray()) return constants;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto constant = list.Get(i).As<Napi::Object>();
    const std::string type = constant.Get("type").ToString();
    const auto number = constant.Get("value").ToNumber();
    const uint32_t index = constant.Get("index").ToNumber().Uint32Value();
    if (type == "bool") constants[index] = number.DoubleValue() != 0;
    if (type == "int") constants[index] = number.Int32Value();
    if (type == "uint") constants[index] = number.Uint32Value();
    if (type == "float") constants[index] = number.FloatValue();
  }
  return constants;
}

/// Buffers that lie side by side in one allocation, as arrays do in a slab. What is given twice lies there once.
class Slab {
 public:
  explicit Slab(const Napi::Array& views, bool written) {
    std::vector<size_t> offsets;
    for (uint32_t i = 0; i < views.Length(); i++) {
      uint32_t same = 0;
      while (same < i && !views.Get(same).StrictEquals(views.Get(i))) same++;
      offsets.push_back(same < i ? offsets[same] : bytes_);
      if (same == i && views.Get(i).IsTypedArray())
        bytes_ += (views.Get(i).As<Napi::TypedArray>().ByteLength() + 63) / 64 * 64;
    }
    data_ = emulator::allocateBuffer(bytes_);
    initialized_.bits.resize(bytes_ / 64 + 1);
    for (uint32_t i = 0; i < views.Length(); i++) {
      if (!views.Get(i).IsTypedArray()) {
        buffers_.push_back({});
        memory_.push_back(nullptr);
        continue;
      }
      const auto view = views.Get(i).As<Napi::TypedArray>();
      auto* memory = static_cast<std::byte*>(view.ArrayBuffer().Data()) + view.ByteOffset();
      std::memcpy(data_ + offsets[i], memory, view.ByteLength());
      buffers_.push_back({data_ + offsets[i], view.ByteLength(), &initialized_, offsets[i]});
      memory_.push_back(memory);
      // What is all NaN bytes (0xff) counts as never written, if the test says so.
      for (size_t b = 0; b < view.ByteLength(); b++) {
        const size_t bit = offsets[i] + b;
        if (written || memory[b] != std::byte{0xff}) initialized_.bits[bit / 64] |= uint64_t{1} << (bit % 64);
      }
    }
  }
  ~Slab() {
    for (size_t i = 0; i < buffers_.size(); i++) {
      if (memory_[i] != nullptr) std::memcpy(memory_[i], buffers_[i].data, buffers_[i].bytes);
    }
    emulator::freeBuffer(data_, bytes_);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  const std::vector<BoundBuffer>& buffers() const { return buffers_; }

 private:
  size_t bytes_ = 0;
  std::byte* data_ = nullptr;
  emulator::Initialized initialized_;
  std::vector<BoundBuffer> buffers_;
  std::vector<std::byte*> memory_;
};

/// What the request says that an earlier command uses, by buffer index.
std::map<uint32_t, std::vector<emulator::Hazard>> hazardsOf(const Napi::Value& value) {
  std::map<uint32_t, std::vector<emulator::Hazard>> hazards;
  if (!value.IsArray()) return hazards;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto hazard = list.Get(i).As<Napi::Object>();
    const auto number = [&](const char* name) { return hazard.Get(name).ToNumber().Uint32Value(); };
    hazards[number("index")].push_back(
        {number("offset"), number("bytes"), hazard.Get("written").ToBoolean(), "an earlier kernel"});
  }
  return hazards;
}

Napi::Object run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  Napi::Object result = Napi::Object::New(env);
  Napi::Array faults = Napi::Array::New(env), ranges = Napi::Array::New(env);
  result["faults"] = faults;
  result["ranges"] = ranges;
  std::string error;
  const auto library = emulator::compile(request.Get("source").ToString(), error);
  const auto kernel = library == nullptr ? nullptr
                                         : library->kernel(request.Get("kernel").ToString(),
                                                           constantsOf(request.Get("constants")), error);
  result["error"] = error;
  if (kernel == nullptr) return result;
  result["staticBytes"] = static_cast<double>(kernel->staticThreadgroupBytes());
  result["maxThreads"] = kernel->maxThreadsPerGroup();
  Napi::Array alignments = Napi::Array::New(env);
  for (const emulator::Binding& binding : kernel->bindings()) {
    if (!binding.threadgroup) alignments[binding.index] = binding.alignment;
  }
  result["alignments"] = alignments;
  emulator::Grid grid;
  three(request.Get("groups"), grid.groups);
  three(request.Get("threads"), grid.threads);
  const Slab slab(request.Get("buffers").As<Napi::Array>(), !request.Get("unwritten").ToBoolean());
  const auto hazards = hazardsOf(request.Get("hazards"));
  std::vector<BoundBuffer> buffers = slab.buffers();
  for (const auto& [index, ofBuffer] : hazards) buffers.at(index).hazards = ofBuffer;
  const auto found = kernel->run(grid, buffers, request.Get("threadgroupBytes").ToNumber().Uint32Value(),
                                 request.Get("seed").ToNumber().Uint32Value(),
                                 [&](uint32_t index, size_t offset, size_t bytes, bool written) {
                                   Napi::Array range = Napi::Array::New(env);
                                   range[0u] = index;
                                   range[1u] = static_cast<double>(offset);
                                   range[2u] = static_cast<double>(bytes);
                                   range[3u] = written;
                                   ranges[ranges.Length()] = range;
                                 });
  for (const emulator::Fault& fault : found) {
    faults[faults.Length()] = fault.kind + " in " + fault.kernel + " at " + fault.place + ": " + fault.detail;
  }
  return result;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["compile"] = Napi::Function::New(env, compile);
  exports["run"] = Napi::Function::New(env, run);
  return exports;
}

}  // namespace

NODE_API_MODULE(emulator_shader_tests, init)
