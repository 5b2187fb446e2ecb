// What the runs of every device have in common.
#include "program/executable.h"

#include "program/decode.h"
#include "program/guarded.h"

namespace metalgrad {
namespace {

/// A run's own memory for temporaries.
class Arena {
 public:
  Arena(memory::Allocator& allocator, size_t bytes) : allocator_(allocator), block_(allocator.allocate(bytes)) {}
  ~Arena() {
    if (block_.data) allocator_.free(block_);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  const memory::Block& block() const { return block_; }

 private:
  memory::Allocator& allocator_;
  memory::Block block_;
};

Outcome noMemory(size_t bytes, const memory::Allocator& allocator) {
  const memory::MemoryUse use = allocator.use();
  return {Status::outOfMemory, std::to_string(bytes) + " bytes could not be allocated: " + std::to_string(use.active) +
                                   " of at most " + std::to_string(use.limit) + " are in use"};
}

}  // namespace

Outcome readProgram(std::span<const int32_t> words, ValidProgram& valid) {
  return guarded([&]() -> Outcome {
    std::string error = decode(words, valid.program);
    if (error.empty()) error = validate(valid.program, valid.requirements);
    if (!error.empty()) return {Status::invalidProgram, "invalid program: " + error};
    return {};
  });
}

Outcome cancelledRun() { return {Status::deviceFailure, "the run was cancelled"}; }

Outcome Executable::begin(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
                          const std::shared_ptr<memory::Allocator>& allocator,
                          std::vector<memory::BufferRef>& outputs) const {
  return guarded([&]() -> Outcome {
    std::vector<int64_t> slotBytes;
    slotBytes.reserve(inputs.size() + program_.outputBytes.size() + program_.temporaries.size());
    for (const auto& input : inputs) slotBytes.push_back(static_cast<int64_t>(input->bytes()));
    slotBytes.insert(slotBytes.end(), program_.outputBytes.begin(), program_.outputBytes.end());
    for (const auto& temporary : program_.temporaries) slotBytes.push_back(temporary.byteLength);
    if (auto error = validateRun(requirements_, slotBytes, args); !error.empty())
      return {Status::outOfBounds, std::move(error)};
    outputs.reserve(program_.outputBytes.size());
    for (const int64_t bytes : program_.outputBytes) {
      outputs.push_back(memory::Buffer::allocate(allocator, static_cast<size_t>(bytes)));
      if (!outputs.back()) {
        outputs.clear();
        return noMemory(static_cast<size_t>(bytes), *allocator);
      }
    }
    return {};
  });
}

Outcome Executable::run(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
                        std::span<const memory::BufferRef> outputs, memory::Allocator& allocator,
                        const std::atomic<bool>* cancelled) const {
  return guarded([&]() -> Outcome {
    const Arena arena(allocator, static_cast<size_t>(program_.arenaBytes));
    if (!arena.block().data) return noMemory(static_cast<size_t>(program_.arenaBytes), allocator);
    return runSteps({.inputs = inputs,
                     .outputs = outputs,
                     .arena = arena.block(),
                     .args = args,
                     .allocator = allocator,
                     .cancelled = cancelled});
  });
}

}  // namespace metalgrad
