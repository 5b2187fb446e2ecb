// What a kind of GPU implements, and all that differs between kinds: Metal today, CUDA later. Everything else of the
// GPU device (sources, launch shapes, caches, hazards) stands once in native/gpu/ and calls this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "program/status.h"

namespace metalgrad::gpu {

/// An allocation of device memory, which the host sees at `data`. `object` is the runtime's own (an MTLBuffer).
struct Memory {
  void* object = nullptr;
  std::byte* data = nullptr;
  size_t bytes = 0;
};

/// Part of an allocation. What a shader may touch through a binding is exactly this.
struct Range {
  void* object = nullptr;
  size_t offset = 0;
  size_t bytes = 0;
};

struct Limits {
  uint32_t maxThreadsPerGroup = 1024;
  size_t maxThreadgroupMemory = 32768;
  uint32_t maxBuffers = 31;
  /// Bytes that a dispatch may carry inline.
  size_t maxInlineBytes = 4096;
  size_t maxBufferBytes = 0;
  /// What the device recommends to keep in use.
  size_t workingSetBytes = 0;
};

struct Size {
  uint32_t x = 1, y = 1, z = 1;
};

/// The value of a function constant, by its index in the shader.
struct FunctionConstant {
  uint32_t index;
  std::variant<bool, int32_t, uint32_t, float> value;
};

/// A compiled shader text.
class Module {
 public:
  virtual ~Module() = default;
};

/// A function that is ready to run.
class Pipeline {
 public:
  virtual ~Pipeline() = default;
  virtual uint32_t maxThreadsPerGroup() const = 0;
};

/// Files that keep a compiled pipeline for later processes; empty paths for none.
struct PipelineFiles {
  /// Was written for the same function before: what it holds is not compiled again.
  std::string from;
  /// Is written, if that is possible.
  std::string to;
};

struct Dispatch {
  const Pipeline* pipeline;
  /// At buffer index 0, 1, …
  std::span<const Range> buffers;
  /// At the buffer index after the last of `buffers`; at most `maxInlineBytes`. Nothing is bound where it is empty.
  std::span<const std::byte> constants;
  /// Bytes at threadgroup index 0, a multiple of 16.
  size_t threadgroupMemory = 0;
  Size groups;   // threadgroups of the grid
  Size threads;  // threads of a threadgroup
};

/// One sequence of commands in the making. Its dispatches and copies may overlap, and run in any order, unless a
/// barrier stands between them. They see all that was committed before they are. Used by one thread at a time.
class Commands {
 public:
  virtual ~Commands() = default;
  virtual void dispatch(const Dispatch& dispatch) = 0;
  /// What follows sees everything that what came before wrote, and waits for what it read.
  virtual void barrier() = 0;
  virtual void copy(const Range& from, const Range& to) = 0;
  virtual void fill(const Range& range, uint8_t value) = 0;
  /// Gives what was recorded so far to the device; later commands, of whatever sequence, come after it, as if a barrier
  /// stood between.
  virtual void commit() = 0;
  /// Commits, and waits until everything has run. Says what went wrong, with the label.
  virtual Outcome wait() = 0;
};

/// A device. Thread safe, except that `Commands` belong to one thread each.
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual std::string name() const = 0;
  /// It is software that stands for a GPU in tests.
  virtual bool emulated() const = 0;
  /// Properties for people, in the order in which they are shown.
  virtual std::vector<std::pair<std::string, std::variant<std::string, double>>> info() const = 0;
  virtual const Limits& limits() const = 0;

  /// Memory with a null object when the device has none.
  virtual Memory allocate(size_t bytes) = 0;
  virtual void free(const Memory& memory) = 0;

  /// Null with the compiler's message, which names the line.
  virtual std::shared_ptr<const Module> compile(const std::string& source, Outcome& outcome) = 0;
  virtual std::shared_ptr<const Pipeline> pipeline(const Module& module, const std::string& function,
                                                   std::span<const FunctionConstant> constants,
                                                   const PipelineFiles& files, Outcome& outcome) = 0;
  /// What compiled pipelines depend on beside their source: the device and the system.
  virtual std::string compilerIdentity() const = 0;

  /// `label` names the program in errors.
  virtual std::unique_ptr<Commands> begin(std::string_view label) = 0;

  /// Records what the device does from now on into a file, for the vendor's tools.
  virtual Outcome startCapture(const std::string& path) = 0;
  virtual void stopCapture() = 0;
};

/// The runtime of the machine's first GPU; null when there is none. (Metal's on macOS and in the emulator's build.)
std::shared_ptr<Runtime> openRuntime();

}  // namespace metalgrad::gpu
