// Puts included files of metal/ in the place of their lines. `#line` keeps the compiler's messages on files as they
// are.
#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

#include "gpu/pipelines.h"
#include "gpu/shader_files.h"

namespace metalgrad::gpu {
namespace {

std::string_view textOf(std::string_view name) {
  const auto files = shaderFiles();
  const auto found = std::ranges::find(files, name, &ShaderFile::name);
  if (found == files.end()) throw std::invalid_argument("no shader file is named " + std::string(name));
  return found->text;
}

/// The file that a line includes with quotes, or nothing.
std::string_view included(std::string_view line) {
  constexpr std::string_view include = "#include \"";
  if (!line.starts_with(include)) return {};
  line.remove_prefix(include.size());
  return line.substr(0, line.find('"'));
}

class Expansion {
 public:
  void add(std::string_view name, std::string_view text) {
    const std::string place = name.empty() ? "" : " \"" + std::string(name) + '"';
    if (!name.empty()) mark(1, place);
    size_t number = 0;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      number++;
      if (const auto file = included(line); !file.empty()) {
        if (seen_.emplace(file).second) add(file, textOf(file));
        mark(number + 1, name.empty() ? " \"source\"" : place);
      } else {
        if (line != "#pragma once") result_ += line;
        result_ += '\n';
      }
    }
  }

  std::string take() { return std::move(result_); }

 private:
  void mark(size_t line, const std::string& place) { result_ += "#line " + std::to_string(line) + place + '\n'; }

  std::set<std::string, std::less<>> seen_;
  std::string result_;
};

}  // namespace

std::string shaderSource(std::string_view file) {
  Expansion expansion;
  expansion.add(file, textOf(file));
  return expansion.take();
}

std::string expandIncludes(std::string_view source) {
  Expansion expansion;
  expansion.add({}, source);
  return expansion.take();
}

}  // namespace metalgrad::gpu
