// The pieces that the texts of all forms are made of: constants, parameters, places of operands, values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/kernel_accumulators.h"
#include "gpu/kernel_constants.h"
#include "gpu/kernel_form.h"
#include "gpu/kernel_layout.h"
#include "gpu/kernel_source.h"
#include "gpu/kernel_types.h"
#include "program/program.h"

namespace metalgrad::gpu {

/// In the text, use k has the buffer `a<k>`, lies at `i<k>` for a kept index and at `e<k>` for a reduced one beside it;
/// value n of the group is `v<n>`; the constants are `c`.
class KernelWriter {
 public:
  KernelWriter(const KernelStep& step, const Layout& layout, const KernelForm& form);

  const KernelStep& step() const { return step_; }
  const Layout& layout() const { return layout_; }
  const KernelForm& form() const { return form_; }
  const std::vector<Accumulator>& accumulators() const { return accumulators_; }
  const Constants& constants() const { return constants_; }
  const KernelFields& fields() const { return fields_; }

  size_t uses() const { return layout_.uses.size(); }
  size_t firstStore() const { return step_.loads.size(); }
  size_t firstResult() const { return step_.loads.size() + step_.stores.size(); }

  /// Whether the use lies in memory that is bound.
  bool isBound(size_t use) const;
  /// `device const float* a<use>`, say.
  std::string pointer(size_t use) const;
  /// Between the kernel's parentheses.
  std::string parameters() const;

  /// Declares `i<use>` for all uses where the kept index `at` lies.
  void kept(Text& text, const std::string& at) const;
  /// The same for the reduced index `at`, as `e<use>` for the uses below `count`.
  void reduced(Text& text, const std::string& at, size_t count) const;
  /// Declares `i<use>` for all uses in memory where `row` and `column` of product `batch` lie.
  void product(Text& text) const;
  /// Declares `i<use>` where the thread stands in a grid of as many axes; `first` is a factor of its first coordinate.
  void box(Text& text, const char* first) const;

  /// `const T v<number> = <expression>;`
  void define(Text& text, size_t number, Dtype dtype, const std::string& expression) const;
  /// Defines the value of load k at `place`; a product's number is `value`.
  void load(Text& text, size_t k, const std::string& place) const;
  /// Defines what the instructions give.
  void instructions(Text& text) const;
  /// Writes the value of store s to `place`.
  void store(Text& text, size_t s, const std::string& place) const;

 private:
  size_t indexBytes() const { return form_.wide ? 8 : 4; }
  /// The grid is a line of threads, perhaps folded.
  bool inLine() const;
  void addConstants();
  void addReducedConstants();
  void addScalars(const Instruction& instruction, size_t value);
  void place(Text& text, const std::string& part, const std::string& to, const std::string& start,
             const std::string& end, const std::string& at, uint32_t axes, size_t count) const;
  void sum(Text& text, const std::string& part, const std::string& to, const std::string& start, const std::string& end,
           uint32_t axes, size_t count) const;
  std::string expressionOf(const Instruction& instruction, const std::string& number) const;

  const KernelStep& step_;
  const Layout& layout_;
  const KernelForm& form_;
  const std::vector<Accumulator> accumulators_;
  Constants constants_;
  KernelFields fields_;
};

/// `<name><number>`
inline std::string numbered(const char* name, size_t number) { return name + std::to_string(number); }

/// What every text begins with; `more` are lines that include further headers.
void addHeaders(Text& text, const KernelStep& step, const KernelForm& form, std::string_view more);

/// Bodies of kernels.
std::string elementsBody(const KernelWriter& writer);
std::string quadsBody(const KernelWriter& writer);
std::string reductionBody(const KernelWriter& writer);
std::string combiningBody(const KernelWriter& writer);
std::string epilogueBody(const KernelWriter& writer);

}  // namespace metalgrad::gpu
