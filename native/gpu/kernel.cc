// Prepares fused groups: their text, pipelines and grid, and the bytes of their constants but for a run's own numbers.
#include <algorithm>
#include <optional>

#include "gpu/kernel_accumulators.h"
#include "gpu/kernel_bytes.h"
#include "gpu/kernel_form.h"
#include "gpu/kernel_layout.h"
#include "gpu/kernel_source.h"
#include "gpu/steps.h"

namespace metalgrad::gpu {
namespace {

/// Arguments from this index on are literals of the kernel.
constexpr uint32_t kFirstLiteral = 0x80000000u;

bool isEmpty(const KernelStep& step, bool reduced) {
  for (uint32_t axis = 0; axis < step.shape.size(); axis++) {
    const bool isReduced = axis >= step.outer && axis < step.outer + step.reduced;
    if (step.shape[axis] == 0 && isReduced == reduced) return true;
  }
  return false;
}

/// A group that reduces over nothing as one that writes identities.
KernelStep identitiesOf(const KernelStep& step, std::vector<uint64_t>& literals) {
  KernelStep result;
  for (uint32_t axis = 0; axis < step.shape.size(); axis++) {
    if (axis < step.outer || axis >= step.outer + step.reduced) result.shape.push_back(step.shape[axis]);
  }
  result.outer = static_cast<uint32_t>(result.shape.size());
  for (const Reduction& reduction : step.reductions) {
    const uint32_t value = static_cast<uint32_t>(result.code.size()), arg = static_cast<uint32_t>(literals.size());
    const Dtype dtype = reduction.operand.dtype;
    literals.push_back(identityOf(reduction.op, dtype));
    result.code.push_back({ElementwiseOp::splat, dtype, dtype, kFirstLiteral + arg});
    result.stores.push_back({value, reduction.operand});
  }
  return result;
}

/// One kernel: its pipeline, its grid, and constants that a run completes.
struct Stage {
  KernelForm form;
  KernelSource source;
  std::shared_ptr<const Pipeline> pipeline;
  KernelGrid grid;
  std::vector<std::byte> constants;
};

/// Writes what does not change from run to run.
void fill(Stage& stage, const Layout& layout) {
  const KernelFields& fields = stage.source.fields;
  const KernelGrid& grid = stage.grid;
  stage.constants.resize(stage.source.constantBytes);
  FieldWriter constant(stage.constants, stage.form.wide);
  constant.index(fields.pitch, grid.pitch);
  constant.index(fields.keptSize, layout.keptSize);
  constant.index(fields.reducedSize, layout.reducedSize);
  constant.index(fields.chunk, grid.chunk);
  constant.index(fields.splits, grid.splits);
  constant.word(fields.lanes, grid.lanes);
  constant.word(fields.width, grid.width);
  writeLayout(stage.constants, fields, layout, stage.form.wide);
}

class PreparedKernel final : public PreparedStep {
 public:
  PreparedKernel(KernelStep step, std::vector<uint64_t> literals)
      : step_(std::move(step)),
        literals_(std::move(literals)),
        layout_(layoutOf(step_)),
        words_(wordsOf(accumulatorsOf(step_))),
        form_(chooseForm(step_, layout_, words_ * sizeof(uint32_t))) {
    write(first_, form_);
    if (form_.partial) write(second_.emplace(), combiningForm(form_));
  }

  bool fits(const Limits& limits) const {
    const auto results = static_cast<size_t>(std::ranges::count(layout_.uses, Role::result, &Use::role));
    const auto positions = static_cast<size_t>(std::ranges::count(layout_.uses, Role::position, &Use::role));
    const size_t others = layout_.uses.size() - positions - results;
    // Partial results take one binding, and so do the constants.
    const size_t bindings = second_ ? std::max(others, results) + 1 : others + results;
    const size_t bytes = std::max(first_.source.constantBytes, second_ ? second_->source.constantBytes : 0);
    return bindings + 1 <= limits.maxBuffers && bytes <= limits.maxInlineBytes;
  }

  Outcome compile(Pipelines& pipelines) {
    Outcome outcome = compile(first_, pipelines);
    if (outcome.ok() && second_) outcome = compile(*second_, pipelines);
    return outcome;
  }

  Outcome encode(const Run& run) const override {
    std::vector<Binding> bindings, results;
    for (const Use& use : layout_.uses) {
      if (use.role == Role::position) continue;
      (use.role == Role::result ? results : bindings).push_back(bindingOf(use, run));
    }
    if (!second_) {
      bindings.insert(bindings.end(), results.begin(), results.end());
      dispatch(first_, bindings, run);
      return {};
    }
    const size_t bytes = static_cast<size_t>(layout_.keptSize * first_.grid.splits) * words_ * sizeof(uint32_t);
    const Range partials = run.submission.scratch(bytes);
    if (!partials.object) return {Status::outOfMemory, "no memory for partial results of a reduction"};
    bindings.push_back({partials, true});
    dispatch(first_, bindings, run);
    results.insert(results.begin(), {partials, false});
    dispatch(*second_, results, run);
    return {};
  }

 private:
  void write(Stage& stage, const KernelForm& form) const {
    stage.form = form;
    stage.source = kernelSource(step_, layout_, form);
  }

  Outcome compile(Stage& stage, Pipelines& pipelines) const {
    Outcome outcome;
    stage.pipeline = pipelines.get(stage.source.text, kKernelFunction, {}, outcome);
    if (!outcome.ok()) return outcome;
    stage.source.text.clear();
    stage.grid = chooseGrid(stage.form, layout_, stage.pipeline->maxThreadsPerGroup());
    if (stage.form.kind == KernelForm::Kind::combine) stage.grid.splits = first_.grid.splits;
    fill(stage, layout_);
    return outcome;
  }

  uint64_t argument(uint32_t arg, const Run& run) const {
    return arg < kFirstLiteral ? run.args[arg] : literals_[arg - kFirstLiteral];
  }

  void dispatch(const Stage& stage, std::span<const Binding> bindings, const Run& run) const {
    std::vector<std::byte> constants = stage.constants;
    writeOrigins(constants, stage.source.fields, layout_, run);
    for (const KernelFields::Scalar& scalar : stage.source.fields.scalars) {
      writeNumber(constants, scalar, argument(scalar.arg, run));
    }
    run.submission.dispatch(*stage.pipeline, bindings, std::span<const std::byte>(constants), stage.grid.groups,
                            stage.grid.threads);
  }

  const KernelStep step_;
  const std::vector<uint64_t> literals_;
  const Layout layout_;   // of step_, which it points into
  const uint32_t words_;  // of the accumulators
  const KernelForm form_;
  Stage first_;
  std::optional<Stage> second_;
};

/// A group with nothing to do.
class PreparedNothing final : public PreparedStep {
 public:
  Outcome encode(const Run&) const override { return {}; }
};

}  // namespace

Prepared prepare(const KernelStep& step, Pipelines& pipelines, Outcome& outcome) {
  if (computesWith(step, Dtype::float64)) {
    outcome = {Status::deviceFailure, "a GPU does not compute with float64: use the CPU (stream: mx.cpu)"};
    return nullptr;
  }
  if (std::ranges::any_of(step.code, isUndefined)) {
    outcome = {Status::invalidProgram, "invalid program: an operation does not exist for its dtype"};
    return nullptr;
  }
  if (isEmpty(step, false)) return std::make_unique<PreparedNothing>();
  std::vector<uint64_t> literals;
  const bool empty = isEmpty(step, true);
  KernelStep group = empty ? identitiesOf(step, literals) : step;
  auto kernel = std::make_unique<PreparedKernel>(std::move(group), std::move(literals));
  // More operands than a dispatch takes: the CPU runs the step.
  if (!kernel->fits(pipelines.limits())) return nullptr;
  outcome = kernel->compile(pipelines);
  if (!outcome.ok()) return nullptr;
  return kernel;
}

}  // namespace metalgrad::gpu
