// Every operand of a step, with the shape that it is walked over.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "program/program.h"

namespace metalgrad {

/// Calls visit(operand, shape, written) for each operand in memory; a scatter's target is visited as read, too.
template <typename Visit>
void forEachOperand(const Step& step, Visit visit) {
  using Sizes = std::vector<int64_t>;
  const auto joined = [](const Sizes& a, const Sizes& b) {
    Sizes sizes = a;
    sizes.insert(sizes.end(), b.begin(), b.end());
    return sizes;
  };
  struct Visitor {
    Visit& visit;
    const decltype(joined)& join;

    void operator()(const KernelStep& step) const {
      for (const auto& load : step.loads) {
        if (load.slot != kIndexSlot && load.slot != kProductSlot) visit(load, step.shape, false);
      }
      for (const auto& store : step.stores) visit(store.operand, step.shape, true);
      Sizes kept(step.shape.begin(), step.shape.begin() + step.outer);
      kept.insert(kept.end(), step.shape.begin() + step.outer + step.reduced, step.shape.end());
      for (const auto& reduction : step.reductions) visit(reduction.operand, kept, true);
    }
    void operator()(const MatmulStep& step) const {
      visit(step.a, join(step.batch, {step.m, step.k}), false);
      visit(step.b, join(step.batch, {step.k, step.n}), false);
      if (step.epilogue)
        (*this)(*step.epilogue);
      else
        visit(step.out, join(step.batch, {step.m, step.n}), true);
    }
    void operator()(const GatherStep& step) const {
      visit(step.source, step.sourceShape, false);
      for (const auto& index : step.indices) visit(index, step.indexShape, false);
      visit(step.out, join(step.indexShape, step.sliceShape), true);
    }
    void operator()(const ScatterStep& step) const {
      visit(step.updates, join(step.indexShape, step.sliceShape), false);
      for (const auto& index : step.indices) visit(index, step.indexShape, false);
      visit(step.target, step.targetShape, false);
      visit(step.target, step.targetShape, true);
    }
    void operator()(const RandomBitsStep& step) const {
      visit(step.keys, join(step.keyShape, {2}), false);
      visit(step.out, join(step.keyShape, {step.perKey}), true);
    }
    void operator()(const SortStep& step) const {
      const Sizes shape = join(step.rows, {step.length});
      visit(step.in, shape, false);
      visit(step.out, shape, true);
    }
    void operator()(const RoutineStep& step) const {
      for (const auto& input : step.inputs) visit(input.operand, input.shape, false);
      for (const auto& output : step.outputs) {
        if (!output.absent()) visit(output.operand, output.shape, true);
      }
    }
  };
  std::visit(Visitor{visit, joined}, step);
}

}  // namespace metalgrad
