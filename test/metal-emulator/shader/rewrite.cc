#include "rewrite.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "rules.h"
#include "tokens.h"

namespace emulator {
namespace {

/// The parameter attributes that say where a thread is, as a tag of emulator_kernels.h.
const std::map<std::string_view, const char*> kBuiltins = {
    {"thread_position_in_grid", "emulator::Position<&EmulatorThread::threadInGrid>"},
    {"threads_per_grid", "emulator::Position<&EmulatorThread::threadsPerGrid>"},
    {"threadgroup_position_in_grid", "emulator::Position<&EmulatorThread::groupInGrid>"},
    {"threadgroups_per_grid", "emulator::Position<&EmulatorThread::groupsPerGrid>"},
    {"thread_position_in_threadgroup", "emulator::Position<&EmulatorThread::threadInGroup>"},
    {"threads_per_threadgroup", "emulator::Position<&EmulatorThread::threadsPerGroup>"},
    {"dispatch_threads_per_threadgroup", "emulator::Position<&EmulatorThread::threadsPerGroup>"},
    {"thread_index_in_threadgroup", "emulator::Number<&EmulatorThread::indexInGroup>"},
    {"thread_index_in_simdgroup", "emulator::Number<&EmulatorThread::lane>"},
    {"threads_per_simdgroup", "emulator::SimdWidth"},
    {"thread_execution_width", "emulator::SimdWidth"},
    {"simdgroup_index_in_threadgroup", "emulator::Number<&EmulatorThread::simdgroup>"},
    {"simdgroups_per_threadgroup", "emulator::Number<&EmulatorThread::simdgroups>"},
};
const std::set<std::string_view> kHeaders = {"metal_stdlib",  "metal_simdgroup_matrix", "metal_simdgroup",
                                             "metal_math",    "metal_integer",          "metal_atomic",
                                             "metal_compute", "metal_type_traits"};

struct KernelFunction {
  std::string tags;  // of its parameters, each after a comma
  std::string maxThreads = "0";
  bool isTemplate = false;
};

/// Text that takes the place of other text, in the translation that runs and in the one that is checked.
struct Edit {
  size_t from, to;
  std::string run, check;
};

class Rewriter {
 public:
  explicit Rewriter(const std::string& source) : source_(source), tokens_(tokenize(source)) {}

  Rewritten rewrite() {
    result_.errors = brokenRules(tokens_);
    directives();
    literals();
    questions();
    constructions();
    declarations(0, tokens_.size());
    assemble();
    return std::move(result_);
  }

 private:
  void error(const Token& token, const std::string& text) {
    result_.errors += token.place() + ": error: " + text + "\n";
  }
  void edit(size_t from, size_t to, std::string run, std::string check) {
    edits_.push_back({from, to, std::move(run), std::move(check)});
  }
  size_t end(size_t token) const { return tokens_[token].offset + tokens_[token].text.size(); }
  std::string text(size_t first, size_t last) const {  // of tokens [first, last)
    return first >= last ? "" : source_.substr(tokens_[first].offset, end(last - 1) - tokens_[first].offset);
  }
  /// So many lines as there are in the text of tokens [first, last), and nothing else.
  std::string lines(size_t first, size_t last) const {
    const std::string removed = text(first, last);
    return std::string(static_cast<size_t>(std::count(removed.begin(), removed.end(), '\n')), '\n');
  }
  const Token& at(size_t i) const {
    static const Token none{Token::kMark, "", 0, "shader", 0};
    return i < tokens_.size() ? tokens_[i] : none;
  }

  /// Metal's headers come first, outside the namespace that the rest is put in; the end of the shared headers is noted.
  void directives() {
    for (const Token& token : tokens_) {
      if (token.kind != Token::kDirective) continue;
      const size_t begin = token.offset, finish = begin + token.text.size();
      if (token.text.substr(0, 8) == "#include") {
        const size_t open = token.text.find('<'), close = token.text.find('>');
        const bool known = open != std::string_view::npos && close != std::string_view::npos &&
                           kHeaders.contains(token.text.substr(open + 1, close - open - 1));
        if (!known) {
          error(token, "no such header: " + std::string(token.text));
          continue;
        }
        const std::string_view header = token.text.substr(open + 1, close - open - 1);
        if (header != "metal_type_traits") headers_.insert(std::string(header));
        edit(begin, finish, "", "");
      } else if (token.text == kEndOfHeaders) {
        endHead(finish, token);
      }
    }
  }

  void endHead(size_t offset, const Token& token) {
    headEnd_ = offset;
    headEndPlace_ = std::to_string(token.line) + " \"" + std::string(token.file) + "\"\n";
  }

  /// 1.5h and 1.5bf, which clang does not know in both translations.
  void literals() {
    for (const Token& token : tokens_) {
      if (token.kind != Token::kNumber || token.text.substr(0, 2) == "0x") continue;
      const bool isHalf = token.text.back() == 'h' || token.text.back() == 'H';
      const bool isBFloat = token.text.size() > 2 && (token.text.ends_with("bf") || token.text.ends_with("BF"));
      if (!isHalf && !isBFloat) continue;
      const std::string digits(token.text.substr(0, token.text.size() - (isBFloat ? 2 : 1)));
      const std::string cast = (isBFloat ? "bfloat(" : "half(") + digits +
                               (digits.find_first_of(".eE") == std::string::npos ? ".0f)" : "f)");
      edit(token.offset, token.offset + token.text.size(), cast, cast);
    }
  }

  /// float4(a, b, c, d), and conversions of one vector to another, which C++ takes for the same bits.
  void constructions() {
    static const std::set<std::string_view> elements = {"char", "uchar",  "short", "ushort", "int",  "uint",
                                                        "half", "bfloat", "float", "long",   "ulong"};
    for (size_t i = 0; i + 1 < tokens_.size(); i++) {
      const std::string_view name = tokens_[i].text;
      if (tokens_[i].kind != Token::kName || !tokens_[i + 1].is("(") || name.back() < '2' || name.back() > '4')
        continue;
      if (!elements.contains(name.substr(0, name.size() - 1))) continue;
      const std::string call = "metal::construct<" + std::string(name) + ">";
      edit(tokens_[i].offset, end(i), call, call);
    }
  }

  /// At namespace scope.
  void declarations(size_t from, size_t to) {
    size_t statement = from;     // where the declaration began
    std::optional<size_t> head;  // its `template <`
    for (size_t i = from; i < to; i++) {
      const Token& token = tokens_[i];
      if (token.kind == Token::kDirective || token.is(";")) {
        statement = i + 1;
        head.reset();
      } else if (token.is("namespace")) {
        while (i < to && !tokens_[i].is("{") && !tokens_[i].is(";")) i++;
        if (i < to && tokens_[i].is("{")) {
          const size_t close = closing(tokens_, i);
          declarations(i + 1, close);
          i = close;
        }
        statement = i + 1;
      } else if (token.is("{")) {
        i = closing(tokens_, i);
        if (!at(i + 1).is(";")) {
          statement = i + 1;
          head.reset();
        }
      } else if (token.is("template") && at(i + 1).is("<")) {
        head = i + 1;
        i = closingAngle(tokens_, i + 1);
      } else if (token.is("template")) {
        i = instantiation(i);
        statement = i + 1;
      } else if (token.is("function_constant")) {
        i = functionConstant(statement, i);
        statement = i + 1;
      } else if (token.is("kernel") && token.kind == Token::kName) {
        i = kernel(statement, head, i);
        statement = i + 1;
        head.reset();
      }
    }
  }

  /// template [[host_name("n")]] [[kernel]] decltype(k<float>) k<float>;
  size_t instantiation(size_t i) {
    size_t semicolon = i;
    while (semicolon < tokens_.size() && !tokens_[semicolon].is(";")) semicolon++;
    std::string hostName;
    size_t type = i + 1;
    bool isKernel = false;
    while (at(type).is("[") && at(type + 1).is("[")) {
      const size_t close = closing(tokens_, type);
      for (size_t k = type; k < close; k++) {
        if (tokens_[k].is("host_name") && at(k + 2).kind == Token::kString) hostName = tokens_[k + 2].text;
        isKernel |= tokens_[k].is("kernel");
      }
      type = close + 1;
    }
    if (at(type).is("kernel")) {
      isKernel = true;
      type++;
    }
    if (!isKernel) return semicolon;
    // Instances of one file share all that stands before them.
    if (headEnd_ == 0) endHead(tokens_[i].offset, tokens_[i]);
    if (hostName.empty()) error(tokens_[i], "an instance of a kernel template needs [[host_name(\"…\")]]");
    const size_t open = type + 1;
    if (!at(type).is("decltype") || !at(open).is("(") || semicolon >= tokens_.size()) {
      error(tokens_[i],
            "instances of kernels are written `template [[host_name(\"n\")]] [[kernel]] decltype(k<T>) k<T>;`");
      return semicolon;
    }
    const size_t function = closing(tokens_, open) + 1;
    const auto known = kernels_.find(at(function).text);
    if (known == kernels_.end() || !known->second.isTemplate) {
      error(at(function), "no kernel template of the name " + std::string(at(function).text));
      return semicolon;
    }
    entry(hostName, text(function, semicolon), known->second);
    const std::string instance = lines(i, semicolon + 1);
    edit(tokens_[i].offset, end(semicolon), instance, "template " + text(type, semicolon + 1) + lines(i, type));
    return semicolon;
  }

  void entry(const std::string& quotedName, const std::string& function, const KernelFunction& kernel) {
    if (!names_.insert(quotedName).second) {
      result_.errors += "shader: error: two kernels have the name " + quotedName + "\n";
      return;
    }
    entries_ += "  EMULATOR_KERNEL(" + quotedName + ", (" + function + "), " + kernel.maxThreads + kernel.tags + ")\n";
  }

  /// constant bool name [[function_constant(0)]];
  size_t functionConstant(size_t statement, size_t i) {
    size_t semicolon = i;
    while (semicolon < tokens_.size() && !tokens_[semicolon].is(";")) semicolon++;
    const size_t open = i - 2;  // [[
    const std::string index = at(i + 1).is("(") ? text(i + 2, closing(tokens_, i + 1)) : "";
    const std::map<std::string_view, const char*> types = {
        {"bool", "'b'"}, {"int", "'i'"}, {"uint", "'u'"}, {"float", "'f'"}};
    const auto type = types.find(at(statement + 1).text);
    if (!at(statement).is("constant") || type == types.end() || statement + 3 != open || index.empty()) {
      error(at(i),
            "function constants are written `constant bool name [[function_constant(0)]];` (bool, int, uint, float)");
      return semicolon;
    }
    const std::string name(at(statement + 2).text), of(type->first);
    const std::string kept = "static __attribute__((used)) ";
    const std::string record = kept + of + " " + name + "; " + kept + "bool " + name +
                               "_given_; static __attribute__((used, section(\"emulator_constants\"))) " +
                               "EmulatorConstant " + name + "_record_ = {" + index + ", " + type->second + ", &" +
                               name + ", &" + name + "_given_, \"" + name + "\", " +
                               (asked_.contains(name) ? "true" : "false") + "};";
    edit(tokens_[statement].offset, end(semicolon), record + lines(statement, semicolon),
         "extern constant " + of + " " + name + ";" + lines(statement, semicolon));
    return semicolon;
  }

  /// The names of template parameters, as arguments: `T, N`.
  std::string templateArguments(size_t open) const {
    const size_t close = closingAngle(tokens_, open);
    std::string arguments;
    std::string name;
    bool inDefault = false;
    for (size_t i = open + 1; i <= close; i++) {
      if (tokens_[i].is("<")) {
        i = closingAngle(tokens_, i);
      } else if (tokens_[i].is(",") || i == close) {
        arguments += (arguments.empty() ? "" : ", ") + name;
        inDefault = false;
      } else if (tokens_[i].is("=")) {
        inDefault = true;
      } else if (tokens_[i].kind == Token::kName && !inDefault) {
        name = tokens_[i].text;
      }
    }
    return arguments;
  }

  size_t kernel(size_t statement, std::optional<size_t> head, size_t i) {
    KernelFunction kernel;
    kernel.isTemplate = head.has_value();
    std::string hostName;
    size_t type = i;
    while (type < tokens_.size() && !tokens_[type].is("void") && !tokens_[type].is(";") && !tokens_[type].is("{"))
      type++;
    for (size_t k = statement; k < type; k++) {
      if (tokens_[k].is("max_total_threads_per_threadgroup") && at(k + 1).is("(")) {
        kernel.maxThreads = text(k + 2, closing(tokens_, k + 1));
      }
      if (tokens_[k].is("host_name") && at(k + 2).kind == Token::kString) hostName = tokens_[k + 2].text;
    }
    const size_t open = type + 2;
    if (!at(type).is("void") || !at(open).is("(")) {
      error(tokens_[i], "a kernel is a function that gives void");
      return i;
    }
    const std::string name(tokens_[type + 1].text);
    const size_t close = closing(tokens_, open);
    size_t body = close + 1;
    while (body < tokens_.size() && !tokens_[body].is("{") && !tokens_[body].is(";")) body++;
    if (!at(body).is("{")) return body;
    if (kernels_.contains(name)) error(tokens_[i], "two kernels have the name " + name);
    parameters(name, open, close, kernel);
    const std::string function = head ? name + "<" + templateArguments(*head) + ">" : name;
    variables(function, body, closing(tokens_, body));
    if (!head) entry(hostName.empty() ? "\"" + name + "\"" : hostName, name, kernel);
    kernels_.emplace(name, std::move(kernel));
    return closing(tokens_, body);
  }

  void parameters(const std::string& name, size_t open, size_t close, KernelFunction& kernel) {
    std::set<std::string> taken;
    for (size_t i = open + 1; i < close;) {
      std::string tag;
      const Token& first = tokens_[i];
      bool constant = false;
      for (; i < close && !tokens_[i].is(","); i++) {
        constant |= tokens_[i].is("constant");
        if (tokens_[i].is("<") && closingAngle(tokens_, i) != i) {
          i = closingAngle(tokens_, i);
        } else if (tokens_[i].is("[") && at(i + 1).is("[")) {
          tag = parameterTag(name, i + 2, constant, taken);
          const size_t last = closing(tokens_, i);
          edit(tokens_[i].offset, end(last), lines(i, last), lines(i, last));
          i = last;
        } else if (tokens_[i].is("(")) {
          i = closing(tokens_, i);
        }
      }
      if (tag.empty()) error(first, "a parameter of kernel " + name + " has no attribute");
      kernel.tags += ", " + tag;
      i++;
    }
  }

  std::string parameterTag(const std::string& kernel, size_t i, bool constant, std::set<std::string>& taken) {
    const std::string attribute(tokens_[i].text);
    if (attribute == "buffer" || attribute == "threadgroup") {
      const std::string index = at(i + 1).is("(") ? text(i + 2, closing(tokens_, i + 1)) : "";
      if (index.empty() || index.find_first_not_of("0123456789") != std::string::npos || std::stoul(index) > 30) {
        error(tokens_[i], attribute + " needs an index of 0 to 30");
        return "emulator::SimdWidth";
      }
      if (!taken.insert(attribute + index).second) {
        error(tokens_[i], "two parameters of kernel " + kernel + " are " + attribute + "(" + index + ")");
      }
      const char* const buffer = constant ? "emulator::Constant<" : "emulator::Buffer<";
      return (attribute == "buffer" ? buffer : "emulator::Threadgroup<") + index + ">";
    }
    const auto builtin = kBuiltins.find(attribute);
    if (builtin != kBuiltins.end()) return builtin->second;
    error(tokens_[i], "unknown attribute of a kernel's parameter: " + attribute);
    return "emulator::SimdWidth";
  }

  /// `threadgroup float a[8], b;` in a kernel's body.
  void variables(const std::string& function, size_t open, size_t close) {
    unsigned number = 0;
    for (size_t i = open + 1; i < close; i++) {
      const Token& before = tokens_[i - 1];
      const bool begins = before.is(";") || before.is("{") || before.is("}") || before.kind == Token::kDirective;
      if (!tokens_[i].is("threadgroup") || !begins) continue;
      size_t semicolon = i, name = i, type = i + 1;
      bool named = false, pointer = false;
      if (at(type).is("alignas")) type = closing(tokens_, type + 1) + 1;
      for (semicolon = type; semicolon < close && !tokens_[semicolon].is(";"); semicolon++) {
        const Token& token = tokens_[semicolon];
        if (token.is("<") && closingAngle(tokens_, semicolon) != semicolon) {
          semicolon = closingAngle(tokens_, semicolon);
        } else if (token.is("[") || token.is(",")) {
          named = true;
          if (token.is("[")) semicolon = closing(tokens_, semicolon);
        } else if (!named && (token.is("*") || token.is("&"))) {
          pointer = true;
        } else if (token.is("=")) {
          named = true;
          if (!pointer) error(token, "threadgroup variables have no initial value");
        } else if (!named && token.kind == Token::kName) {
          name = semicolon;
        }
      }
      if (pointer) {
        i = semicolon;
        continue;
      }
      const std::string of = text(type, name);
      std::string run, check;
      for (size_t k = name; k < semicolon; k++) {
        const std::string variable(tokens_[k].text), alias = variable + "_type_";
        size_t stop = k + 1;
        while (stop < semicolon && !tokens_[stop].is(",")) {
          if (tokens_[stop].is("[")) stop = closing(tokens_, stop);
          stop++;
        }
        const std::string alias2 = "typedef " + of + " " + alias + " " + text(k + 1, stop) + "; ";
        run += alias2 + "static EmulatorVariable " + variable +
               "_record_ __attribute__((used, section(\"emulator_variables\"))) = {reinterpret_cast<const void*>(&" +
               function + "), sizeof(" + alias + ")}; " + alias + "& " + variable + " = metal::emulator_variable<" +
               alias + ">(" + std::to_string(number++) + "); ";
        check += alias2 + "threadgroup " + alias + "& " + variable + " = metal::emulator_variable<" + alias + ">(); ";
        k = stop;
      }
      edit(tokens_[i].offset, end(semicolon), run + lines(i, semicolon), check + lines(i, semicolon));
      i = semicolon;
    }
  }

  /// `is_function_constant_defined(x)` asks for what stands beside x.
  void questions() {
    for (size_t i = 0; i + 3 < tokens_.size(); i++) {
      if (!tokens_[i].is("is_function_constant_defined") || !tokens_[i + 1].is("(")) continue;
      const std::string name(tokens_[i + 2].text);
      asked_.insert(name);
      edit(tokens_[i].offset, end(i + 3), name + "_given_", "bool(" + name + ")");
    }
  }

  void assemble() {
    std::sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) { return a.from < b.from; });
    std::string includes;
    for (const std::string& header : headers_) includes += "#include <" + header + ">\n";
    if (!headers_.contains("metal_stdlib")) {
      result_.errors += "shader:1: error: a shader begins with #include <metal_stdlib>\n";
    }
    for (const bool run : {true, false}) {
      Translation& translation = run ? result_.run : result_.check;
      translation.head = includes + "namespace {\n#line 1 \"shader\"\n" + part(0, headEnd_, run) + "\n}\n";
      translation.rest = "namespace {\n#line " + headEndPlace_ + part(headEnd_, source_.size(), run) + "\n}\n";
    }
    result_.run.rest +=
        "extern \"C\" {\n"
        "extern const EmulatorVariable __start_emulator_variables[] __attribute__((weak, visibility(\"hidden\")));\n"
        "extern const EmulatorVariable __stop_emulator_variables[] __attribute__((weak, visibility(\"hidden\")));\n"
        "extern const EmulatorConstant __start_emulator_constants[] __attribute__((weak, visibility(\"hidden\")));\n"
        "extern const EmulatorConstant __stop_emulator_constants[] __attribute__((weak, visibility(\"hidden\")));\n"
        "extern __attribute__((visibility(\"default\"))) const EmulatorModule emulator_module;\n"
        "const EmulatorKernel emulator_kernels[] = {\n" +
        entries_ +
        "  {}};\n"
        "const EmulatorModule emulator_module = {emulator_kernels, sizeof(emulator_kernels) / sizeof(EmulatorKernel) - "
        "1,\n"
        "    __start_emulator_variables, __stop_emulator_variables, __start_emulator_constants,\n"
        "    __stop_emulator_constants};\n"
        "}\n";
  }

  std::string part(size_t from, size_t to, bool run) const {
    std::string out;
    size_t done = from;
    for (const Edit& edit : edits_) {
      if (edit.from < from || edit.from >= to || edit.from < done) continue;
      out += source_.substr(done, edit.from - done);
      out += run ? edit.run : edit.check;
      done = edit.to;
    }
    return out + source_.substr(done, to - done);
  }

  const std::string& source_;
  std::vector<Token> tokens_;
  std::vector<Edit> edits_;
  std::set<std::string> headers_, names_, asked_;
  std::map<std::string, KernelFunction, std::less<>> kernels_;
  std::string entries_;
  size_t headEnd_ = 0;
  std::string headEndPlace_ = "1 \"shader\"\n";
  Rewritten result_;
};

}  // namespace

Rewritten rewrite(const std::string& source) { return Rewriter(source).rewrite(); }

}  // namespace emulator
