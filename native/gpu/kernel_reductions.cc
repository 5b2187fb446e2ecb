// Bodies of kernels that reduce: each thread takes its share of a result's elements, then the shares are combined in an
// order that the grid alone decides. In the text, s<o> is the state of reduction o and A<o> its accumulator.
#include "gpu/kernel_writer.h"

namespace metalgrad::gpu {
namespace {

using Kind = KernelForm::Kind;

class ReductionWriter {
 public:
  explicit ReductionWriter(const KernelWriter& writer)
      : writer_(writer), form_(writer.form()), count_(writer.accumulators().size()) {}

  std::string reduction() {
    declareStates();
    findShare();
    if (form_.kind == Kind::columns) text_.add("if (at < c.keptSize) {\n");
    writer_.kept(text_, "at");
    text_.add("for (count_t k = begin; k < end; k += ", lanes(), ") {\n");
    writer_.reduced(text_, "k", writer_.firstResult());
    for (size_t k = 0; k < writer_.firstStore(); k++) writer_.load(text_, k, numbered("e", k));
    writer_.instructions(text_);
    for (size_t k = writer_.firstStore(); k < writer_.firstResult(); k++)
      writer_.store(text_, k - writer_.firstStore(), numbered("e", k));
    for (size_t o = 0; o < count_; o++)
      text_.add("s", o, " = A", o, "::take(s", o, ", v", writer_.step().reductions[o].value, ", uint(k));\n");
    text_.add("}\n");
    if (form_.kind == Kind::columns) text_.add("}\n");
    combineShares();
    return text_.take();
  }

  std::string combining() {
    declareStates();
    text_.add("const count_t line = count_t(position.y) * c.pitch + position.x, at = line / 32, first = line % 32;\n");
    text_.add("if (at >= c.keptSize) return;\nfor (count_t k = first; k < c.splits; k += 32) {\n");
    text_.add("device const uint* part = partials + (at * c.splits + k) * ", words(), ";\n");
    uint32_t word = 0;
    for (size_t o = 0; o < count_; o++) {
      text_.add("s", o, " = A", o, "::combine(s", o, ", mg::savedState<A", o, ">(part + ", word, ", 1));\n");
      word += writer_.accumulators()[o].words;
    }
    text_.add("}\n");
    combineLanes();
    text_.add("if (first != 0) return;\n");
    writer_.kept(text_, "at");
    writeResults();
    return text_.take();
  }

 private:
  uint32_t words() const { return wordsOf(writer_.accumulators()); }

  const char* lanes() const { return form_.kind == Kind::serial ? "1" : form_.kind == Kind::lanes ? "32" : "c.lanes"; }

  void declareStates() {
    for (size_t o = 0; o < count_; o++) {
      text_.add("typedef ", writer_.accumulators()[o].type, " A", o, ";\n");
      text_.add("A", o, "::State s", o, " = A", o, "::identity();\n");
    }
  }

  /// Which result, and which of the elements that it reduces, are the thread's: at, begin, end.
  void findShare() {
    switch (form_.kind) {
      case Kind::serial:
        text_.add("const count_t at = count_t(position.y) * c.pitch + position.x;\nif (at >= c.keptSize) return;\n");
        text_.add("const count_t begin = 0, end = c.reducedSize;\n");
        break;
      case Kind::lanes:
        // Rows of the grid are whole SIMD-groups.
        text_.add("const count_t line = count_t(position.y) * c.pitch + position.x, at = line / 32;\n");
        text_.add("if (at >= c.keptSize) return;\nconst count_t begin = line % 32, end = c.reducedSize;\n");
        break;
      case Kind::group:
        text_.add("const count_t at = group.x;\n");
        findPart("member");
        break;
      default:
        text_.add("const uint lane = member / c.width;\n");
        text_.add("const count_t at = count_t(group.x) * c.width + member % c.width;\n");
        findPart("lane");
    }
  }

  void findPart(const char* lane) {
    text_.add("const count_t first = group.y * c.chunk, end = min(first + c.chunk, c.reducedSize);\n");
    text_.add("const count_t begin = first + ", lane, ";\n");
  }

  void combineShares() {
    switch (form_.kind) {
      case Kind::serial:
        return writeResults();
      case Kind::lanes:
        combineLanes();
        text_.add("if (begin == 0) {\n");
        writeResults();
        text_.add("}\n");
        return;
      case Kind::group:
        return combineGroup();
      default:
        return combineColumns();
    }
  }

  void combineLanes() {
    for (size_t o = 0; o < count_; o++) text_.add("s", o, " = mg::combineLanes<A", o, ">(s", o, ");\n");
  }

  void declareShared(const char* states) {
    for (size_t o = 0; o < count_; o++)
      text_.add("threadgroup uint shared", o, "[", states, " * ", writer_.accumulators()[o].words, "];\n");
  }

  /// SIMD-groups first, then what they have.
  void combineGroup() {
    combineLanes();
    declareShared("8");
    text_.add("if (simdLane == 0) {\n");
    for (size_t o = 0; o < count_; o++) text_.add("mg::saveState<A", o, ">(shared", o, " + simd, 8, s", o, ");\n");
    text_.add("}\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nif (simd != 0) return;\n");
    for (size_t o = 0; o < count_; o++) {
      text_.add("s", o, " = A", o, "::identity();\nif (simdLane < c.lanes / 32) s", o, " = mg::savedState<A", o,
                ">(shared", o, " + simdLane, 8);\n");
    }
    combineLanes();
    text_.add("if (simdLane == 0) {\n");
    writeResults();
    text_.add("}\n");
  }

  /// A tree over the lanes of each column: the upper half of those that are left hands its states to the lower one.
  void combineColumns() {
    declareShared("256");
    text_.add("for (uint left = c.lanes / 2; left > 0; left /= 2) {\nif (lane >= left && lane < 2 * left) {\n");
    for (size_t o = 0; o < count_; o++) text_.add("mg::saveState<A", o, ">(shared", o, " + member, 256, s", o, ");\n");
    text_.add("}\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nif (lane < left) {\n");
    for (size_t o = 0; o < count_; o++) {
      text_.add("s", o, " = A", o, "::combine(s", o, ", mg::savedState<A", o, ">(shared", o,
                " + member + left * c.width, 256));\n");
    }
    text_.add("}\n}\nif (lane == 0 && at < c.keptSize) {\n");
    if (!form_.partial) writer_.kept(text_, "at");
    writeResults();
    text_.add("}\n");
  }

  void writeResults() {
    if (!form_.partial) {
      for (size_t o = 0; o < count_; o++) {
        const size_t use = writer_.firstResult() + o;
        text_.add("a", use, "[i", use, "] = A", o, "::result(s", o, ");\n");
      }
      return;
    }
    text_.add("device uint* part = partials + (at * c.splits + group.y) * ", words(), ";\n");
    uint32_t word = 0;
    for (size_t o = 0; o < count_; o++) {
      text_.add("mg::saveState<A", o, ">(part + ", word, ", 1, s", o, ");\n");
      word += writer_.accumulators()[o].words;
    }
  }

  const KernelWriter& writer_;
  const KernelForm& form_;
  const size_t count_;
  Text text_;
};

}  // namespace

std::string reductionBody(const KernelWriter& writer) { return ReductionWriter(writer).reduction(); }
std::string combiningBody(const KernelWriter& writer) { return ReductionWriter(writer).combining(); }

}  // namespace metalgrad::gpu
