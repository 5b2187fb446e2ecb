// Shaders for tests of the host side: no MSL but scripts, each line a word and its numbers.
//
//   kernel NAME              begins a kernel
//   threads N                maxTotalThreadsPerThreadgroup
//   static N                 bytes of threadgroup memory
//   align INDEX N            offsets at INDEX are multiples of N
//   threadgroup INDEX        threadgroup memory is bound there
//   constant INDEX           a function constant must have a value
//   read INDEX OFFSET N      an access; reading what nothing wrote is a fault
//   write INDEX OFFSET N     stores the number of the dispatch's threads in each byte
//   sleep N                  milliseconds
//   fault KIND               one that the shader itself would have
//   error TEXT               does not compile
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "shader/shader.h"

namespace emulator {

namespace {

struct Access {
  bool written;
  uint32_t index;
  size_t offset, bytes;
};

struct Script {
  std::string name;
  uint32_t threads = 1024;
  size_t fixed = 0;
  std::vector<Binding> bindings;
  std::vector<Access> accesses;
  std::vector<uint32_t> constants;
  unsigned sleep = 0;
  std::string fault;

  Binding& binding(uint32_t index) {
    for (Binding& each : bindings) {
      if (each.index == index) return each;
    }
    return bindings.emplace_back(Binding{index, false, false});
  }
};

class ScriptedKernel final : public Kernel {
 public:
  explicit ScriptedKernel(Script script) : script_(std::move(script)) {}

  const std::string& name() const override { return script_.name; }
  const std::vector<Binding>& bindings() const override { return script_.bindings; }
  size_t staticThreadgroupBytes() const override { return script_.fixed; }
  uint32_t maxThreadsPerGroup() const override { return script_.threads; }

  std::vector<Fault> run(
      const Grid& grid, std::span<const BoundBuffer> buffers, size_t, uint64_t,
      const std::function<void(uint32_t index, size_t offset, size_t bytes, bool written)>& accessed) const override {
    if (script_.sleep > 0) std::this_thread::sleep_for(std::chrono::milliseconds(script_.sleep));
    std::vector<Fault> faults;
    if (!script_.fault.empty()) faults.push_back({script_.fault, script_.name, "script:1", "threads 0 and 1"});
    for (const Access& access : script_.accesses) {
      const BoundBuffer& bound = buffers[access.index];
      if (access.offset + access.bytes > bound.bytes) {
        faults.push_back({"out of bounds", script_.name, "script:1", "index " + std::to_string(access.index)});
        continue;
      }
      for (const Hazard& hazard : bound.hazards) {
        const bool apart =
            hazard.offset >= access.offset + access.bytes || hazard.offset + hazard.bytes <= access.offset;
        if (apart || (!access.written && !hazard.written)) continue;
        const size_t low = std::max(access.offset, hazard.offset);
        const size_t high = std::min(access.offset + access.bytes, hazard.offset + hazard.bytes);
        const std::string bytes = "bytes " + std::to_string(low) + " to " + std::to_string(high);
        faults.push_back({"missing barrier", script_.name, "script:1", hazard.describe(access.written, bytes)});
      }
      for (size_t i = access.offset; bound.initialized != nullptr && i < access.offset + access.bytes; ++i) {
        uint64_t& word = bound.initialized->bits[(bound.offset + i) / 64];
        const uint64_t bit = uint64_t{1} << (bound.offset + i) % 64;
        if (access.written) {
          word |= bit;
          bound.data[i] = static_cast<std::byte>(grid.threads[0]);
        } else if ((word & bit) == 0) {
          faults.push_back({"uninitialized read", script_.name, "script:1", "byte " + std::to_string(i)});
          break;
        }
      }
      accessed(access.index, access.offset, access.bytes, access.written);
    }
    return faults;
  }

 private:
  const Script script_;
};

class ScriptedLibrary final : public Library {
 public:
  std::vector<Script> scripts;

  std::vector<std::string> functionNames() const override {
    std::vector<std::string> names;
    for (const Script& script : scripts) names.push_back(script.name);
    return names;
  }

  std::unique_ptr<Kernel> kernel(const std::string& name, const std::map<uint32_t, ConstantValue>& constants,
                                 std::string& error) const override {
    for (const Script& script : scripts) {
      if (script.name != name) continue;
      for (const uint32_t index : script.constants) {
        if (constants.contains(index)) continue;
        error = "function constant " + std::to_string(index) + " has no value";
        return nullptr;
      }
      return std::make_unique<ScriptedKernel>(script);
    }
    error = "no function '" + name + "'";
    return nullptr;
  }
};

void add(Script& script, const std::string& word, std::istringstream& line) {
  uint32_t index = 0;
  if (word == "threads") line >> script.threads;
  if (word == "static") line >> script.fixed;
  if (word == "sleep") line >> script.sleep;
  if (word == "fault") std::getline(line >> std::ws, script.fault);
  if (word == "align" && line >> index) line >> script.binding(index).alignment;
  if (word == "threadgroup" && line >> index) script.binding(index).threadgroup = true;
  if (word == "constant" && line >> index) script.constants.push_back(index);
  if (word == "read" || word == "write") {
    Access access{word == "write", 0, 0, 0};
    line >> access.index >> access.offset >> access.bytes;
    Binding& binding = script.binding(access.index);
    binding.writable = binding.writable || access.written;
    script.accesses.push_back(access);
  }
}

}  // namespace

std::byte* allocateBuffer(size_t bytes) { return static_cast<std::byte*>(std::aligned_alloc(16384, bytes)); }
void freeBuffer(std::byte* data, size_t) { std::free(data); }

std::shared_ptr<const Library> compile(const std::string& source, std::string& error) {
  auto library = std::make_shared<ScriptedLibrary>();
  std::istringstream lines(source);
  std::string text, word;
  for (int number = 1; std::getline(lines, text); ++number) {
    std::istringstream line(text);
    if (!(line >> word)) continue;
    if (word == "error") {
      error = "script:" + std::to_string(number) + text;
      return nullptr;
    }
    if (word == "kernel") {
      line >> library->scripts.emplace_back().name;
    } else if (!library->scripts.empty()) {
      add(library->scripts.back(), word, line);
    }
  }
  return library;
}

}  // namespace emulator
