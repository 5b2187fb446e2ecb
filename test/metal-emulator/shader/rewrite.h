// MSL text as C++: kernels get entries that take their arguments from bindings, `threadgroup` variables and function
// constants become the emulator's. Lines stay where they are, so that messages name the shader's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace emulator {

/// What is compiled: `head` (the headers, the same in many shaders) and `rest` after it.
struct Translation {
  std::string head, rest;
};

struct Rewritten {
  Translation run, check;
  /// Empty, or a message for each mistake: `shader:<line>: error: …`.
  std::string errors;
};

/// The line of a shader's text after which nothing belongs to the headers that shaders share.
inline constexpr const char* kEndOfHeaders = "#pragma metalgrad end_of_headers";

Rewritten rewrite(const std::string& source);

}  // namespace emulator
