#include "tokens.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace emulator {
namespace {

constexpr std::array<std::string_view, 21> kLongMarks = {
    "<<=", ">>=", "::", "->", "&&", "||", "==", "!=", "<=", ">=", "++",
    "--",  "+=",  "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<"};

bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  std::vector<Token> tokens;
  int line = 1;
  std::string_view file = "shader";
  bool fresh = true;  // nothing but space since the line's start
  size_t i = 0;
  const auto advance = [&](size_t to) {
    line += static_cast<int>(std::count(source.begin() + static_cast<std::ptrdiff_t>(i),
                                        source.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    i = to;
  };
  const auto push = [&](Token::Kind kind, size_t end) {
    tokens.push_back({kind, source.substr(i, end - i), i, file, line});
    advance(end);
  };
  while (i < source.size()) {
    const char c = source[i];
    if (c == '\n') {
      fresh = true;
      advance(i + 1);
      continue;
    }
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      i++;
      continue;
    }
    if (source.substr(i, 2) == "//") {
      advance(std::min(source.find('\n', i), source.size()));
      continue;
    }
    if (source.substr(i, 2) == "/*") {
      const size_t end = source.find("*/", i + 2);
      advance(end == std::string_view::npos ? source.size() : end + 2);
      continue;
    }
    if (c == '#' && fresh) {
      size_t end = i;
      do {
        end = std::min(source.find('\n', end + (end > i ? 1 : 0)), source.size());
      } while (end < source.size() && source[end - 1] == '\\');
      push(Token::kDirective, end);
      const std::string_view directive = tokens.back().text;
      if (directive.starts_with("#line ")) {
        line = std::atoi(directive.data() + 6) - 1;  // of the line after this one, whose end is still to come
        const size_t open = directive.find('"'), close = directive.rfind('"');
        if (open < close) file = directive.substr(open + 1, close - open - 1);
      }
      continue;
    }
    fresh = false;
    if (c == '"' || c == '\'') {
      size_t end = i + 1;
      while (end < source.size() && source[end] != c) end += source[end] == '\\' ? 2 : 1;
      push(Token::kString, std::min(end + 1, source.size()));
      continue;
    }
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (digit || (c == '.' && i + 1 < source.size() && std::isdigit(static_cast<unsigned char>(source[i + 1])) != 0)) {
      size_t end = i + 1;
      while (end < source.size()) {
        const char d = source[end], before = source[end - 1];
        const bool hex = source.substr(i, 2) == "0x" || source.substr(i, 2) == "0X";
        const bool exponent = hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
        if (!isWord(d) && d != '.' && d != '\'' && !(exponent && (d == '+' || d == '-'))) break;
        end++;
      }
      push(Token::kNumber, end);
      continue;
    }
    if (isWord(c)) {
      size_t end = i + 1;
      while (end < source.size() && isWord(source[end])) end++;
      push(Token::kName, end);
      continue;
    }
    size_t length = 1;
    for (const std::string_view mark : kLongMarks) {
      if (source.substr(i, mark.size()) == mark) {
        length = mark.size();
        break;
      }
    }
    push(Token::kMark, i + length);
  }
  return tokens;
}

size_t closing(const std::vector<Token>& tokens, size_t open) {
  int depth = 0;
  for (size_t i = open; i < tokens.size(); i++) {
    if (tokens[i].kind != Token::kMark) continue;
    const char c = tokens[i].text[0];
    if (tokens[i].text.size() == 1 && (c == '(' || c == '[' || c == '{')) depth++;
    if (tokens[i].text.size() == 1 && (c == ')' || c == ']' || c == '}') && --depth == 0) return i;
  }
  return tokens.size();
}

size_t closingAngle(const std::vector<Token>& tokens, size_t open) {
  int depth = 0;
  for (size_t i = open; i < tokens.size(); i++) {
    const Token& token = tokens[i];
    if (token.is("(") || token.is("[")) {
      i = closing(tokens, i);
      continue;
    }
    if (token.is("<")) depth++;
    if (token.is(">") && --depth == 0) return i;
    if (token.is(";") || token.is("{") || token.is("}") || token.is("&&") || token.is("||")) return open;
  }
  return open;
}

}  // namespace emulator
