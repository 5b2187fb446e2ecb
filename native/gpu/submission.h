// The commands of one run, with a barrier wherever one dispatch depends on another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/runtime.h"
#include "memory/allocator.h"

namespace metalgrad::gpu {

/// A binding with what the shader does to it.
struct Binding {
  Range range;
  bool written = false;
};

/// Used by one thread at a time. What was committed has ended when this is gone.
class Submission {
 public:
  /// `allocator` lends scratch memory for the time of the run; `label` names the program in errors.
  Submission(Runtime& runtime, memory::Allocator& allocator, std::string_view label);
  ~Submission();
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  /// Binds `bindings` at 0, 1, … and `constants` after them, and runs `groups` threadgroups of `threads` threads.
  void dispatch(const Pipeline& pipeline, std::span<const Binding> bindings, std::span<const std::byte> constants,
                Size groups, Size threads, size_t threadgroupMemory = 0);
  template <typename Constants>
  void dispatch(const Pipeline& pipeline, std::span<const Binding> bindings, const Constants& constants, Size groups,
                Size threads, size_t threadgroupMemory = 0) {
    dispatch(pipeline, bindings, std::as_bytes(std::span(&constants, 1)), groups, threads, threadgroupMemory);
  }
  void copy(const Range& from, const Range& to);
  void fill(const Range& range, uint8_t value);

  /// Memory that is free again when this run has ended; a null object where the device has none.
  Range scratch(size_t bytes);

  /// Gives the device what was recorded so far: it runs after all that was given to it before.
  void commit();
  /// Waits until everything recorded has run, so that the CPU may read and write the same memory; more may follow.
  Outcome wait();

 private:
  Commands& commands();
  void order(std::span<const Binding> bindings);
  void recorded(std::span<const Binding> bindings);
  void orderAnew();

  Runtime& runtime_;
  memory::Allocator& allocator_;
  const std::string label_;
  std::vector<memory::Block> scratch_;
  std::unique_ptr<Commands> commands_;
  std::vector<Range> reads_, writes_;  // since the last barrier
  std::vector<Range> ranges_;          // of the dispatch in the making
  size_t recorded_ = 0, recordedBytes_ = 0;
};

}  // namespace metalgrad::gpu
