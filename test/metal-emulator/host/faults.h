// Every fault of the process, so that a test can ask whether there were any.
#pragma once

#include <cstddef>
#include <string>

#include "shader/shader.h"

namespace emulator {

/// "race in kernel 'add' at add.metal:12: threads …".
std::string describe(const Fault& fault);

/// Counts a fault, and keeps its text; gives the text.
std::string report(const Fault& fault);

size_t faultCount();
/// One a line.
std::string faultTexts();
void clearFaults();

}  // namespace emulator
