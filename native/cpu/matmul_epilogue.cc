// A piece is a kernel step of two axes. Each of its operands has a slot of its own, which points at the piece's first
// element; positions are arguments behind those of the run.
#include "cpu/matmul_epilogue.h"

#include <algorithm>

namespace metalgrad::cpu {
namespace {

/// Rows of a product are at most this many times as far apart as they are long where it lies in a store's memory.
constexpr int64_t kSparsest = 2;

bool isMemory(const Operand& operand) { return operand.slot != kIndexSlot && operand.slot != kProductSlot; }

struct Range {
  const std::byte *begin, *end;
};

Range rangeOf(const Operand& operand, const std::vector<int64_t>& shape, const std::byte* first) {
  int64_t low = 0, high = 1;
  for (size_t axis = 0; axis < shape.size(); axis++) {
    const int64_t reach = (shape[axis] - 1) * operand.strides[axis];
    (reach < 0 ? low : high) += reach;
  }
  const auto item = static_cast<int64_t>(itemSize(operand.dtype));
  return {first + low * item, first + high * item};
}

}  // namespace

Epilogue::Epilogue(const MatmulStep& step) : step_(step) {
  const KernelStep& epilogue = *step.epilogue;
  const size_t axes = step.batch.size(), loads = epilogue.loads.size();
  for (size_t i = 0; i < loads; i++) {
    if (epilogue.loads[i].slot == kProductSlot) product_ = i;
    if (epilogue.loads[i].slot == kIndexSlot) positions_.push_back(i);
  }
  const bool isResult = std::ranges::any_of(epilogue.stores, [this](const Store& store) { return isProduct(store); });
  // The last one that can: its elements are computed when those of the product have been read for the others.
  for (size_t i = epilogue.stores.size(); i-- > 0 && host_ == kNone;) {
    // Where the product is itself a result, nothing else may take its memory.
    if (isResult && !isProduct(epilogue.stores[i])) continue;
    const Operand& store = epilogue.stores[i].operand;
    const int64_t row = store.strides[axes], column = store.strides[axes + 1];
    const bool dense = (column == 1 || step.n == 1) && (step.m == 1 || (row >= step.n && row <= kSparsest * step.n));
    if (!dense || itemSize(store.dtype) != itemSize(step.dtype)) continue;
    host_ = loads + i;
    pitch_ = row;
  }
}

const Operand& Epilogue::use(size_t number) const {
  const KernelStep& epilogue = *step_.epilogue;
  const size_t loads = epilogue.loads.size();
  return number < loads ? epilogue.loads[number] : epilogue.stores[number - loads].operand;
}

KernelStep Epilogue::stepOf(const Size& size) const {
  KernelStep step = *step_.epilogue;
  step.shape = {size.rows, size.columns};
  step.outer = 2;
  uint32_t number = 0, position = 0;
  const auto place = [&](Operand& operand) {
    operand.strides.erase(operand.strides.begin(), operand.strides.end() - 2);
    operand.offset = 0;
    operand.offsetArg = operand.slot == kIndexSlot ? position++ : kNoArg;
    if (operand.slot == kProductSlot) operand.strides = {host_ == kNone ? size.columns : pitch_, 1};
    if (operand.slot != kIndexSlot) operand.slot = number;
    number++;
  };
  for (Operand& load : step.loads) place(load);
  for (Store& store : step.stores) place(store.operand);
  // Arguments of the run come after the positions.
  const auto first = static_cast<uint32_t>(positions_.size());
  for (Instruction& instruction : step.code) {
    if (instruction.op == ElementwiseOp::splat) instruction.a += first;
    if (instruction.op != ElementwiseOp::arange) continue;
    instruction.b += first;
    instruction.c += first;
  }
  return step;
}

std::unique_ptr<const Epilogue> Epilogue::prepare(const MatmulStep& step, std::span<const Size> sizes) {
  std::unique_ptr<Epilogue> epilogue(new Epilogue(step));
  for (const Size& size : sizes) {
    auto kernel = cpu::prepare(epilogue->stepOf(size));
    if (!kernel) return nullptr;
    epilogue->parts_.push_back({size, std::move(kernel)});
  }
  return epilogue;
}

Epilogue::Bound::Bound(const Epilogue& epilogue, const Run& run)
    : epilogue_(epilogue), run_(run), inPlace_(epilogue.host_ != kNone) {
  const std::vector<int64_t>& shape = epilogue.step_.epilogue->shape;
  for (size_t i = 0; i < epilogue.uses(); i++) {
    const Operand& use = epilogue.use(i);
    bases_.push_back(isMemory(use) ? run.at(use) : nullptr);
  }
  for (const size_t position : epilogue.positions_) {
    const Operand& use = epilogue.use(position);
    origins_.push_back(use.offset + (use.offsetArg == kNoArg ? 0 : static_cast<int64_t>(run.args[use.offsetArg])));
  }
  if (!inPlace_) return;
  // What is read must not be overwritten by the product.
  const Range host = rangeOf(epilogue.use(epilogue.host_), shape, bases_[epilogue.host_]);
  for (size_t i = 0; i < epilogue.step_.epilogue->loads.size(); i++) {
    if (!isMemory(epilogue.use(i))) continue;
    const Range load = rangeOf(epilogue.use(i), shape, bases_[i]);
    inPlace_ &= load.end <= host.begin || host.end <= load.begin;
  }
}

int64_t Epilogue::Bound::offset(size_t use, const Piece& piece) const {
  const std::vector<int64_t>& strides = epilogue_.use(use).strides;
  const std::vector<int64_t>& batch = epilogue_.step_.batch;
  int64_t offset = piece.row * strides[batch.size()] + piece.column * strides[batch.size() + 1];
  int64_t rest = piece.batch;
  for (size_t axis = batch.size(); axis-- > 0; rest /= batch[axis]) offset += rest % batch[axis] * strides[axis];
  return offset;
}

size_t Epilogue::Bound::scratchBytes(const Size& size) const {
  if (inPlace_) return 0;
  const int64_t pitch = epilogue_.host_ == kNone ? size.columns : epilogue_.pitch_;
  const int64_t elements = (size.rows - 1) * (size.rows == 1 ? 0 : pitch) + size.columns;
  return static_cast<size_t>(elements) * itemSize(epilogue_.step_.dtype);
}

Untyped Epilogue::Bound::target(const Piece& piece, std::byte* scratch) const {
  const auto item = static_cast<int64_t>(itemSize(epilogue_.step_.dtype));
  const size_t host = epilogue_.host_;
  Untyped target{scratch, piece.rows, piece.columns, host == kNone ? piece.columns : epilogue_.pitch_, 1};
  if (inPlace_) target.data = bases_[host] + offset(host, piece) * item;
  return target;
}

void Epilogue::Bound::finish(const Piece& piece, const Untyped& target) const {
  std::vector<std::byte*> slots(epilogue_.uses());
  for (size_t i = 0; i < slots.size(); i++) {
    if (bases_[i]) slots[i] = bases_[i] + offset(i, piece) * static_cast<int64_t>(itemSize(epilogue_.use(i).dtype));
  }
  slots[epilogue_.product_] = target.data;
  std::vector<uint64_t> args;
  std::span<const uint64_t> arguments = run_.args;
  if (!origins_.empty()) {
    args.reserve(origins_.size() + run_.args.size());
    for (size_t i = 0; i < origins_.size(); i++) {
      args.push_back(static_cast<uint64_t>(origins_[i] + offset(epilogue_.positions_[i], piece)));
    }
    args.insert(args.end(), run_.args.begin(), run_.args.end());
    arguments = args;
  }
  const auto part = std::ranges::find_if(epilogue_.parts_, [&piece](const Part& candidate) {
    return candidate.size.rows == piece.rows && candidate.size.columns == piece.columns;
  });
  cpu::run(*part->kernel, {.slots = slots, .args = arguments, .pool = run_.pool});
}

}  // namespace metalgrad::cpu
