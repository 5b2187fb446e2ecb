// Writes the text: constants, buffers, where the thread stands, then the group's loads, instructions and stores.
#include "gpu/kernel_source.h"

#include <array>

#include "gpu/kernel_accumulators.h"
#include "gpu/kernel_types.h"

namespace metalgrad::gpu {
namespace {

using Kind = KernelForm::Kind;

/// What the instruction's function in metal/scalars.h is called.
std::string functionOf(ElementwiseOp op) {
  std::string name(kElementwiseOpNames[static_cast<size_t>(op)]);
  // Alternative tokens of C++.
  if (op == ElementwiseOp::and_ || op == ElementwiseOp::or_ || op == ElementwiseOp::xor_) name += '_';
  return "mg::" + name;
}

constexpr const char* kDimensions = "xyz";

class Writer {
 public:
  Writer(const KernelStep& step, const Layout& layout, const KernelForm& form)
      : step_(step), layout_(layout), form_(form), accumulators_(accumulatorsOf(step)) {}

  KernelSource write() {
    addConstants();
    std::string body = form_.kind == Kind::quads ? quads() : form_.reduces() ? reduction() : elements();
    Text text;
    text.add("#include \"scalars.h\"\n");
    if (computesWith(step_, Dtype::complex64)) text.add("#include \"complex.h\"\n");
    if (form_.reduces()) text.add("#include \"accumulators.h\"\n");
    text.add("#pragma metalgrad end_of_headers\n\nusing namespace metal;\n\n");
    text.add("typedef ", form_.wide ? "int64_t" : "int", " index_t;\n");
    text.add("typedef ", form_.wide ? "uint64_t" : "uint", " count_t;\n\n");
    text.add(constants_.text(), "\n");
    text.add("kernel void ", kKernelFunction, "(", parameters(), ") {\n", body, "}\n");
    return {text.take(), constants_.bytes(), std::move(fields_)};
  }

 private:
  // Constants.

  size_t indexBytes() const { return form_.wide ? 8 : 4; }
  size_t field(const char* name) { return constants_.add("count_t", name, indexBytes()); }
  /// The grid is a line of threads, perhaps folded.
  bool inLine() const { return form_.kind != Kind::group && form_.kind != Kind::columns; }
  size_t uses() const { return layout_.uses.size(); }
  size_t firstStore() const { return step_.loads.size(); }
  size_t firstResult() const { return step_.loads.size() + step_.stores.size(); }

  void addConstants() {
    const bool box = form_.keptAxes > 0;
    if (!box && inLine()) fields_.pitch = field("pitch");
    if (!box) fields_.keptSize = field("keptSize");
    if (form_.kind == Kind::combine || form_.partial) fields_.splits = field("splits");
    if (form_.reduces() && form_.kind != Kind::combine) {
      fields_.reducedSize = field("reducedSize");
      if (!inLine()) fields_.chunk = field("chunk");
      if (!inLine()) fields_.lanes = constants_.add("uint", "lanes", 4);
      if (form_.kind == Kind::columns) fields_.width = constants_.add("uint", "width", 4);
      if (form_.reducedAxes == 0) fields_.reducedRank = constants_.add("uint", "reducedRank", 4);
      fields_.reducedSizes = constants_.add("count_t", "reducedSizes", indexBytes(), form_.reducedRoom);
      if (firstResult() > 0)
        fields_.reducedStrides =
            constants_.addTable("index_t", "reducedStrides", indexBytes(), form_.reducedRoom, firstResult());
    }
    if (!box) fields_.keptRank = constants_.add("uint", "keptRank", 4);
    fields_.keptSizes = constants_.add("count_t", "keptSizes", indexBytes(), form_.keptRoom);
    fields_.keptStrides = constants_.addTable("index_t", "keptStrides", indexBytes(), form_.keptRoom, uses());
    fields_.base = constants_.add("index_t", "base", indexBytes(), uses());
    fields_.origins.assign(uses(), kNoField);
    for (size_t k = 0; k < uses(); k++) {
      if (layout_.uses[k].role == Role::position)
        fields_.origins[k] = constants_.add("int64_t", "origin" + std::to_string(k), 8);
    }
    if (form_.kind == Kind::combine) return;
    for (size_t i = 0; i < step_.code.size(); i++) addScalars(step_.code[i], i + step_.loads.size());
  }

  void addScalars(const Instruction& instruction, size_t value) {
    const Dtype dtype = instruction.dtype;
    const std::string name = std::to_string(value);
    if (instruction.op == ElementwiseOp::splat) {
      const size_t offset = constants_.add(memoryType(dtype), "scalar" + name, itemSize(dtype));
      fields_.scalars.push_back({offset, dtype, instruction.a, false});
    } else if (instruction.op == ElementwiseOp::arange) {
      const std::string_view type = dtype >= Dtype::float16 ? "float2" : "int64_t";
      for (const auto& [prefix, arg] : {std::pair("start", instruction.b), std::pair("increment", instruction.c)})
        fields_.scalars.push_back({constants_.add(type, prefix + name, 8), dtype, arg, true});
    }
  }

  // The kernel's parameters.

  bool isBound(size_t use) const {
    const Role role = layout_.uses[use].role;
    if (form_.kind == Kind::combine) return role == Role::result;
    return role != Role::position && (role != Role::result || !form_.partial);
  }

  std::string parameters() const {
    Text text;
    size_t index = 0;
    if (form_.kind == Kind::combine)
      text.add("device const uint* partials [[buffer(", index++, ")]],\n                  ");
    for (size_t k = 0; k < uses(); k++) {
      if (!isBound(k)) continue;
      const Use& use = layout_.uses[k];
      text.add("device ", use.role == Role::load ? "const " : "", memoryType(use.operand->dtype), "* a", k,
               " [[buffer(", index++, ")]],\n                  ");
    }
    if (form_.partial) text.add("device uint* partials [[buffer(", index++, ")]],\n                  ");
    text.add("constant Constants& c [[buffer(", index, ")]]");
    const auto builtin = [&](const char* type, const char* name, const char* attribute) {
      text.add(",\n                  ", type, " ", name, " [[", attribute, "]]");
    };
    if (inLine()) {
      builtin("uint3", "position", "thread_position_in_grid");
    } else {
      builtin("uint3", "group", "threadgroup_position_in_grid");
      builtin("uint", "thread_", "thread_index_in_threadgroup");
      if (form_.kind == Kind::group) {
        builtin("uint", "simd", "simdgroup_index_in_threadgroup");
        builtin("uint", "lane32", "thread_index_in_simdgroup");
      }
    }
    return text.take();
  }

  // Places.

  /// Declares `i<use>` for all uses where the kept index `at` lies.
  void kept(Text& text, const std::string& at) const {
    place(text, "kept", "i", "c.base[", "]", at, form_.keptAxes, uses());
  }
  /// The same for the reduced index `at`, beside the kept one.
  void reduced(Text& text, const std::string& at, size_t count) const {
    place(text, "reduced", "e", "i", "", at, form_.reducedAxes, count);
  }

  /// Adds to `<start><use><end>` what the index `at` over the kept or reduced axes means for each use.
  void place(Text& text, const std::string& part, const std::string& to, const std::string& start,
             const std::string& end, const std::string& at, uint32_t axes, size_t count) const {
    if (count == 0) return;
    const std::string sizes = "c." + part + "Sizes[", strides = "c." + part + "Strides[";
    if (axes == 0) {
      for (size_t k = 0; k < count; k++) text.add("index_t ", to, k, " = ", start, k, end, ";\n");
      text.add("{\ncount_t rest = ", at, ";\n");
      text.add("for (uint axis = 0; axis + 1 < c.", part, "Rank; axis++) {\n");
      text.add("const count_t next = rest / ", sizes, "axis];\n");
      text.add("const index_t index = index_t(rest - next * ", sizes, "axis]);\n");
      for (size_t k = 0; k < count; k++) text.add(to, k, " += index * ", strides, "axis][", k, "];\n");
      text.add("rest = next;\n}\n");
      for (size_t k = 0; k < count; k++)
        text.add(to, k, " += index_t(rest) * ", strides, "c.", part, "Rank - 1][", k, "];\n");
      text.add("}\n");
      return;
    }
    std::string rest = at;
    for (uint32_t axis = 0; axis < axes; axis++) {
      const std::string name = part + std::to_string(axis);
      if (axis + 1 == axes) {
        text.add("const index_t ", name, " = index_t(", rest, ");\n");
      } else {
        const std::string next = part + "Rest" + std::to_string(axis);
        text.add("const count_t ", next, " = ", rest, " / ", sizes, axis, "];\n");
        text.add("const index_t ", name, " = index_t(", rest, " - ", next, " * ", sizes, axis, "]);\n");
        rest = next;
      }
    }
    sum(text, part, to, start, end, axes, count);
  }

  /// Declares places as sums over the coordinates `<part>0`, `<part>1`, …
  void sum(Text& text, const std::string& part, const std::string& to, const std::string& start, const std::string& end,
           uint32_t axes, size_t count) const {
    for (size_t k = 0; k < count; k++) {
      text.add("const index_t ", to, k, " = ", start, k, end);
      for (uint32_t axis = 0; axis < axes; axis++)
        text.add(" + ", part, axis, " * c.", part, "Strides[", axis, "][", k, "]");
      text.add(";\n");
    }
  }

  /// Coordinates are the thread's position in a grid of as many axes.
  void box(Text& text, const char* first) const {
    for (uint32_t axis = 0; axis < form_.keptAxes; axis++) {
      text.add("const index_t kept", axis, " = ", axis == 0 ? first : "", "index_t(position.", kDimensions[axis],
               ");\n");
    }
    for (uint32_t axis = 0; axis < form_.keptAxes; axis++)
      text.add("if (count_t(kept", axis, ") >= c.keptSizes[", axis, "]) return;\n");
    sum(text, "kept", "i", "c.base[", "]", form_.keptAxes, uses());
  }

  // Values.

  std::string value(uint32_t number) const { return "v" + std::to_string(number); }

  /// `const T v<number> = <expression>;`
  void define(Text& text, size_t number, Dtype dtype, const std::string& expression) const {
    text.add("const ", valueType(dtype), " v", number, " = ", expression, ";\n");
  }

  void load(Text& text, size_t k, const std::string& place) const {
    if (layout_.uses[k].role == Role::position) {
      define(text, k, Dtype::int64, "c.origin" + std::to_string(k) + " + " + place);
    } else {
      const Dtype dtype = layout_.uses[k].operand->dtype;
      define(text, k, dtype, loaded(dtype, "a" + std::to_string(k) + "[" + place + "]"));
    }
  }

  void instructions(Text& text) const {
    for (size_t i = 0; i < step_.code.size(); i++) {
      const Instruction& instruction = step_.code[i];
      const size_t number = i + step_.loads.size();
      const std::string name = std::to_string(number), to(valueType(instruction.to));
      std::string expression;
      switch (instruction.op) {
        case ElementwiseOp::splat:
          expression = loaded(instruction.dtype, "c.scalar" + name);
          break;
        case ElementwiseOp::arange:
          expression =
              "mg::arange<" + to + ">(" + value(instruction.a) + ", c.start" + name + ", c.increment" + name + ")";
          break;
        case ElementwiseOp::cast:
          expression = "mg::cast<" + to + ">(" + value(instruction.a) + ")";
          break;
        default:
          expression = functionOf(instruction.op) + "(" + value(instruction.a);
          if (instruction.b != kNoValue) expression += ", " + value(instruction.b);
          if (instruction.c != kNoValue) expression += ", " + value(instruction.c);
          expression += ")";
      }
      define(text, number, instruction.to, expression);
    }
  }

  void store(Text& text, size_t s, const std::string& place) const {
    text.add("a", firstStore() + s, "[", place, "] = ", value(step_.stores[s].value), ";\n");
  }

  static std::string numbered(const char* name, size_t number) { return name + std::to_string(number); }

  // The forms.

  std::string elements() const {
    Text text;
    if (form_.keptAxes > 0) {
      box(text, "");
    } else {
      text.add("const count_t at = count_t(position.y) * c.pitch + position.x;\nif (at >= c.keptSize) return;\n");
      kept(text, "at");
    }
    for (size_t k = 0; k < firstStore(); k++) load(text, k, numbered("i", k));
    instructions(text);
    for (size_t s = 0; s < step_.stores.size(); s++) store(text, s, numbered("i", firstStore() + s));
    return text.take();
  }

  bool isQuad(size_t k) const {
    return layout_.uses[k].role != Role::position && !form_.repeated[k] &&
           itemSize(layout_.uses[k].operand->dtype) <= 4;
  }

  /// The values of up to four neighbours are computed one after the other between loads and stores of whole vectors.
  std::string quads() const {
    Text text;
    box(text, "4 * ");
    text.add("const uint count = min(uint(c.keptSizes[0]) - uint(kept0), 4u);\n");
    const auto vectors = [&](size_t begin, size_t end, auto&& whole, auto&& part) {
      bool any = false;
      for (size_t k = begin; k < end; k++) any |= isQuad(k);
      if (!any) return;
      text.add("if (count == 4) {\n");
      for (size_t k = begin; k < end; k++)
        if (isQuad(k)) whole(k, quadType(layout_.uses[k].operand->dtype));
      text.add("} else {\nfor (uint lane = 0; lane < count; lane++) {\n");
      for (size_t k = begin; k < end; k++)
        if (isQuad(k)) part(k);
      text.add("}\n}\n");
    };
    for (size_t k = 0; k < uses(); k++) {
      const std::string_view type = isQuad(k) ? quadType(layout_.uses[k].operand->dtype) : "";
      if (isQuad(k)) text.add(type, " q", k, " = ", type, "(0);\n");
      if (k < firstStore() && layout_.uses[k].role == Role::load && form_.repeated[k]) load(text, k, numbered("i", k));
    }
    vectors(
        0, firstStore(),
        [&](size_t k, std::string_view type) {
          text.add("q", k, " = *(device const ", type, "*)(a", k, " + i", k, ");\n");
        },
        [&](size_t k) { text.add("q", k, "[lane] = a", k, "[i", k, " + index_t(lane)];\n"); });
    text.add("for (uint lane = 0; lane < 4; lane++) {\n");
    for (size_t k = 0; k < firstStore(); k++) quadLoad(text, k);
    instructions(text);
    for (size_t s = 0; s < step_.stores.size(); s++) {
      const size_t k = firstStore() + s;
      if (isQuad(k))
        text.add("q", k, "[lane] = ", value(step_.stores[s].value), ";\n");
      else
        text.add("if (lane < count) a", k, "[i", k, " + index_t(lane)] = ", value(step_.stores[s].value), ";\n");
    }
    text.add("}\n");
    vectors(
        firstStore(), uses(),
        [&](size_t k, std::string_view type) { text.add("*(device ", type, "*)(a", k, " + i", k, ") = q", k, ";\n"); },
        [&](size_t k) { text.add("a", k, "[i", k, " + index_t(lane)] = q", k, "[lane];\n"); });
    return text.take();
  }

  /// The value of one lane of four.
  void quadLoad(Text& text, size_t k) const {
    const Use& use = layout_.uses[k];
    const std::string at = numbered("i", k), lane = at + " + index_t(lane)";
    if (use.role == Role::position) {
      load(text, k, "(" + at + " + index_t(lane) * c.keptStrides[0][" + std::to_string(k) + "])");
    } else if (isQuad(k)) {
      define(text, k, use.operand->dtype, loaded(use.operand->dtype, numbered("q", k) + "[lane]"));
    } else if (!form_.repeated[k]) {
      // Beyond the end, the last element again.
      load(text, k, at + " + index_t(min(lane, count - 1))");
    }
  }

  std::string combining() const {
    Text text;
    define(text);
    text.add("const count_t line = count_t(position.y) * c.pitch + position.x, at = line / 32, first = line % 32;\n");
    text.add("if (at >= c.keptSize) return;\n");
    const uint32_t words = wordsOf(accumulators_);
    text.add("for (count_t k = first; k < c.splits; k += 32) {\n");
    text.add("device const uint* part = partials + (at * c.splits + k) * ", words, ";\n");
    uint32_t word = 0;
    for (size_t o = 0; o < accumulators_.size(); o++) {
      text.add("s", o, " = A", o, "::combine(s", o, ", mg::savedState<A", o, ">(part + ", word, ", 1));\n");
      word += accumulators_[o].words;
    }
    text.add("}\n");
    combineLanes(text);
    text.add("if (first != 0) return;\n");
    kept(text, "at");
    finish(text);
    return text.take();
  }

  /// Accumulators and their states.
  void define(Text& text) const {
    for (size_t o = 0; o < accumulators_.size(); o++) {
      text.add("typedef ", accumulators_[o].type, " A", o, ";\n");
      text.add("A", o, "::State s", o, " = A", o, "::identity();\n");
    }
  }

  std::string reduction() const {
    if (form_.kind == Kind::combine) return combining();
    Text text;
    const size_t count = accumulators_.size();
    define(text);
    where(text);
    if (form_.kind == Kind::columns) text.add("if (at < c.keptSize) {\n");
    kept(text, "at");
    text.add("for (count_t k = begin; k < end; k += ", lanes(), ") {\n");
    reduced(text, "k", firstResult());
    for (size_t k = 0; k < firstStore(); k++) load(text, k, numbered("e", k));
    instructions(text);
    for (size_t s = 0; s < step_.stores.size(); s++) store(text, s, numbered("e", firstStore() + s));
    for (size_t o = 0; o < count; o++)
      text.add("s", o, " = A", o, "::take(s", o, ", ", value(step_.reductions[o].value), ", uint(k));\n");
    text.add("}\n");
    together(text);
    return text.take();
  }

  const char* lanes() const { return form_.kind == Kind::serial ? "1" : form_.kind == Kind::lanes ? "32" : "c.lanes"; }

  /// Which result, and which of the elements that it reduces, are the thread's: at, begin, end.
  void where(Text& text) const {
    switch (form_.kind) {
      case Kind::serial:
        text.add("const count_t at = count_t(position.y) * c.pitch + position.x;\nif (at >= c.keptSize) return;\n");
        text.add("const count_t begin = 0, end = c.reducedSize;\n");
        break;
      case Kind::lanes:
        // Rows of the grid are whole SIMD-groups.
        text.add("const count_t line = count_t(position.y) * c.pitch + position.x, at = line / 32;\n");
        text.add("if (at >= c.keptSize) return;\n");
        text.add("const count_t begin = line % 32, end = c.reducedSize;\n");
        break;
      case Kind::group:
        text.add("const count_t at = group.x;\n");
        text.add("const count_t first = group.y * c.chunk, end = min(first + c.chunk, c.reducedSize);\n");
        text.add("const count_t begin = first + thread_;\n");
        break;
      default:
        text.add("const uint lane = thread_ / c.width;\n");
        text.add("const count_t at = count_t(group.x) * c.width + thread_ % c.width;\n");
        text.add("const count_t first = group.y * c.chunk, end = min(first + c.chunk, c.reducedSize);\n");
        text.add("const count_t begin = first + lane;\n");
    }
  }

  /// Combines what the threads of a result have, and writes it.
  void together(Text& text) const {
    switch (form_.kind) {
      case Kind::serial:
        finish(text);
        break;
      case Kind::lanes:
        combineLanes(text);
        text.add("if (begin == 0) {\n");
        finish(text);
        text.add("}\n");
        break;
      case Kind::group:
        combineLanes(text);
        shared(text, "8");
        text.add("if (lane32 == 0) {\n");
        eachState(text, [&](size_t o, const std::string& name) {
          text.add("mg::saveState<A", o, ">(", name, " + simd, 8, s", o, ");\n");
        });
        text.add("}\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nif (simd != 0) return;\n");
        eachState(text, [&](size_t o, const std::string& name) {
          text.add("s", o, " = A", o, "::identity();\nif (lane32 < c.lanes / 32) s", o, " = mg::savedState<A", o, ">(",
                   name, " + lane32, 8);\n");
        });
        combineLanes(text);
        text.add("if (lane32 == 0) {\n");
        finish(text);
        text.add("}\n");
        break;
      default:
        columns(text);
    }
  }

  void combineLanes(Text& text) const {
    for (size_t o = 0; o < accumulators_.size(); o++) text.add("s", o, " = mg::combineLanes<A", o, ">(s", o, ");\n");
  }

  template <typename F>
  void eachState(Text&, F&& fn) const {
    for (size_t o = 0; o < accumulators_.size(); o++) fn(o, numbered("shared", o));
  }

  void shared(Text& text, const char* states) const {
    for (size_t o = 0; o < accumulators_.size(); o++)
      text.add("threadgroup uint shared", o, "[", states, " * ", accumulators_[o].words, "];\n");
  }

  /// A tree over the lanes: the upper half of those that are left hands its states to the lower one.
  void columns(Text& text) const {
    text.add("}\n");
    shared(text, "256");
    text.add("for (uint left = c.lanes / 2; left > 0; left /= 2) {\nif (lane >= left && lane < 2 * left) {\n");
    eachState(text, [&](size_t o, const std::string& name) {
      text.add("mg::saveState<A", o, ">(", name, " + thread_, 256, s", o, ");\n");
    });
    text.add("}\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nif (lane < left) {\n");
    eachState(text, [&](size_t o, const std::string& name) {
      text.add("s", o, " = A", o, "::combine(s", o, ", mg::savedState<A", o, ">(", name,
               " + thread_ + left * c.width, 256));\n");
    });
    text.add("}\n}\nif (lane == 0 && at < c.keptSize) {\n");
    if (!form_.partial) kept(text, "at");
    finish(text);
    text.add("}\n");
  }

  void finish(Text& text) const {
    if (!form_.partial) {
      for (size_t o = 0; o < accumulators_.size(); o++)
        text.add("a", firstResult() + o, "[i", firstResult() + o, "] = A", o, "::result(s", o, ");\n");
      return;
    }
    const uint32_t words = wordsOf(accumulators_);
    text.add("device uint* part = partials + (at * c.splits + group.y) * ", words, ";\n");
    uint32_t word = 0;
    for (size_t o = 0; o < accumulators_.size(); o++) {
      text.add("mg::saveState<A", o, ">(part + ", word, ", 1, s", o, ");\n");
      word += accumulators_[o].words;
    }
  }

  const KernelStep& step_;
  const Layout& layout_;
  const KernelForm& form_;
  const std::vector<Accumulator> accumulators_;
  Constants constants_;
  KernelFields fields_;
};

}  // namespace

KernelSource kernelSource(const KernelStep& step, const Layout& layout, const KernelForm& form) {
  return Writer(step, layout, form).write();
}

}  // namespace metalgrad::gpu
