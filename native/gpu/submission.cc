// Hazards are compared by byte range; a commit now and then lets the GPU begin while the rest is still encoded.
#include "gpu/submission.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "gpu/memory_source.h"

namespace metalgrad::gpu {
namespace {

constexpr size_t kDispatchesPerCommit = 45;
constexpr size_t kBytesPerCommit = size_t{45} << 20;

bool overlap(const Range& a, const Range& b) {
  return a.object == b.object && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

bool overlapsAny(const std::vector<Range>& ranges, const Range& range) {
  return std::ranges::any_of(ranges, [&range](const Range& other) { return overlap(other, range); });
}

}  // namespace

Submission::Submission(Runtime& runtime, memory::Allocator& allocator, std::string_view label)
    : runtime_(runtime), allocator_(allocator), label_(label) {}

Submission::~Submission() {
  commands_.reset();
  for (const auto& block : scratch_) allocator_.free(block);
}

Commands& Submission::commands() {
  if (!commands_) commands_ = runtime_.begin(label_);
  return *commands_;
}

void Submission::dispatch(const Pipeline& pipeline, std::span<const Binding> bindings,
                          std::span<const std::byte> constants, Size groups, Size threads, size_t threadgroupMemory) {
  if (groups.x == 0 || groups.y == 0 || groups.z == 0) return;
  const Limits& limits = runtime_.limits();
  if (bindings.size() + (constants.empty() ? 0 : 1) > limits.maxBuffers) {
    throw std::length_error("a dispatch binds more buffers than the device has places");
  }
  if (constants.size() > limits.maxInlineBytes) throw std::length_error("a dispatch has too many inline bytes");
  order(bindings);
  ranges_.clear();
  for (const auto& binding : bindings) ranges_.push_back(binding.range);
  commands().dispatch({.pipeline = &pipeline,
                       .buffers = ranges_,
                       .constants = constants,
                       .threadgroupMemory = threadgroupMemory,
                       .groups = groups,
                       .threads = threads});
  recorded(bindings);
}

void Submission::copy(const Range& from, const Range& to) {
  if (from.bytes == 0) return;
  const std::array<Binding, 2> bindings{{{.range = from, .written = false}, {.range = to, .written = true}}};
  order(bindings);
  commands().copy(from, to);
  recorded(bindings);
}

void Submission::fill(const Range& range, uint8_t value) {
  if (range.bytes == 0) return;
  const std::array<Binding, 1> bindings{{{.range = range, .written = true}}};
  order(bindings);
  commands().fill(range, value);
  recorded(bindings);
}

void Submission::order(std::span<const Binding> bindings) {
  const bool depends = std::ranges::any_of(bindings, [this](const Binding& binding) {
    return overlapsAny(writes_, binding.range) || (binding.written && overlapsAny(reads_, binding.range));
  });
  if (depends) {
    commands().barrier();
    reads_.clear();
    writes_.clear();
  }
  for (const auto& [range, written] : bindings) {
    if (range.bytes > 0) (written ? writes_ : reads_).push_back(range);
  }
}

void Submission::recorded(std::span<const Binding> bindings) {
  recorded_++;
  for (const auto& [range, written] : bindings) {
    if (!written) recordedBytes_ += range.bytes;
  }
  if (recorded_ >= kDispatchesPerCommit || recordedBytes_ >= kBytesPerCommit) commit();
}

void Submission::commit() {
  if (commands_) commands_->commit();
  orderAnew();
}

/// What follows a commit comes after it.
void Submission::orderAnew() {
  reads_.clear();
  writes_.clear();
  recorded_ = 0;
  recordedBytes_ = 0;
}

Range Submission::scratch(size_t bytes) {
  scratch_.reserve(scratch_.size() + 1);
  const memory::Block block = allocator_.allocate(bytes);
  if (!block.data) return {};
  scratch_.push_back(block);
  return rangeOf(block);
}

Outcome Submission::wait() {
  if (!commands_) return {};
  Outcome outcome = commands_->wait();
  commands_.reset();
  orderAnew();
  return outcome;
}

}  // namespace metalgrad::gpu
