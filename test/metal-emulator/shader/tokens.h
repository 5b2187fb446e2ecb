// The words of a shader's text, with comments left out and each preprocessor line as one word.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace emulator {

struct Token {
  enum Kind { kName, kNumber, kString, kMark, kDirective };
  Kind kind;
  std::string_view text;
  size_t offset;
  // As `#line` has it.
  std::string_view file;
  int line;

  bool is(std::string_view other) const { return text == other; }
  /// `<file>:<line>`
  std::string place() const { return std::string(file) + ":" + std::to_string(line); }
};

/// Marks are single characters, except `::`, `->`, `&&`, `||`, `==`, `!=`, `<=`, `>=`, `++`, `--` and assignments.
std::vector<Token> tokenize(std::string_view source);

/// The index of the bracket that closes `tokens[open]` ( ( [ { ), or the number of tokens.
size_t closing(const std::vector<Token>& tokens, size_t open);
/// The same for `<`, where it opens template parameters or arguments; `open` itself where it does not.
size_t closingAngle(const std::vector<Token>& tokens, size_t open);

}  // namespace emulator
