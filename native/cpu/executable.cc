// Loading and running of programs on the CPU.
#include "cpu/executable.h"

#include <exception>
#include <new>

#include "cpu/routines/registry.h"
#include "cpu/thread_pool.h"
#include "program/decode.h"

namespace metalgrad::cpu {
namespace {

/// A run's own memory for temporaries.
class Arena {
 public:
  Arena(Allocator& allocator, size_t bytes) : allocator_(allocator), block_(allocator.allocate(bytes)) {}
  ~Arena() {
    if (block_.data) allocator_.free(block_);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::byte* data() const { return block_.data; }

 private:
  Allocator& allocator_;
  Block block_;
};

Outcome noMemory(size_t bytes, const Allocator& allocator) {
  const MemoryUse use = allocator.use();
  return {Status::outOfMemory, std::to_string(bytes) + " bytes could not be allocated: " + std::to_string(use.active) +
                                   " of at most " + std::to_string(use.limit) + " are in use"};
}

/// Turns exceptions into an outcome: they end here.
template <typename Body>
Outcome guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return {Status::outOfMemory, "the system has no memory left"};
  } catch (const std::exception& error) {
    return {Status::deviceFailure, error.what()};
  }
}

}  // namespace

std::byte* Run::at(const Operand& operand) const {
  int64_t offset = operand.offset;
  if (operand.offsetArg != kNoArg) offset += static_cast<int64_t>(args[operand.offsetArg]);
  return slots[operand.slot] + offset * static_cast<int64_t>(itemSize(operand.dtype));
}

std::shared_ptr<const Executable> Executable::load(std::span<const int32_t> words, Outcome& outcome) {
  std::shared_ptr<Executable> executable;
  outcome = guarded([&]() -> Outcome {
    executable = std::make_shared<Executable>();
    std::string error = decode(words, executable->program_);
    if (error.empty()) error = validate(executable->program_, executable->requirements_);
    if (!error.empty()) return {Status::invalidProgram, "invalid program: " + error};
    return executable->prepareSteps();
  });
  if (!outcome.ok()) executable.reset();
  return executable;
}

Outcome Executable::prepareSteps() {
  steps_.reserve(program_.steps.size());
  for (size_t i = 0; i < program_.steps.size(); i++) {
    const Step& step = program_.steps[i];
    if (writesNothing(step)) continue;
    const std::string place = "invalid program: step " + std::to_string(i) + ": ";
    if (const auto* routine = std::get_if<RoutineStep>(&step)) {
      if (auto error = check(*routine); !error.empty()) return {Status::invalidProgram, place + error};
    }
    if (const auto* kernel = std::get_if<KernelStep>(&step)) {
      if (kernel->loads.size() + kernel->stores.size() + kernel->reductions.size() > kMaxOperands ||
          kernel->code.size() > kMaxInstructions) {
        return {Status::invalidProgram, place + "too many operands or instructions"};
      }
      auto prepared = prepare(*kernel);
      if (!prepared) return {Status::invalidProgram, place + "an operation does not exist for its dtype"};
      steps_.emplace_back(std::move(prepared));
    } else {
      std::visit(
          [this]<typename T>(const T& other) {
            if constexpr (!std::is_same_v<T, KernelStep>) steps_.emplace_back(&other);
          },
          step);
    }
  }
  return {};
}

Outcome Executable::begin(std::span<const BufferRef> inputs, std::span<const uint64_t> args,
                          const std::shared_ptr<Allocator>& allocator, std::vector<BufferRef>& outputs) const {
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
      outputs.push_back(Buffer::allocate(allocator, static_cast<size_t>(bytes)));
      if (!outputs.back()) {
        outputs.clear();
        return noMemory(static_cast<size_t>(bytes), *allocator);
      }
    }
    return {};
  });
}

Outcome Executable::run(std::span<const BufferRef> inputs, std::span<const uint64_t> args,
                        std::span<const BufferRef> outputs, Allocator& allocator,
                        const std::atomic<bool>* cancelled) const {
  return guarded([&]() -> Outcome {
    const Arena arena(allocator, static_cast<size_t>(program_.arenaBytes));
    if (!arena.data()) return noMemory(static_cast<size_t>(program_.arenaBytes), allocator);
    std::vector<std::byte*> slots;
    slots.reserve(inputs.size() + outputs.size() + program_.temporaries.size());
    for (const auto& input : inputs) slots.push_back(input->data());
    for (const auto& output : outputs) slots.push_back(output->data());
    for (const auto& temporary : program_.temporaries) slots.push_back(arena.data() + temporary.arenaOffset);
    const Run run{.slots = slots, .args = args, .pool = ThreadPool::shared()};
    for (const auto& step : steps_) {
      if (cancelled && cancelled->load(std::memory_order_relaxed))
        return {Status::deviceFailure, "the run was cancelled"};
      std::visit([&run](const auto& prepared) { cpu::run(*prepared, run); }, step);
    }
    return {};
  });
}

}  // namespace metalgrad::cpu
