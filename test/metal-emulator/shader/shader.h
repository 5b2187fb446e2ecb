// Shaders of the emulated device: MSL text compiled for the CPU, and run one threadgroup after another with every
// access checked. Plain C++: the Objective-C side is built on this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace emulator {

/// Something that a GPU would not forgive.
struct Fault {
  /// race, out of bounds, uninitialized read, divergent barrier, divergent SIMD-group operation, …
  std::string kind;
  std::string kernel;
  /// file:line of the shader's text where it is known.
  std::string place;
  /// Threads (and threadgroups), addresses, bindings: in words.
  std::string detail;
};

struct Grid {
  uint32_t groups[3];
  uint32_t threads[3];
};

/// Which bytes of an allocation were ever written, one bit a byte; a run reads it and sets it. Runs that share one do
/// not overlap in time.
struct Initialized {
  std::vector<uint64_t> bits;
};

/// Memory for buffers, zeroed, a multiple of 16 KiB; null when there is none. Buffers should lie in it: each binding
/// index then has addresses of its own for the same bytes, and an access that leaves its binding is found even where it
/// lands in another one. What lies elsewhere is copied in and out of it for each run.
std::byte* allocateBuffer(size_t bytes);
void freeBuffer(std::byte* data, size_t bytes);

/// Bytes of a binding that an earlier command uses, which nothing says has ended.
struct Hazard {
  /// From the start of the binding.
  size_t offset = 0, bytes = 0;
  /// The earlier command writes them; else it reads them, and reading them too is no fault.
  bool written = false;
  /// Who that is, in words.
  std::string earlier;

  /// "reads 4 bytes at byte 8 of buffer(1), which … writes, and no barrier, fence or event stands between".
  std::string describe(bool writes, const std::string& what) const {
    return (writes ? "writes " : "reads ") + what + ", which " + earlier + (written ? " writes" : " reads") +
           ", and no barrier, fence or event stands between";
  }
};

/// What is bound at one buffer index: nothing where `data` is null.
struct BoundBuffer {
  std::byte* data = nullptr;
  size_t bytes = 0;
  /// Of the whole allocation, and where `data` lies in it; null for inline bytes, which are initialized.
  Initialized* initialized = nullptr;
  size_t offset = 0;
  /// Touching these is a fault.
  std::span<const Hazard> hazards = {};
};

struct Binding {
  uint32_t index;
  bool threadgroup;  // threadgroup memory, not a buffer
  bool writable;
  /// The offset of a buffer that is bound here must be a multiple of it: the alignment of the pointed-to type, and 4 at
  /// least for `constant`.
  uint32_t alignment = 1;
};

using ConstantValue = std::variant<bool, int32_t, uint32_t, float>;

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual const std::string& name() const = 0;
  virtual const std::vector<Binding>& bindings() const = 0;
  virtual size_t staticThreadgroupBytes() const = 0;
  virtual uint32_t maxThreadsPerGroup() const = 0;
  /// Runs the whole grid; gives the faults that were seen (at most a few). `accessed(index, offset, bytes, written)` is
  /// called once for each range of each buffer that was touched, so that the caller can compare overlapping dispatches;
  /// `offset` counts from the start of the binding. `buffers[i]` is what is bound at buffer index i.
  virtual std::vector<Fault> run(
      const Grid& grid, std::span<const BoundBuffer> buffers, size_t threadgroupBytes, uint64_t seed,
      const std::function<void(uint32_t index, size_t offset, size_t bytes, bool written)>& accessed) const = 0;
};

class Library {
 public:
  virtual ~Library() = default;
  virtual std::vector<std::string> functionNames() const = 0;
  /// Null with a message when there is no such function or a function constant without a value is used.
  virtual std::unique_ptr<Kernel> kernel(const std::string& name, const std::map<uint32_t, ConstantValue>& constants,
                                         std::string& error) const = 0;
};

/// Both compilations; null with the compiler's messages, which name lines of `source`.
std::shared_ptr<const Library> compile(const std::string& source, std::string& error);

}  // namespace emulator
