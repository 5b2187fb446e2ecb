// Chooses the device: a program with a step on the GPU is the GPU's, any other the CPU's.
#include "addon/load.h"

#include <algorithm>
#include <array>

#include "cpu/executable.h"
#include "gpu/executable.h"

namespace metalgrad::addon {
namespace {

/// "2 kernel, 1 matmul"
std::string summary(const Program& program) {
  std::array<size_t, kStepKindNames.size()> counts{};
  for (const auto& step : program.steps) counts[step.index()]++;
  std::string text;
  for (size_t kind = 0; kind < counts.size(); kind++) {
    if (counts[kind] == 0) continue;
    text += (text.empty() ? "program of " : ", ") + std::to_string(counts[kind]) + ' ';
    text += kStepKindNames[kind];
  }
  return text;
}

}  // namespace

std::shared_ptr<const Executable> load(std::span<const int32_t> words, std::string label,
                                       const std::shared_ptr<gpu::Device>& gpu, Outcome& outcome) {
  ValidProgram valid;
  outcome = readProgram(words, valid);
  if (!outcome.ok()) return nullptr;
  const auto& devices = valid.program.devices;
  const auto onGpu = std::ranges::find(devices, Device::gpu);
  if (onGpu == devices.end()) return cpu::Executable::load(std::move(valid), outcome);
  if (!gpu) {
    outcome = {Status::invalidProgram,
               "invalid program: step " + std::to_string(onGpu - devices.begin()) + ": there is no GPU"};
    return nullptr;
  }
  if (label.empty()) label = summary(valid.program);
  return gpu::Executable::load(std::move(valid), std::move(label), gpu, outcome);
}

}  // namespace metalgrad::addon
