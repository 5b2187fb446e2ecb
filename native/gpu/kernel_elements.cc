// Bodies of kernels that reduce nothing: a thread an element, or four neighbours.
#include "gpu/kernel_writer.h"

namespace metalgrad::gpu {
namespace {

/// A use whose four neighbours are loaded or stored as one vector of at most 16 bytes.
bool isQuad(const KernelWriter& writer, size_t k) {
  const Use& use = writer.layout().uses[k];
  return use.role != Role::position && !writer.form().repeated[k] && itemSize(use.operand->dtype) <= 4;
}

/// The value of one lane of four.
void quadLoad(const KernelWriter& writer, Text& text, size_t k) {
  const Use& use = writer.layout().uses[k];
  const std::string at = numbered("i", k);
  if (use.role == Role::position) {
    writer.load(text, k, "(" + at + " + index_t(lane) * c.keptStrides[0][" + std::to_string(k) + "])");
  } else if (isQuad(writer, k)) {
    writer.define(text, k, use.operand->dtype, loaded(use.operand->dtype, numbered("q", k) + "[lane]"));
  } else if (!writer.form().repeated[k]) {
    // Beyond the end, the last element again.
    writer.load(text, k, at + " + index_t(min(lane, count - 1))");
  }
}

/// Moves the uses from `begin` to `end` that are vectors: whole, or element by element at the end of the axis.
template <typename Whole, typename Part>
void moveQuads(const KernelWriter& writer, Text& text, size_t begin, size_t end, Whole&& whole, Part&& part) {
  bool any = false;
  for (size_t k = begin; k < end; k++) any |= isQuad(writer, k);
  if (!any) return;
  text.add("if (count == 4) {\n");
  for (size_t k = begin; k < end; k++)
    if (isQuad(writer, k)) whole(k, quadType(writer.layout().uses[k].operand->dtype));
  text.add("} else {\nfor (uint lane = 0; lane < count; lane++) {\n");
  for (size_t k = begin; k < end; k++)
    if (isQuad(writer, k)) part(k);
  text.add("}\n}\n");
}

}  // namespace

std::string elementsBody(const KernelWriter& writer) {
  Text text;
  if (writer.form().keptAxes > 0) {
    writer.box(text, "");
  } else {
    text.add("const count_t at = count_t(position.y) * c.pitch + position.x;\nif (at >= c.keptSize) return;\n");
    writer.kept(text, "at");
  }
  for (size_t k = 0; k < writer.firstStore(); k++) writer.load(text, k, numbered("i", k));
  writer.instructions(text);
  for (size_t k = writer.firstStore(); k < writer.uses(); k++)
    writer.store(text, k - writer.firstStore(), numbered("i", k));
  return text.take();
}

std::string epilogueBody(const KernelWriter& writer) {
  Text text;
  writer.product(text);
  for (size_t k = 0; k < writer.firstStore(); k++) writer.load(text, k, numbered("i", k));
  writer.instructions(text);
  for (size_t k = writer.firstStore(); k < writer.uses(); k++)
    writer.store(text, k - writer.firstStore(), numbered("i", k));
  return text.take();
}

/// The values of up to four neighbours are computed one after the other, between loads and stores of whole vectors.
std::string quadsBody(const KernelWriter& writer) {
  const size_t stores = writer.firstStore(), uses = writer.uses();
  Text text;
  writer.box(text, "4 * ");
  text.add("const uint count = min(uint(c.keptSizes[0]) - uint(kept0), 4u);\n");
  for (size_t k = 0; k < uses; k++) {
    const Use& use = writer.layout().uses[k];
    if (isQuad(writer, k)) {
      const std::string_view type = quadType(use.operand->dtype);
      text.add(type, " q", k, " = ", type, "(", memoryType(use.operand->dtype), "(0));\n");
    } else if (use.role == Role::load && writer.form().repeated[k]) {
      writer.load(text, k, numbered("i", k));
    }
  }
  moveQuads(
      writer, text, 0, stores,
      [&](size_t k, std::string_view type) {
        text.add("q", k, " = *(device const ", type, "*)(a", k, " + i", k, ");\n");
      },
      [&](size_t k) { text.add("q", k, "[lane] = a", k, "[i", k, " + index_t(lane)];\n"); });
  text.add("for (uint lane = 0; lane < 4; lane++) {\n");
  for (size_t k = 0; k < stores; k++) quadLoad(writer, text, k);
  writer.instructions(text);
  for (size_t k = stores; k < uses; k++) {
    const uint32_t value = writer.step().stores[k - stores].value;
    if (isQuad(writer, k))
      text.add("q", k, "[lane] = v", value, ";\n");
    else
      text.add("if (lane < count) a", k, "[i", k, " + index_t(lane)] = v", value, ";\n");
  }
  text.add("}\n");
  moveQuads(
      writer, text, stores, uses,
      [&](size_t k, std::string_view type) { text.add("*(device ", type, "*)(a", k, " + i", k, ") = q", k, ";\n"); },
      [&](size_t k) { text.add("a", k, "[i", k, " + index_t(lane)] = q", k, "[lane];\n"); });
  return text.take();
}

}  // namespace metalgrad::gpu
