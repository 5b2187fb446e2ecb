// Prepares kernels: chooses blocks, levels, functions and registers.
#include "cpu/kernel.h"

#include <algorithm>
#include <array>

#include "cpu/kernel_strips.h"
#include "cpu/kernel_values.h"
#include "cpu/stream.h"

namespace metalgrad::cpu {
namespace {

constexpr uint32_t kNone = 0xffffffffu;
/// What registers and operands of one block should occupy in the innermost cache, and the bounds of its elements.
constexpr int64_t kBlockBytes = 32 << 10, kMostElements = 4096, kLeastElements = 512;
/// Elements of a block that goes past the caches: so few that memory takes them while the next ones are computed.
constexpr int64_t kStreamedElements = 512;
/// Elements of a block whose rows are added to results as they lie in memory.
constexpr int64_t kMostColumnElements = 4 * kMostElements;
/// Elements of a block from which on chains pay.
constexpr int64_t kLeastChained = 256;
constexpr unsigned kChainStart = 8;

/// Rough times an element, in nanoseconds.
double costOf(const Value& value) {
  if (value.kind != Value::Kind::elementwise) return 0.1;
  const double wide = value.dtype == Dtype::float32 ? 1 : value.dtype == Dtype::complex64 ? 20 : 4;
  const bool elementary = (value.op >= ElementwiseOp::exp && value.op <= ElementwiseOp::log1p) ||
                          (value.op >= ElementwiseOp::sin && value.op <= ElementwiseOp::sigmoid) ||
                          value.op == ElementwiseOp::power || value.op == ElementwiseOp::arctan2 ||
                          value.op == ElementwiseOp::logaddexp;
  const bool division = value.op >= ElementwiseOp::divide && value.op <= ElementwiseOp::remainder;
  return elementary ? wide : division ? 0.5 * wide : 0.06 * static_cast<double>(itemSize(value.type)) / 4;
}

class Preparation {
 public:
  explicit Preparation(const KernelStep& step)
      : step_(step), values_(lowerValues(step)), kernel_(std::make_unique<Kernel>()) {}

  std::unique_ptr<Kernel> run() {
    if (!values_.supported || !findReductions()) return nullptr;
    listUses();
    place(kMostElements);
    const int64_t fitting =
        std::clamp(kBlockBytes / std::max<int64_t>(1, bytesAnElement()), kLeastElements, kMostElements);
    if (fitting < kMostElements) place(fitting);
    if (streams()) place(kStreamedElements);
    if (readsColumns()) {
      place(kMostColumnElements);
      if (kernel_->geometry.split == Geometry::Split::inner) place(fitting);
    }
    return std::move(kernel_);
  }

 private:
  /// Whether one row after the other is added to results, as it lies in memory: with several rows in a block the
  /// accumulators, which are as large, are read and written less often.
  bool readsColumns() const {
    return kernel_->geometry.split == Geometry::Split::inner && kernel_->tape.empty() && kernel_->stores.empty() &&
           !kernel_->reductions.empty();
  }

  /// Whether results are computed that are too large for the caches, and everything is read and written as it lies in
  /// memory.
  bool streams() const {
    const auto isStrided = [](const Access& access) { return access.form == Access::Form::strided; };
    return kernel_->storedBytes >= kLeastStreamed && !kernel_->tape.empty() && kernel_->reductions.empty() &&
           std::ranges::none_of(kernel_->geometry.accesses, isStrided);
  }

  bool findReductions() {
    for (const Reduction& reduction : step_.reductions) {
      const uint32_t v = reduction.value;
      const Dtype dtype = v < step_.loads.size()
                              ? (step_.loads[v].slot == kIndexSlot ? Dtype::int64 : step_.loads[v].dtype)
                              : step_.code[v - step_.loads.size()].to;
      reduceFns_.push_back(reduceFns(reduction.op, dtype));
      if (!reduceFns_.back().init) return false;
    }
    return true;
  }

  void listUses() {
    accessOf_.assign(values_.list.size(), kNone);
    for (uint32_t i = 0; i < values_.list.size(); i++) {
      const Value& value = values_.list[i];
      if (!value.live || (value.kind != Value::Kind::load && value.kind != Value::Kind::position)) continue;
      accessOf_[i] = static_cast<uint32_t>(uses_.size());
      uses_.push_back({Role::load, &step_.loads[value.index]});
    }
    firstStore_ = static_cast<uint32_t>(uses_.size());
    for (const Store& store : step_.stores) uses_.push_back({Role::store, &store.operand});
    firstResult_ = static_cast<uint32_t>(uses_.size());
    for (const Reduction& reduction : step_.reductions) uses_.push_back({Role::result, &reduction.operand});
  }

  /// Everything that depends on the size of blocks.
  void place(int64_t target) {
    *kernel_ = Kernel{};
    kernel_->geometry = cutGeometry(step_, uses_, target);
    if (kernel_->geometry.empty) return;
    list_ = values_.list;
    kernel_->places = static_cast<Place>(uses_.size());
    findLevels();
    spreadOperands();
    placeSingles();
    orderTape();
    findChains();
    assignRegisters();
    emit();
  }

  Access& access(uint32_t value) { return kernel_->geometry.accesses[accessOf_[value]]; }

  void findLevels() {
    for (uint32_t i = 0; i < list_.size(); i++) {
      Value& value = list_[i];
      value.level = Level::uniform;
      if (!value.live || value.kind == Value::Kind::argument) continue;
      if (value.isCall()) {
        for (uint32_t k = 0; k < value.operands; k++) value.level = std::max(value.level, list_[value.in[k]].level);
      } else {
        Access& where = access(i);
        // Positions are never used in place.
        if (value.kind == Value::Kind::position && where.form == Access::Form::straight)
          where.form = Access::Form::strided;
        value.level = where.uniform ? Level::uniform : where.form == Access::Form::single ? Level::block : Level::full;
      }
    }
  }

  unsigned singles(const Value& value) const {
    unsigned mask = 0;
    for (uint32_t k = 0; k < value.operands; k++) mask |= list_[value.in[k]].level < value.level ? 1u << k : 0;
    return mask;
  }

  /// A full value made of a single one.
  uint32_t spread(uint32_t value) {
    if (list_[value].level == Level::full) return value;
    auto& copy = spreads_[value];
    if (copy == 0) {
      copy = static_cast<uint32_t>(list_.size());
      const Dtype type = list_[value].type;
      list_.push_back(
          {.kind = Value::Kind::fill, .dtype = type, .type = type, .operands = 1, .in = {value}, .live = true});
    }
    return copy;
  }

  /// Spreads single operands where no function takes them so, and what is reduced or scattered.
  void spreadOperands() {
    spreads_.assign(list_.size(), 0);
    functions_.assign(list_.size(), nullptr);
    const size_t count = list_.size();
    for (uint32_t i = 0; i < count; i++) {
      if (!list_[i].live || !list_[i].isCall()) continue;
      if (list_[i].level != Level::full) {
        functions_[i] = list_[i].function(0);
        continue;
      }
      for (uint32_t k = 0;; k++) {
        const unsigned mask = singles(list_[i]);
        functions_[i] = list_[i].function(mask);
        if (functions_[i] || k == list_[i].operands) break;
        if (mask >> k & 1) {
          const uint32_t copy = spread(list_[i].in[k]);
          list_[i].in[k] = copy;
        }
      }
    }
    stored_ = values_.stored;
    for (size_t k = 0; k < stored_.size(); k++) {
      if (kernel_->geometry.accesses[firstStore_ + k].form == Access::Form::strided) stored_[k] = spread(stored_[k]);
    }
    reduced_ = values_.reduced;
    for (uint32_t& value : reduced_) value = spread(value);
    functions_.resize(list_.size(), nullptr);
    for (size_t i = count; i < list_.size(); i++) functions_[i] = list_[i].function(0);
  }

  Place newPlace() { return kernel_->places++; }

  /// Places for arguments, uniform and block values, and loads used in place.
  void placeSingles() {
    place_.assign(list_.size(), kNone);
    for (uint32_t i = 0; i < list_.size(); i++) {
      const Value& value = list_[i];
      if (!value.live) continue;
      if (value.kind == Value::Kind::argument) {
        kernel_->arguments.emplace_back(place_[i] = newPlace(), value.index);
      } else if (value.kind == Value::Kind::load && access(i).form != Access::Form::strided) {
        place_[i] = accessOf_[i];
      } else if (value.level != Level::full) {
        place_[i] = newPlace();
        const bool uniform = value.level == Level::uniform;
        (uniform ? kernel_->uniformCells : kernel_->blockCells).push_back(place_[i]);
        if (value.kind == Value::Kind::position) {
          (uniform ? kernel_->uniformPositions : kernel_->blockPositions).emplace_back(accessOf_[i], place_[i]);
        }
      }
    }
  }

  bool isMoved(uint32_t value) const { return !list_[value].isCall() && place_[value] == kNone; }

  /// Lists a value after its operands, the one with the longest history last: it is often the only one that changes.
  void demand(uint32_t value) {
    if (list_[value].level != Level::full || listed_[value] ||
        (list_[value].kind == Value::Kind::load && !isMoved(value)))
      return;
    listed_[value] = true;
    const uint32_t count = list_[value].operands;
    const auto in = [&](uint32_t k) { return list_[value].in[k]; };
    uint32_t last = 0;
    for (uint32_t k = 1; k < count; k++) last = height_[in(k)] >= height_[in(last)] ? k : last;
    for (uint32_t k = 0; k < count; k++) {
      if (k != last) demand(in(k));
    }
    if (count > 0) demand(in(last));
    order_.push_back(value);
  }

  void orderTape() {
    order_.clear();
    listed_.assign(list_.size(), false);
    height_.assign(list_.size(), 0);
    // Fills were appended, but depend on single values alone.
    for (uint32_t i = 0; i < list_.size(); i++) {
      for (uint32_t k = 0; k < list_[i].operands; k++) height_[i] = std::max(height_[i], height_[list_[i].in[k]] + 1);
    }
    for (const uint32_t value : stored_) demand(value);
    for (const uint32_t value : reduced_) demand(value);
  }

  /// Finds runs of instructions that a chain can take. chainOf_ then has, for a position on the tape, which operands
  /// are the running value: 0 outside of chains.
  void findChains() {
    const uint32_t end = static_cast<uint32_t>(order_.size());
    chainOf_.assign(end, 0);
    if (kernel_->geometry.capacity() < kLeastChained) return;
    const auto runs = [this](uint32_t t, unsigned running) {
      bool swapped;
      return running != 0 && codeOf(list_[order_[t]], running, swapped) != ChainCode::none;
    };
    for (uint32_t t = 0; t + 1 < end; t++) {
      unsigned start = 0;
      for (uint32_t k = 0; k < list_[order_[t]].operands && start == 0; k++) {
        const uint32_t from = list_[order_[t]].in[k];
        if (list_[from].level == Level::full && runs(t, occurrences(t, from))) start = occurrences(t, from);
      }
      if (start == 0 || !runs(t + 1, occurrences(t + 1, order_[t]))) continue;
      chainOf_[t] = start | kChainStart;
      while (t + 1 < end && runs(t + 1, occurrences(t + 1, order_[t]))) {
        chainOf_[t + 1] = occurrences(t + 1, order_[t]);
        t++;
      }
    }
  }

  ChainCode codeOf(const Value& value, unsigned running, bool& swapped) const {
    if (value.type != Dtype::float32) return ChainCode::none;
    if (value.kind == Value::Kind::round)
      return value.dtype == Dtype::float16 ? ChainCode::roundHalf : ChainCode::roundBfloat;
    if (value.kind != Value::Kind::elementwise || value.dtype != Dtype::float32) return ChainCode::none;
    return chainCode(value.op, running, singles(value), swapped);
  }

  /// Which operands of the instruction at position t are the value.
  unsigned occurrences(uint32_t t, uint32_t value) const {
    unsigned mask = 0;
    const Value& instruction = list_[order_[t]];
    for (uint32_t k = 0; k < instruction.operands; k++) mask |= instruction.in[k] == value ? 1u << k : 0;
    return mask;
  }

  /// Whether the value at position t lives only in a chain's vectors.
  bool passes(uint32_t t, const std::vector<uint32_t>& lastUse) const {
    return t + 1 < chainOf_.size() && chainOf_[t] != 0 && chainOf_[t + 1] != 0 && !(chainOf_[t + 1] & kChainStart) &&
           lastUse[order_[t]] == t + 1;
  }

  /// Registers by linear scan. A stored value is made right in the memory of the first straight store that takes it.
  void assignRegisters() {
    const uint32_t end = static_cast<uint32_t>(order_.size());
    std::vector<uint32_t> lastUse(list_.size(), 0);
    for (uint32_t t = 0; t < end; t++) {
      const Value& value = list_[order_[t]];
      for (uint32_t k = 0; k < value.operands; k++) lastUse[value.in[k]] = t;
    }
    for (const uint32_t value : stored_) lastUse[value] = end;
    for (const uint32_t value : reduced_) lastUse[value] = end;

    inPlace_.assign(stored_.size(), false);
    for (uint32_t k = 0; k < stored_.size(); k++) {
      const uint32_t value = stored_[k];
      const Access& where = kernel_->geometry.accesses[firstStore_ + k];
      const bool made = list_[value].level == Level::full && place_[value] == kNone;
      if (!made || where.form == Access::Form::strided) continue;
      inPlace_[k] = true;
      place_[value] = firstStore_ + k;
      kernel_->standIns.emplace_back(firstStore_ + k, static_cast<uint32_t>(where.itemSize));
    }

    std::array<std::vector<Place>, 9> free;  // by bytes an element
    for (uint32_t t = 0; t < end; t++) {
      const uint32_t value = order_[t];
      const auto release = [&](uint32_t operand) {
        const bool isRegister =
            list_[operand].level == Level::full && place_[operand] != kNone && place_[operand] >= firstRegister_;
        if (isRegister && lastUse[operand] == t) {
          auto& places = free[itemSize(list_[operand].type)];
          // A value that is an operand twice is released once.
          if (std::find(places.begin(), places.end(), place_[operand]) == places.end())
            places.push_back(place_[operand]);
        }
      };
      if (t == 0) firstRegister_ = kernel_->places;
      for (uint32_t k = 0; k < list_[value].operands; k++) release(list_[value].in[k]);
      if (place_[value] != kNone || passes(t, lastUse)) continue;
      const size_t bytes = itemSize(list_[value].type);
      if (free[bytes].empty()) {
        place_[value] = newPlace();
        kernel_->registers.emplace_back(place_[value], static_cast<uint32_t>(bytes));
      } else {
        place_[value] = free[bytes].back();
        free[bytes].pop_back();
      }
    }
    findHazards(end);
  }

  /// A store in place is early: loads used in place afterwards must not lie in its memory.
  void findHazards(uint32_t end) {
    std::vector<uint32_t> made(list_.size(), 0);
    for (uint32_t t = 0; t < end; t++) made[order_[t]] = t;
    std::vector<uint32_t> lastRead(list_.size(), kNone);
    for (uint32_t t = 0; t < end; t++) {
      const Value& value = list_[order_[t]];
      if (isMoved(order_[t]) || !value.isCall()) lastRead[order_[t]] = t;
      for (uint32_t k = 0; k < value.operands; k++) lastRead[value.in[k]] = t;
    }
    for (const uint32_t value : stored_) lastRead[value] = end;
    for (const uint32_t value : reduced_) lastRead[value] = end;
    for (uint32_t k = 0; k < stored_.size(); k++) {
      if (!inPlace_[k]) continue;
      for (uint32_t i = 0; i < values_.list.size(); i++) {
        if (!list_[i].live || list_[i].kind != Value::Kind::load || lastRead[i] == kNone) continue;
        if (lastRead[i] > made[stored_[k]]) kernel_->hazards.emplace_back(firstStore_ + k, accessOf_[i]);
      }
    }
  }

  TapeEntry call(uint32_t i) const {
    const Value& value = list_[i];
    TapeEntry entry;
    entry.fn = functions_[i];
    entry.out = place_[i];
    Place* operands[] = {&entry.a, &entry.b, &entry.c};
    for (uint32_t k = 0; k < 3; k++) *operands[k] = place_[value.in[k < value.operands ? k : 0]];
    return entry;
  }

  void emitChained(uint32_t t) {
    const uint32_t i = order_[t];
    const Value& value = list_[i];
    const unsigned running = chainOf_[t] & ~kChainStart;
    if (chainOf_[t] & kChainStart) {
      TapeEntry entry;
      entry.kind = TapeEntry::Kind::chain;
      entry.access = static_cast<uint32_t>(kernel_->chainSteps.size());
      for (uint32_t k = 0; k < value.operands; k++) {
        if (running >> k & 1) entry.a = place_[value.in[k]];
      }
      kernel_->tape.push_back(entry);
    }
    ChainPlace step{.code = ChainCode::none, .keep = kNowhere};
    bool swapped = false;
    step.code = codeOf(value, running, swapped);
    uint32_t others = 0;
    for (uint32_t k = 0; k < value.operands; k++) {
      if (!(running >> k & 1)) (others++ == 0 ? step.b : step.c) = place_[value.in[k]];
    }
    // A lone addend is the c of x · b + c, and so is its factor the b.
    if (swapped) std::swap(step.b, step.c);
    TapeEntry& entry = kernel_->tape.back();
    entry.steps++;
    kernel_->longestChain = std::max(kernel_->longestChain, entry.steps);
    const bool last = t + 1 == order_.size() || chainOf_[t + 1] == 0 || (chainOf_[t + 1] & kChainStart);
    if (last)
      entry.out = place_[i];
    else if (place_[i] != kNone)
      step.keep = place_[i];
    kernel_->chainSteps.push_back(step);
  }

  void emit() {
    const Geometry& geometry = kernel_->geometry;
    double cost = 0;
    for (uint32_t i = 0; i < values_.list.size(); i++) {
      const Value& value = list_[i];
      if (!value.live || !value.isCall() || value.level == Level::full) continue;
      (value.level == Level::uniform ? kernel_->uniformTape : kernel_->blockTape).push_back(call(i));
    }
    for (uint32_t t = 0; t < order_.size(); t++) {
      const uint32_t i = order_[t];
      const Value& value = list_[i];
      cost += costOf(value);
      if (chainOf_[t] != 0) {
        emitChained(t);
        continue;
      }
      if (value.isCall()) {
        kernel_->tape.push_back(call(i));
        continue;
      }
      TapeEntry entry;
      entry.kind = value.kind == Value::Kind::position ? TapeEntry::Kind::positions : TapeEntry::Kind::gather;
      entry.access = accessOf_[i];
      entry.out = place_[i];
      if (value.kind == Value::Kind::load) entry.move = gatherBlock(itemSize(value.type));
      kernel_->tape.push_back(entry);
    }
    kernel_->loads = firstStore_;
    int64_t elements = 1;
    for (const int64_t size : step_.shape) elements *= size;
    for (uint32_t k = 0; k < stored_.size(); k++) {
      const uint32_t value = stored_[k];
      const size_t bytes = itemSize(list_[value].type);
      StoreEntry store;
      store.access = firstStore_ + k;
      store.value = place_[value];
      store.inPlace = inPlace_[k];
      if (geometry.accesses[store.access].form == Access::Form::strided) {
        store.scatter = scatterBlock(bytes);
      } else {
        store.straight = list_[value].level == Level::full;
        store.copy = store.straight ? copyTile(bytes) : fillTile(bytes);
        kernel_->storedBytes += elements * static_cast<int64_t>(bytes);
      }
      kernel_->stores.push_back(store);
      cost += 0.03 * static_cast<double>(bytes);
    }
    for (uint32_t k = 0; k < reduced_.size(); k++) {
      ReduceEntry reduction{.fns = reduceFns_[k], .access = firstResult_ + k, .value = place_[reduced_[k]]};
      const Access& where = geometry.accesses[reduction.access];
      if (where.form == Access::Form::strided) reduction.scatter = scatterBlock(static_cast<size_t>(where.itemSize));
      kernel_->reductions.push_back(reduction);
      cost += 0.1;
    }
    for (uint32_t i = 0; i < firstStore_; i++) cost += 0.03 * static_cast<double>(geometry.accesses[i].itemSize);
    const double calls = static_cast<double>(kernel_->tape.size() + kernel_->blockTape.size() + uses_.size());
    kernel_->blockCost = cost * static_cast<double>(geometry.capacity()) + 10 * calls;
  }

  int64_t bytesAnElement() const {
    int64_t bytes = 0;
    for (const auto& [place, size] : kernel_->registers) bytes += size;
    for (const Access& access : kernel_->geometry.accesses) {
      if (access.form == Access::Form::straight) bytes += access.itemSize;
    }
    return bytes;
  }

  const KernelStep& step_;
  Values values_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<ReduceFns> reduceFns_;

  /// Accesses: loads that are live, then stores, then results.
  std::vector<Use> uses_;
  uint32_t firstStore_ = 0, firstResult_ = 0;
  std::vector<uint32_t> accessOf_;

  // Made anew for each size of blocks; indexed by value.
  std::vector<Value> list_;
  std::vector<uint32_t> spreads_;
  std::vector<TileFn> functions_;
  std::vector<Place> place_;
  std::vector<uint32_t> stored_, reduced_;
  std::vector<bool> inPlace_;  // a store
  std::vector<uint32_t> order_, height_;
  std::vector<bool> listed_;
  std::vector<unsigned> chainOf_;  // a position on the tape
  Place firstRegister_ = 0;
};

}  // namespace

std::unique_ptr<const Kernel> prepare(const KernelStep& step) {
  const auto strips = cutStrips(step);
  if (!strips) return Preparation(step).run();
  auto kernel = Preparation(strips->whole).run();
  if (kernel && strips->hasRest) kernel->rest = Preparation(strips->rest).run();
  return kernel;
}

}  // namespace metalgrad::cpu
