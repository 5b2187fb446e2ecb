// Writes the pieces. What a text names here, the host fills in kernel.cc.
#include "gpu/kernel_writer.h"

#include <array>
#include <utility>

namespace metalgrad::gpu {
namespace {

using Kind = KernelForm::Kind;

constexpr const char* kNextParameter = ",\n                  ";

/// What the instruction's function in metal/scalars.h is called.
std::string functionOf(ElementwiseOp op) {
  std::string name(kElementwiseOpNames[static_cast<size_t>(op)]);
  // Alternative tokens of C++.
  if (op == ElementwiseOp::and_ || op == ElementwiseOp::or_ || op == ElementwiseOp::xor_) name += '_';
  return "mg::" + name;
}

std::string valueOf(size_t number) { return numbered("v", number); }

}  // namespace

KernelWriter::KernelWriter(const KernelStep& step, const Layout& layout, const KernelForm& form)
    : step_(step), layout_(layout), form_(form), accumulators_(accumulatorsOf(step)) {
  addConstants();
}

bool KernelWriter::inLine() const { return form_.kind != Kind::group && form_.kind != Kind::columns; }

void KernelWriter::addConstants() {
  const auto count = [this](const char* name) { return constants_.add("count_t", name, indexBytes()); };
  const bool box = form_.keptAxes > 0, epilogue = form_.kind == Kind::epilogue;
  if (!box && !epilogue && inLine()) fields_.pitch = count("pitch");
  if (!box && !epilogue) fields_.keptSize = count("keptSize");
  if (form_.kind == Kind::combine || form_.partial) fields_.splits = count("splits");
  if (form_.reduces() && form_.kind != Kind::combine) addReducedConstants();
  if (!box) fields_.keptRank = constants_.add("uint", "keptRank", 4);
  fields_.keptSizes = constants_.add("count_t", "keptSizes", indexBytes(), form_.keptRoom);
  fields_.keptStrides = constants_.addTable("index_t", "keptStrides", indexBytes(), form_.keptRoom, uses());
  fields_.base = constants_.add("index_t", "base", indexBytes(), uses());
  fields_.origins.assign(uses(), kNoField);
  if (form_.kind == Kind::combine) return;
  for (size_t k = 0; k < uses(); k++) {
    if (layout_.uses[k].role == Role::position)
      fields_.origins[k] = constants_.add("int64_t", numbered("origin", k), 8);
  }
  for (size_t i = 0; i < step_.code.size(); i++) addScalars(step_.code[i], i + step_.loads.size());
}

void KernelWriter::addReducedConstants() {
  fields_.reducedSize = constants_.add("count_t", "reducedSize", indexBytes());
  if (!inLine()) fields_.chunk = constants_.add("count_t", "chunk", indexBytes());
  if (!inLine()) fields_.lanes = constants_.add("uint", "lanes", 4);
  if (form_.kind == Kind::columns) fields_.width = constants_.add("uint", "width", 4);
  if (form_.reducedAxes == 0) fields_.reducedRank = constants_.add("uint", "reducedRank", 4);
  fields_.reducedSizes = constants_.add("count_t", "reducedSizes", indexBytes(), form_.reducedRoom);
  if (firstResult() == 0) return;
  fields_.reducedStrides =
      constants_.addTable("index_t", "reducedStrides", indexBytes(), form_.reducedRoom, firstResult());
}

void KernelWriter::addScalars(const Instruction& instruction, size_t value) {
  const Dtype dtype = instruction.dtype;
  if (instruction.op == ElementwiseOp::splat) {
    const size_t offset = constants_.add(memoryType(dtype), numbered("scalar", value), itemSize(dtype));
    fields_.scalars.push_back({offset, dtype, instruction.a, false});
  } else if (instruction.op == ElementwiseOp::arange) {
    const char* type = dtype >= Dtype::float16 ? "float2" : "int64_t";
    for (const auto& [name, arg] : {std::pair("start", instruction.b), std::pair("increment", instruction.c)})
      fields_.scalars.push_back({constants_.add(type, numbered(name, value), 8), dtype, arg, true});
  }
}

bool KernelWriter::isBound(size_t use) const {
  const Role role = layout_.uses[use].role;
  if (form_.kind == Kind::combine) return role == Role::result;
  return role != Role::position && role != Role::product && (role != Role::result || !form_.partial);
}

std::string KernelWriter::pointer(size_t k) const {
  const Use& use = layout_.uses[k];
  Text text;
  text.add("device ", use.role == Role::load ? "const " : "", memoryType(use.operand->dtype), "* a", k);
  return text.take();
}

std::string KernelWriter::parameters() const {
  Text text;
  size_t index = 0;
  const auto buffer = [&](const std::string& pointer) {
    text.add(pointer, " [[buffer(", index++, ")]]", kNextParameter);
  };
  if (form_.kind == Kind::combine) buffer("device const uint* partials");
  for (size_t k = 0; k < uses(); k++) {
    if (isBound(k)) buffer(pointer(k));
  }
  if (form_.partial) buffer("device uint* partials");
  text.add("constant Constants& c [[buffer(", index, ")]]");
  const auto builtin = [&text](const char* type, const char* name, const char* attribute) {
    text.add(kNextParameter, type, " ", name, " [[", attribute, "]]");
  };
  if (inLine()) {
    builtin("uint3", "position", "thread_position_in_grid");
    return text.take();
  }
  builtin("uint3", "group", "threadgroup_position_in_grid");
  builtin("uint", "member", "thread_index_in_threadgroup");
  if (form_.kind == Kind::group) {
    builtin("uint", "simd", "simdgroup_index_in_threadgroup");
    builtin("uint", "simdLane", "thread_index_in_simdgroup");
  }
  return text.take();
}

void KernelWriter::kept(Text& text, const std::string& at) const {
  place(text, "kept", "i", "c.base[", "]", at, form_.keptAxes, uses());
}

void KernelWriter::product(Text& text) const {
  const auto each = [&](auto&& write) {
    for (size_t k = 0; k < uses(); k++) {
      if (layout_.uses[k].role != Role::product) write(k);
    }
  };
  each([&](size_t k) {
    text.add("index_t i", k, " = c.base[", k, "] + index_t(column) * c.keptStrides[0][", k,
             "] + index_t(row) * c.keptStrides[1][", k, "];\n");
  });
  text.add("index_t rest = index_t(batch);\nfor (uint axis = 2; axis < c.keptRank; axis++) {\n");
  text.add("const index_t next = rest / index_t(c.keptSizes[axis]);\n");
  text.add("const index_t index = rest - next * index_t(c.keptSizes[axis]);\n");
  each([&](size_t k) { text.add("i", k, " += index * c.keptStrides[axis][", k, "];\n"); });
  text.add("rest = next;\n}\n");
}

void KernelWriter::reduced(Text& text, const std::string& at, size_t count) const {
  place(text, "reduced", "e", "i", "", at, form_.reducedAxes, count);
}

/// Adds to `<start><use><end>` what the index `at` over the kept or reduced axes means for each use.
void KernelWriter::place(Text& text, const std::string& part, const std::string& to, const std::string& start,
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
void KernelWriter::sum(Text& text, const std::string& part, const std::string& to, const std::string& start,
                       const std::string& end, uint32_t axes, size_t count) const {
  for (size_t k = 0; k < count; k++) {
    text.add("const index_t ", to, k, " = ", start, k, end);
    for (uint32_t axis = 0; axis < axes; axis++)
      text.add(" + ", part, axis, " * c.", part, "Strides[", axis, "][", k, "]");
    text.add(";\n");
  }
}

void KernelWriter::box(Text& text, const char* first) const {
  constexpr std::array<const char*, 3> kCoordinates = {"position.x", "position.y", "position.z"};
  for (uint32_t axis = 0; axis < form_.keptAxes; axis++)
    text.add("const index_t kept", axis, " = ", axis == 0 ? first : "", "index_t(", kCoordinates[axis], ");\n");
  for (uint32_t axis = 0; axis < form_.keptAxes; axis++)
    text.add("if (count_t(kept", axis, ") >= c.keptSizes[", axis, "]) return;\n");
  sum(text, "kept", "i", "c.base[", "]", form_.keptAxes, uses());
}

void KernelWriter::define(Text& text, size_t number, Dtype dtype, const std::string& expression) const {
  text.add("const ", valueType(dtype), " v", number, " = ", expression, ";\n");
}

void KernelWriter::load(Text& text, size_t k, const std::string& place) const {
  const Use& use = layout_.uses[k];
  const Dtype dtype = use.operand->dtype;
  if (use.role == Role::product) return define(text, k, dtype, std::string(valueType(dtype)) + "(value)");
  if (use.role == Role::position) return define(text, k, Dtype::int64, numbered("c.origin", k) + " + " + place);
  define(text, k, dtype, loaded(dtype, numbered("a", k) + "[" + place + "]"));
}

std::string KernelWriter::expressionOf(const Instruction& instruction, const std::string& number) const {
  const std::string to(valueType(instruction.to));
  switch (instruction.op) {
    case ElementwiseOp::splat:
      return loaded(instruction.dtype, "c.scalar" + number);
    case ElementwiseOp::arange:
      return "mg::arange<" + to + ">(" + valueOf(instruction.a) + ", c.start" + number + ", c.increment" + number + ")";
    case ElementwiseOp::cast:
      return "mg::cast<" + to + ">(" + valueOf(instruction.a) + ")";
    default: {
      std::string call = functionOf(instruction.op) + "(" + valueOf(instruction.a);
      if (instruction.b != kNoValue) call += ", " + valueOf(instruction.b);
      if (instruction.c != kNoValue) call += ", " + valueOf(instruction.c);
      return call + ")";
    }
  }
}

void KernelWriter::instructions(Text& text) const {
  for (size_t i = 0; i < step_.code.size(); i++) {
    const size_t number = i + step_.loads.size();
    define(text, number, step_.code[i].to, expressionOf(step_.code[i], std::to_string(number)));
  }
}

void KernelWriter::store(Text& text, size_t s, const std::string& place) const {
  text.add("a", firstStore() + s, "[", place, "] = ", valueOf(step_.stores[s].value), ";\n");
}

}  // namespace metalgrad::gpu
