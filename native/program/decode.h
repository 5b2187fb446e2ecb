// Programs from words: what is accepted here has counts that its words bear out; validate.h checks what they mean.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "program/program.h"

namespace metalgrad {

/// Decodes `words` into `program`. Returns what is wrong with them, or an empty text.
std::string decode(std::span<const int32_t> words, Program& program);

}  // namespace metalgrad
