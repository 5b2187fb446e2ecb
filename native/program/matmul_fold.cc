// Every operand of a product has strides over batch axes, rows and columns: what is folded is folded in all of them.
#include "program/matmul_fold.h"

#include <algorithm>
#include <utility>

namespace metalgrad {
namespace {

/// `out`, or what the epilogue reads and writes.
std::vector<Operand*> results(MatmulStep& step) {
  if (!step.epilogue) return {&step.out};
  std::vector<Operand*> operands;
  for (Operand& load : step.epilogue->loads) operands.push_back(&load);
  for (Store& store : step.epilogue->stores) operands.push_back(&store.operand);
  return operands;
}

class Folding {
 public:
  explicit Folding(MatmulStep& step) : step_(step), results_(results(step)), all_(results_) {
    all_.insert(all_.end(), {&step.a, &step.b});
    if (!step.epilogue) return;
    // The product lies nowhere: strides of 0 never stand in the way.
    for (Operand& load : step.epilogue->loads) {
      if (load.slot == kProductSlot) std::ranges::fill(load.strides, 0);
    }
  }

  void run() {
    for (size_t axis = step_.batch.size(); axis-- > 0;) {
      if (step_.batch[axis] == 1) {
        erase(axis);
      } else if (axis + 1 < step_.batch.size() && joins(axis)) {
        step_.batch[axis + 1] *= step_.batch[axis];
        erase(axis);
      }
    }
    while (!step_.batch.empty() && foldLast()) {
    }
    if (!step_.epilogue) return;
    step_.epilogue->shape = step_.batch;
    step_.epilogue->shape.insert(step_.epilogue->shape.end(), {step_.m, step_.n});
    step_.epilogue->outer = static_cast<uint32_t>(step_.epilogue->shape.size());
  }

 private:
  void erase(size_t axis) {
    const auto at = static_cast<std::ptrdiff_t>(axis);
    step_.batch.erase(step_.batch.begin() + at);
    for (Operand* operand : all_) operand->strides.erase(operand->strides.begin() + at);
  }

  /// Every operand crosses this axis and the next in one stride.
  bool joins(size_t axis) const {
    const int64_t size = step_.batch[axis + 1];
    return std::ranges::all_of(all_, [axis, size](const Operand* operand) {
      return operand->strides[axis] == size * operand->strides[axis + 1];
    });
  }

  bool foldLast() {
    const size_t axis = step_.batch.size() - 1;
    return foldInto(step_.a, step_.b, step_.m, axis, axis + 1) || foldInto(step_.b, step_.a, step_.n, axis, axis + 2);
  }

  /// Makes the last batch more of `side`, along which `moving` and the results go, where the batches share `shared`.
  bool foldInto(Operand& moving, const Operand& shared, int64_t& side, size_t axis, size_t along) {
    const auto follows = [&](const Operand& operand) {
      return side == 1 || operand.strides[axis] == side * operand.strides[along];
    };
    if (shared.strides[axis] != 0 || !follows(moving)) return false;
    if (!std::ranges::all_of(results_, [&](const Operand* operand) { return follows(*operand); })) return false;
    const auto extend = [&](Operand& operand) {
      if (side == 1) operand.strides[along] = operand.strides[axis];
    };
    extend(moving);
    for (Operand* operand : results_) extend(*operand);
    side *= step_.batch[axis];
    erase(axis);
    return true;
  }

  MatmulStep& step_;
  const std::vector<Operand*> results_;
  std::vector<Operand*> all_;
};

}  // namespace

MatmulStep folded(MatmulStep step) {
  Folding(step).run();
  return step;
}

MatmulStep transposed(MatmulStep step) {
  const size_t axes = step.batch.size();
  const auto transpose = [axes](Operand& operand) { std::swap(operand.strides[axes], operand.strides[axes + 1]); };
  for (Operand* operand : results(step)) transpose(*operand);
  transpose(step.a);
  transpose(step.b);
  std::swap(step.a, step.b);
  std::swap(step.m, step.n);
  if (step.epilogue) std::swap(step.epilogue->shape[axes], step.epilogue->shape[axes + 1]);
  return step;
}

}  // namespace metalgrad
