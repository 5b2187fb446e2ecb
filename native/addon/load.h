// From words to a program that can run, on the devices that it names.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gpu/device.h"
#include "program/executable.h"

namespace metalgrad::addon {

/// Null with what is wrong in `outcome`. `gpu` may be null; an empty `label` is replaced by what the steps are.
std::shared_ptr<const Executable> load(std::span<const int32_t> words, std::string label,
                                       const std::shared_ptr<gpu::Device>& gpu, Outcome& outcome);

}  // namespace metalgrad::addon
