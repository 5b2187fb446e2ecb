// What clang lets pass and Metal has no room for.
#pragma once

#include <string>
#include <vector>

#include "tokens.h"

namespace emulator {

/// A message for each broken rule: `shader:<line>: error: …`.
std::string brokenRules(const std::vector<Token>& tokens);

}  // namespace emulator
