// The custom routine: a kernel whose text the user wrote, and which the program carries.
// lib/primitives/custom-kernel.ts has the other half: the text with its signature.
//
// ints: threads of the grid (3), of a threadgroup (3), bytes of the function's name, bytes of the text, then both, one
//   after the other, four bytes an integer, the lowest first. args: what each output is filled with, or none.
// Bindings: inputs, outputs, then bytes: the first element of each input in its binding, all inputs' strides (64 bits
//   each), the threads of the grid, all inputs' shapes (32 bits each).
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

constexpr size_t kHead = 8;
constexpr int64_t kMostThreads = std::numeric_limits<uint32_t>::max();

/// The elements that an operand reaches, counted from its first one.
struct Reach {
  int64_t low = 0, high = 0;
};

Reach reachOf(const Array& array) {
  Reach reach;
  for (size_t axis = 0; axis < array.shape.size(); axis++) {
    const int64_t span = (array.shape[axis] - 1) * array.operand.strides[axis];
    (span < 0 ? reach.low : reach.high) += span;
  }
  return reach;
}

template <typename T>
void append(std::vector<std::byte>& bytes, T value) {
  const size_t end = bytes.size();
  bytes.resize(end + sizeof(T));
  std::memcpy(bytes.data() + end, &value, sizeof(T));
}

class PreparedCustom final : public PreparedStep {
 public:
  PreparedCustom(const RoutineStep& step, size_t bindings) : step_(step), bindings_(bindings) {}

  /// What is wrong with the step, or an empty text.
  std::string read() {
    const auto& ints = step_.ints;
    if (ints.size() < kHead) return "integers are missing";
    for (size_t i = 0; i < 6; i++) {
      if (ints[i] < (i < 3 ? 0 : 1) || ints[i] > kMostThreads) return "a number of threads is out of range";
    }
    const int64_t name = ints[6], text = ints[7], most = static_cast<int64_t>(ints.size() - kHead) * 4;
    if (name < 1 || name > most || text < 1 || text > most - name) return "the text is cut off";
    for (const Array& output : step_.outputs) {
      if (output.absent()) return "an output is missing";
    }
    if (step_.inputs.size() + step_.outputs.size() + 1 > bindings_) return "too many arrays";
    if (!step_.args.empty() && step_.args.size() != step_.outputs.size()) return "an output has no initial value";
    std::string bytes;
    for (size_t i = kHead; i < ints.size(); i++) {
      for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(static_cast<uint64_t>(ints[i]) >> shift);
    }
    name_ = bytes.substr(0, static_cast<size_t>(name));
    text_ = bytes.substr(static_cast<size_t>(name), static_cast<size_t>(text));
    return {};
  }

  Outcome compile(Pipelines& pipelines) {
    Outcome outcome;
    const auto& ints = step_.ints;
    const auto of = [&](size_t i) { return static_cast<uint32_t>(ints[i]); };
    threads_ = {of(3), of(4), of(5)};
    groups_ = {groups(ints[0], ints[3]), groups(ints[1], ints[4]), groups(ints[2], ints[5])};
    writeConstants();
    if (constants_.size() > pipelines.limits().maxInlineBytes) {
      return {Status::deviceFailure, "the inputs of " + name_ + " have too many axes for the GPU"};
    }
    pipeline_ = pipelines.get(text_, name_, {}, outcome);
    if (!pipeline_) return outcome;
    text_.clear();
    const uint64_t most = pipeline_->maxThreadsPerGroup();
    if (of(3) > most || of(4) > most || of(5) > most || uint64_t{of(3)} * of(4) * of(5) > most) {
      return {Status::deviceFailure, name_ + " runs with at most " + std::to_string(most) + " threads a threadgroup"};
    }
    for (size_t i = 0; i < step_.args.size(); i++) {
      fills_.push_back(prepare(fill(step_.outputs[i], step_.args[i]), pipelines, outcome));
      if (!fills_.back()) return outcome;
    }
    return {};
  }

  Outcome encode(const Run& run) const override {
    for (const auto& fill : fills_) {
      if (Outcome outcome = fill->encode(run); !outcome.ok()) return outcome;
    }
    if (groups_.x == 0 || groups_.y == 0 || groups_.z == 0) return {};
    std::vector<Binding> bindings;
    for (const Array& input : step_.inputs) bindings.push_back(bindingOf(input, run, false));
    for (const Array& output : step_.outputs) bindings.push_back(bindingOf(output, run, true));
    run.submission.dispatch(*pipeline_, bindings, std::span<const std::byte>(constants_), groups_, threads_);
    return {};
  }

 private:
  static uint32_t groups(int64_t grid, int64_t threads) {
    return static_cast<uint32_t>((grid + threads - 1) / threads);
  }

  static KernelStep fill(const Array& output, uint32_t arg) {
    const Dtype dtype = output.operand.dtype;
    KernelStep step;
    step.shape = output.shape;
    step.outer = static_cast<uint32_t>(output.shape.size());
    step.code.push_back({ElementwiseOp::splat, dtype, dtype, arg});
    step.stores.push_back({0, output.operand});
    return step;
  }

  void writeConstants() {
    for (const Array& input : step_.inputs) append(constants_, isEmpty(input) ? int64_t{0} : -reachOf(input).low);
    for (const Array& input : step_.inputs) {
      for (const int64_t stride : input.operand.strides) append(constants_, stride);
    }
    for (size_t i = 0; i < 3; i++) append(constants_, static_cast<uint32_t>(step_.ints[i]));
    for (const Array& input : step_.inputs) {
      for (const int64_t size : input.shape) append(constants_, static_cast<int32_t>(size));
    }
    while (constants_.size() % 8 != 0) constants_.push_back({});
  }

  static bool isEmpty(const Array& array) { return std::ranges::count(array.shape, 0) > 0; }

  static Binding bindingOf(const Array& array, const Run& run, bool written) {
    const Range& slot = run.slots[array.operand.slot];
    if (isEmpty(array)) return {slot, written};
    const auto [low, high] = reachOf(array);
    const size_t item = itemSize(array.operand.dtype);
    const size_t offset = static_cast<size_t>(run.offset(array.operand) + low) * item;
    return {{slot.object, slot.offset + offset, static_cast<size_t>(high - low + 1) * item}, written};
  }

  const RoutineStep step_;
  const size_t bindings_;  // that a dispatch has
  std::string name_, text_;
  std::shared_ptr<const Pipeline> pipeline_;
  std::vector<std::byte> constants_;
  std::vector<Prepared> fills_;
  Size groups_, threads_;
};

}  // namespace

Prepared prepareCustom(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  auto prepared = std::make_unique<PreparedCustom>(step, pipelines.limits().maxBuffers);
  if (std::string error = prepared->read(); !error.empty()) {
    outcome = {Status::invalidProgram, "invalid program: custom: " + error};
    return nullptr;
  }
  outcome = prepared->compile(pipelines);
  if (!outcome.ok()) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
