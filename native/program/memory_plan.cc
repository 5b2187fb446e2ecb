// Cuts the arena where no temporary lies across, and notes the first and last step of each part.
#include "program/memory_plan.h"

#include <algorithm>
#include <utility>

#include "program/operands.h"
#include "program/validate.h"

namespace metalgrad {
namespace {

/// Less than this is not worth an allocation of its own.
constexpr int64_t kLeastPart = 16 << 10;

constexpr size_t kNever = SIZE_MAX;

struct Lifetime {
  size_t first = kNever, last = 0;

  bool exists() const { return first != kNever; }
  void extend(const Lifetime& other) {
    first = std::min(first, other.first);
    last = std::max(last, other.last);
  }
};

/// Of outputs, then temporaries.
std::vector<Lifetime> lifetimesOf(const Program& program) {
  std::vector<Lifetime> lifetimes(program.outputBytes.size() + program.temporaries.size());
  for (size_t i = 0; i < program.steps.size(); i++) {
    if (writesNothing(program.steps[i])) continue;
    forEachOperand(program.steps[i], [&](const Operand& operand, const std::vector<int64_t>&, bool) {
      if (operand.slot >= program.inputs) lifetimes[operand.slot - program.inputs].extend({.first = i, .last = i});
    });
  }
  return lifetimes;
}

}  // namespace

MemoryPlan planMemory(const Program& program) {
  MemoryPlan plan;
  const auto outputs = static_cast<uint32_t>(program.outputBytes.size());
  std::vector<Lifetime> lifetimes = lifetimesOf(program);
  const std::vector<Lifetime> temporaries(lifetimes.begin() + outputs, lifetimes.end());
  // Of homes from here on.
  lifetimes.resize(outputs);
  for (const int64_t bytes : program.outputBytes)
    plan.homes.push_back({.offset = 0, .byteLength = bytes, .temporaries = {}});

  std::vector<uint32_t> inArena;
  for (uint32_t i = 0; i < temporaries.size(); i++) {
    if (!temporaries[i].exists()) continue;
    const uint32_t output = program.temporaries[i].output;
    if (output == kArena) {
      inArena.push_back(i);
    } else {
      plan.homes[output].temporaries.push_back(i);
      lifetimes[output].extend(temporaries[i]);
    }
  }
  std::ranges::sort(inArena, {}, [&](uint32_t i) { return program.temporaries[i].offset; });
  for (const uint32_t i : inArena) {
    const auto& [output, offset, bytes] = program.temporaries[i];
    const bool first = plan.homes.size() == outputs;
    const int64_t length = first ? 0 : plan.homes.back().byteLength;
    const int64_t end = first ? 0 : plan.homes.back().offset + length;
    if (first || (offset >= end && (length >= kLeastPart || offset + bytes - end >= kLeastPart))) {
      plan.homes.push_back({.offset = offset, .byteLength = 0, .temporaries = {}});
      lifetimes.emplace_back();
    }
    Home& part = plan.homes.back();
    part.byteLength = std::max(part.byteLength, offset + bytes - part.offset);
    part.temporaries.push_back(i);
    lifetimes.back().extend(temporaries[i]);
  }

  for (uint32_t i = 0; i < lifetimes.size(); i++) {
    plan.begins.push_back({.step = lifetimes[i].exists() ? lifetimes[i].first : 0, .home = i});
    if (i >= outputs) plan.ends.push_back({.step = lifetimes[i].last, .home = i});
  }
  const auto inOrder = [](const Moment& moment) { return std::pair(moment.step, moment.home); };
  std::ranges::sort(plan.begins, {}, inOrder);
  std::ranges::sort(plan.ends, {}, inOrder);
  return plan;
}

}  // namespace metalgrad
