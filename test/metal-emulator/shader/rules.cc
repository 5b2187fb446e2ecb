#include "rules.h"

#include <map>
#include <set>
#include <string_view>

namespace emulator {
namespace {

const std::map<std::string_view, const char*> kForbidden = {
    {"double", "Metal has no double"},
    {"goto", "Metal has no goto"},
    {"new", "Metal has no new"},
    {"delete", "Metal has no delete"},
    {"try", "Metal has no exceptions"},
    {"catch", "Metal has no exceptions"},
    {"throw", "Metal has no exceptions"},
    {"virtual", "Metal has no virtual functions"},
    {"typeid", "Metal has no run-time type information"},
    {"dynamic_cast", "Metal has no run-time type information"},
    {"thread_local", "Metal has no thread_local"},
    {"asm", "Metal has no assembler"},
    {"wchar_t", "Metal has no wide characters"},
    {"std", "Metal has no namespace std"},
    {"noreturn", "Metal has no functions that do not return"},
};
const std::set<std::string_view> kSpaces = {"device", "constant", "threadgroup", "thread"};
const std::set<std::string_view> kTypes = {"bool",
                                           "char",
                                           "uchar",
                                           "short",
                                           "ushort",
                                           "int",
                                           "uint",
                                           "long",
                                           "ulong",
                                           "half",
                                           "bfloat",
                                           "float",
                                           "size_t",
                                           "void",
                                           "int8_t",
                                           "int16_t",
                                           "int32_t",
                                           "int64_t",
                                           "uint8_t",
                                           "uint16_t",
                                           "uint32_t",
                                           "uint64_t",
                                           "signed",
                                           "unsigned",
                                           "auto",
                                           "char2",
                                           "char3",
                                           "char4",
                                           "uchar2",
                                           "uchar3",
                                           "uchar4",
                                           "short2",
                                           "short3",
                                           "short4",
                                           "ushort2",
                                           "ushort3",
                                           "ushort4",
                                           "int2",
                                           "int3",
                                           "int4",
                                           "uint2",
                                           "uint3",
                                           "uint4",
                                           "long2",
                                           "ulong2",
                                           "half2",
                                           "half3",
                                           "half4",
                                           "bfloat2",
                                           "bfloat3",
                                           "bfloat4",
                                           "float2",
                                           "float3",
                                           "float4",
                                           "atomic_int",
                                           "atomic_uint",
                                           "atomic_float",
                                           "simdgroup_float8x8",
                                           "simdgroup_half8x8",
                                           "simdgroup_bfloat8x8"};

class Rules {
 public:
  explicit Rules(const std::vector<Token>& tokens) : tokens_(tokens) {}

  std::string broken() {
    findTypes();
    for (size_t i = 0; i < tokens_.size(); i++) {
      words(i);
      lambda(i);
      derivation(i);
      if (at(i).is("*") || at(i).is("&") || at(i).is("&&")) pointer(i);
    }
    recursion();
    return std::move(errors_);
  }

 private:
  void error(size_t i, const std::string& text) { errors_ += tokens_[i].place() + ": error: " + text + "\n"; }
  const Token& at(size_t i) const {
    static const Token none{Token::kMark, "", 0, "shader", 0};
    return i < tokens_.size() ? tokens_[i] : none;
  }
  const Token& before(size_t i) const { return at(i == 0 ? tokens_.size() : i - 1); }

  /// Names that are types: of structs, enums, aliases and template parameters.
  void findTypes() {
    types_ = kTypes;
    for (size_t i = 0; i < tokens_.size(); i++) {
      const Token& token = tokens_[i];
      if ((token.is("struct") || token.is("class") || token.is("typename") || token.is("enum") || token.is("union")) &&
          at(i + 1).kind == Token::kName && !at(i + 1).is("class")) {
        // `typename A::B`: the last name.
        size_t name = i + 1;
        while (at(name + 1).is("::") && at(name + 2).kind == Token::kName) name += 2;
        types_.insert(at(name).text);
      } else if (token.is("using") && at(i + 2).is("=")) {
        types_.insert(at(i + 1).text);
      } else if (token.is("typedef")) {
        size_t semicolon = i;
        while (semicolon < tokens_.size() && !tokens_[semicolon].is(";")) semicolon++;
        if (before(semicolon).kind == Token::kName) types_.insert(before(semicolon).text);
      }
    }
  }

  void words(size_t i) {
    const Token& token = tokens_[i];
    if (token.kind != Token::kName) return;
    const auto forbidden = kForbidden.find(token.text);
    if (forbidden != kForbidden.end() && !before(i).is("::")) error(i, forbidden->second);
    if (token.is("long") && at(i + 1).is("long")) error(i, "Metal has no long long");
    if (token.is("reinterpret_cast") && !at(i + 1).is("<")) error(i, "reinterpret_cast without a type");
  }

  void lambda(size_t i) {
    if (!tokens_[i].is("[") || at(i + 1).is("[") || before(i).is("[")) return;
    const Token& previous = before(i);
    const bool subscript = previous.kind == Token::kName ? !previous.is("return")
                                                         : previous.is("]") || previous.is(")") || previous.is(">");
    if (subscript) return;
    const size_t close = closing(tokens_, i);
    if (at(close + 1).is("(") || at(close + 1).is("{")) error(i, "Metal has no lambda expressions");
  }

  void derivation(size_t i) {
    if (!tokens_[i].is("struct") && !tokens_[i].is("class")) return;
    if (before(i).is("enum")) return;
    size_t k = i + 1;
    while (at(k).kind == Token::kName || at(k).is("<")) k = at(k).is("<") ? closingAngle(tokens_, k) + 1 : k + 1;
    if (at(k).is(":")) error(i, "Metal has no derived classes");
  }

  /// A `*` or `&` after a type makes a pointer or reference, which must say where it points.
  void pointer(size_t i) {
    size_t first = i;  // of the declaration's words
    const Token& previous = before(i);
    if (previous.is("*")) return;  // a pointer to a pointer: the inner one has been looked at
    bool isType = previous.kind == Token::kName && (types_.contains(previous.text) || previous.is("const"));
    if (isType && previous.is("const") && at(i - 2).kind == Token::kMark && !at(i - 2).is(">")) isType = false;
    if (previous.is(">")) {
      // The end of a type's template arguments, if what follows declares something.
      isType = (at(i + 1).kind == Token::kName || at(i + 1).is(")") || at(i + 1).is(",") || at(i + 1).is(">") ||
                at(i + 1).is("(")) &&
               endsType(i - 1);
    }
    if (!isType) return;
    bool space = false;
    int angles = 0;
    while (first > 0) {
      const Token& token = tokens_[first - 1];
      if (token.kind == Token::kDirective || token.is(";") || token.is("{") || token.is("}") || token.is("=")) break;
      if (token.is(">")) angles++;
      if (token.is("<") && --angles < 0) break;
      if (token.is("(") || (token.is(",") && angles == 0)) break;
      if (kSpaces.contains(token.text)) space = true;
      if (angles == 0 && (token.is(")") || token.is("]"))) break;
      first--;
    }
    // `using Pointer = device T*` and casts such as `(device T*)` have their space between; a rvalue reference in a
    // template's parameters, or a function's, needs none more than an lvalue one does.
    if (!space)
      error(i, "a pointer or reference must name an address space: " + std::string(previous.text) +
                   std::string(tokens_[i].text));
  }

  /// Whether the template arguments that end at `close` belong to the name of a type.
  bool endsType(size_t close) const {
    int depth = 0;
    for (size_t i = close + 1; i-- > 0;) {
      if (tokens_[i].is(">")) depth++;
      if (tokens_[i].is("<") && --depth == 0) {
        const Token& name = before(i);
        return types_.contains(name.text) || name.is("vec") || name.is("simdgroup_matrix") || name.is("atomic");
      }
      if (tokens_[i].is(";") || tokens_[i].is("{") || tokens_[i].is("}")) return false;
    }
    return false;
  }

  /// Functions that come back to themselves, where a name has one definition. (Overloads and templates that call a
  /// function of their own name call another one.)
  void recursion() {
    std::map<std::string_view, std::vector<std::set<std::string_view>>> calls;
    std::map<std::string_view, size_t> where;
    std::set<std::string_view> templates;
    for (size_t i = 0; i + 1 < tokens_.size(); i++) {
      if (tokens_[i].kind != Token::kName || !tokens_[i + 1].is("(") || i == 0) continue;
      const Token& previous = tokens_[i - 1];
      const bool typed = previous.kind == Token::kName ? !previous.is("return") && !previous.is("else")
                                                       : previous.is(">") || previous.is("*") || previous.is("&");
      if (!typed) continue;
      size_t body = closing(tokens_, i + 1) + 1;
      if (at(body).is("const")) body++;
      if (!at(body).is("{")) continue;
      const size_t close = closing(tokens_, body);
      std::set<std::string_view> called;
      for (size_t k = body; k < close; k++) {
        const bool member = before(k).is(".") || before(k).is("->") || before(k).is("::");
        if (tokens_[k].kind == Token::kName && at(k + 1).is("(") && !member) called.insert(tokens_[k].text);
      }
      calls[tokens_[i].text].push_back(called);
      where.emplace(tokens_[i].text, i);
      size_t start = i;
      while (start > 0 && !tokens_[start].is(";") && !tokens_[start].is("}") && !tokens_[start].is("{") &&
             tokens_[start].kind != Token::kDirective) {
        if (tokens_[start].is("template")) templates.insert(tokens_[i].text);
        start--;
      }
      if (tokens_[start].is("template")) templates.insert(tokens_[i].text);
    }
    for (const auto& [name, definitions] : calls) {
      if (definitions.size() != 1 || templates.contains(name)) continue;
      std::set<std::string_view> reached;
      std::vector<std::string_view> open(definitions[0].begin(), definitions[0].end());
      while (!open.empty()) {
        const std::string_view next = open.back();
        open.pop_back();
        const auto found = calls.find(next);
        if (found == calls.end() || found->second.size() != 1 || templates.contains(next)) continue;
        if (reached.insert(next).second) open.insert(open.end(), found->second[0].begin(), found->second[0].end());
      }
      if (reached.contains(name)) error(where[name], "Metal has no recursion: " + std::string(name));
    }
  }

  const std::vector<Token>& tokens_;
  std::set<std::string_view> types_;
  std::string errors_;
};

}  // namespace

std::string brokenRules(const std::vector<Token>& tokens) { return Rules(tokens).broken(); }

}  // namespace emulator
