// clang, and what it makes: both compilations of a shader, with precompiled headers, kept on disk by content.
#pragma once

#include <string>

#include "rewrite.h"

namespace emulator {

/// The path of a shader's shared object; empty with the compiler's messages.
std::string compiledObject(const Rewritten& shader, std::string& error);

}  // namespace emulator
