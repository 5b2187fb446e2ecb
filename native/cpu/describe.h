// What the CPU device computes with.
#pragma once

#include <string>

namespace metalgrad::cpu {

/// The BLAS that products use, and its version or kernel.
std::string describeBlas();

}  // namespace metalgrad::cpu
