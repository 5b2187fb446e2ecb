// Names of metal/sort_keys.h.
#pragma once

#include <string_view>

#include "program/opcodes.h"

namespace metalgrad::gpu {

/// The struct that makes unsigned keys of a dtype's elements.
std::string_view sortKey(Dtype dtype);

}  // namespace metalgrad::gpu
