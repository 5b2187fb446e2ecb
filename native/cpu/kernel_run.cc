// Runs kernels: blocks one after the other through the tape, shared among the pool's threads.
#include <algorithm>
#include <cstring>
#include <span>

#include "cpu/kernel.h"
#include "cpu/scratch.h"
#include "cpu/stream.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Work below this many nanoseconds is not shared; shares are at least this large.
constexpr double kShare = 15000;
/// Reductions with few results are cut into about this many parts of at least so many elements.
constexpr int64_t kParts = 64, kLeastPart = 32768;

constexpr int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr size_t alignUp(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

/// What all threads of a run share.
struct Shared {
  const Kernel& kernel;
  void* const* table;    // with arguments and uniform values
  const int64_t* bases;  // of the accesses
  /// Stores wait for the end of their block.
  bool deferred;
  /// They do, and go past the caches.
  bool streamed;
};

/// Fills the table with what is the same for all blocks, and computes uniform values.
void prepareTable(const Kernel& kernel, const Run& run, void** table, int64_t* bases, std::byte* cells) {
  const Geometry& geometry = kernel.geometry;
  for (size_t i = 0; i < geometry.accesses.size(); i++) {
    const Access& access = geometry.accesses[i];
    int64_t offset = access.offset;
    if (access.offsetArg != kNoArg) offset += static_cast<int64_t>(run.args[access.offsetArg]);
    const int64_t start = access.slot == kIndexSlot ? 0 : reinterpret_cast<int64_t>(run.slots[access.slot]);
    bases[i] = start + offset * access.itemSize;
    table[i] = reinterpret_cast<void*>(bases[i]);
  }
  for (const auto& [place, index] : kernel.arguments) table[place] = const_cast<uint64_t*>(&run.args[index]);
  for (const Place place : kernel.uniformCells) {
    table[place] = cells;
    cells += 8;
  }
  for (const auto& [access, place] : kernel.uniformPositions) std::memcpy(table[place], &bases[access], 8);
  // Where nothing is reduced nothing is read: operands without elements may lie anywhere.
  if (geometry.emptyReduction) return;
  for (const TapeEntry& entry : kernel.uniformTape) {
    entry.fn(table[entry.out], table[entry.a], table[entry.b], table[entry.c], 1);
  }
}

bool overlap(const Geometry& geometry, const int64_t* bases, uint32_t a, uint32_t b) {
  const Access& x = geometry.accesses[a];
  const Access& y = geometry.accesses[b];
  return bases[a] + x.low < bases[b] + y.high + y.itemSize && bases[b] + y.low < bases[a] + x.high + x.itemSize;
}

bool mustDefer(const Kernel& kernel, const int64_t* bases) {
  for (const auto& [store, load] : kernel.hazards) {
    if (overlap(kernel.geometry, bases, store, load)) return true;
  }
  return false;
}

/// Memory that is read as well is in the caches already.
bool mustStream(const Kernel& kernel, const int64_t* bases) {
  if (kernel.storedBytes < kLeastStreamed) return false;
  for (const StoreEntry& store : kernel.stores) {
    for (uint32_t load = 0; load < kernel.loads; load++) {
      if (overlap(kernel.geometry, bases, store.access, load)) return false;
    }
  }
  return true;
}

/// A thread's own table, registers and place in the grid.
class Walker {
 public:
  explicit Walker(const Shared& shared)
      : kernel_(shared.kernel),
        geometry_(kernel_.geometry),
        deferred_(shared.deferred),
        streamed_(shared.streamed),
        scratch_(bytes(shared)) {
    std::byte* memory = scratch_.data();
    const auto take = [&](size_t bytes) {
      std::byte* taken = memory;
      memory += alignUp(bytes);
      return taken;
    };
    const size_t capacity = static_cast<size_t>(geometry_.capacity());
    table_ = reinterpret_cast<void**>(take(kernel_.places * sizeof(void*)));
    bases_ = reinterpret_cast<int64_t*>(take(geometry_.accesses.size() * 8));
    coordinates_ = reinterpret_cast<int64_t*>(take(geometry_.grid.size() * 8));
    std::memcpy(table_, shared.table, kernel_.places * sizeof(void*));
    std::memcpy(bases_, shared.bases, geometry_.accesses.size() * 8);
    std::fill_n(coordinates_, geometry_.grid.size(), 0);
    chain_ = reinterpret_cast<ChainStep*>(take(kernel_.longestChain * sizeof(ChainStep)));
    std::byte* cells = take(kernel_.blockCells.size() * 8);
    for (const Place place : kernel_.blockCells) {
      table_[place] = cells;
      cells += 8;
    }
    for (const auto& [place, bytes] : kernel_.registers) table_[place] = take(capacity * bytes);
    ahead_ = reinterpret_cast<Ahead*>(take(kernel_.loads * sizeof(Ahead)));
    standIns_ = memory;
  }

  ~Walker() {
    if (streamed_) endStream();
  }
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;

  /// Goes to a block, given the numbers among units and among the reduced blocks.
  void seek(int64_t unit, int64_t reducedBlock) {
    seekAxes(0, geometry_.unitAxes, unit);
    seekAxes(geometry_.unitAxes, geometry_.grid.size(), reducedBlock);
  }
  void nextUnit() { advance(0, geometry_.unitAxes); }
  void nextReduced() { advance(geometry_.unitAxes, geometry_.grid.size()); }

  /// Rows of the block here.
  int64_t rows() const {
    const int64_t chunk = coordinates_[geometry_.splitAxis];
    return std::min(geometry_.rows, geometry_.splitSize - chunk * geometry_.rows);
  }

  /// Computes the block here. Values that are read in place may change once it is stored.
  void compute() {
    const int64_t rows = this->rows(), n = rows * geometry_.rowElements;
    point();
    for (const auto& [access, place] : kernel_.blockPositions) std::memcpy(table_[place], &bases_[access], 8);
    void** table = table_;
    for (const TapeEntry& entry : kernel_.blockTape) {
      entry.fn(table[entry.out], table[entry.a], table[entry.b], table[entry.c], 1);
    }
    for (const TapeEntry& entry : kernel_.tape) {
      if (entry.kind == TapeEntry::Kind::call) [[likely]] {
        entry.fn(table[entry.out], table[entry.a], table[entry.b], table[entry.c], n);
      } else if (entry.kind == TapeEntry::Kind::chain) {
        chain(entry, n);
      } else {
        move(entry, rows);
      }
    }
  }

  /// Stores what is stored of the block that was computed.
  void store() {
    const int64_t rows = this->rows(), n = rows * geometry_.rowElements;
    for (size_t i = 0; i < kernel_.stores.size(); i++) write(i, rows, n);
  }

  const void* value(Place place) const { return table_[place]; }

  /// Moves finished results of a reduction to memory.
  void writeResult(const ReduceEntry& entry, const void* results, int64_t rows) {
    withDims(geometry_.accesses[entry.access], rows, [&](const Dim* dims, int rank) {
      entry.scatter(reinterpret_cast<void*>(bases_[entry.access]), results, dims, rank);
    });
  }
  void* resultAddress(const ReduceEntry& entry) const { return reinterpret_cast<void*>(bases_[entry.access]); }

 private:
  static size_t bytes(const Shared& shared) {
    const Kernel& kernel = shared.kernel;
    const Geometry& geometry = kernel.geometry;
    size_t elementBytes = 0;
    size_t count = kernel.registers.size();
    for (const auto& [place, bytes] : kernel.registers) elementBytes += bytes;
    if (shared.deferred) {
      for (const auto& [access, bytes] : kernel.standIns) elementBytes += bytes;
      count += kernel.standIns.size();
    }
    return kernel.places * sizeof(void*) + geometry.accesses.size() * 8 + geometry.grid.size() * 8 +
           kernel.longestChain * sizeof(ChainStep) + kernel.blockCells.size() * 8 + kernel.loads * sizeof(Ahead) +
           elementBytes * static_cast<size_t>(geometry.capacity()) + (count + 6) * 64;
  }

  void shift(size_t axis, int64_t count) {
    const size_t accesses = geometry_.accesses.size();
    const int64_t* steps = geometry_.steps.data() + axis * accesses;
    for (size_t i = 0; i < accesses; i++) bases_[i] += count * steps[i];
  }

  void seekAxes(size_t begin, size_t end, int64_t number) {
    for (size_t axis = end; axis-- > begin;) {
      const int64_t wanted = number % geometry_.grid[axis];
      number /= geometry_.grid[axis];
      if (wanted != coordinates_[axis]) shift(axis, wanted - coordinates_[axis]);
      coordinates_[axis] = wanted;
    }
  }

  void advance(size_t begin, size_t end) {
    for (size_t axis = end; axis-- > begin;) {
      if (++coordinates_[axis] < geometry_.grid[axis]) return shift(axis, 1);
      shift(axis, 1 - geometry_.grid[axis]);
      coordinates_[axis] = 0;
    }
  }

  /// Points the table at the operands that are used in place.
  void point() {
    const size_t accesses = geometry_.accesses.size();
    for (size_t i = 0; i < accesses; i++) table_[i] = reinterpret_cast<void*>(bases_[i]);
    if (!deferred_) return;
    std::byte* memory = standIns_;
    for (const auto& [access, bytes] : kernel_.standIns) {
      table_[access] = memory;
      memory += alignUp(static_cast<size_t>(geometry_.capacity()) * bytes);
    }
  }

  template <typename F>
  void withDims(const Access& access, int64_t rows, F&& fn) {
    Dim dims[kMaxRank];
    const int rank = static_cast<int>(access.dims.size());
    std::copy(access.dims.begin(), access.dims.end(), dims);
    if (access.scales) dims[0].count *= rows;
    fn(dims, rank);
  }

  void chain(const TapeEntry& entry, int64_t n) {
    const ChainPlace* places = kernel_.chainSteps.data() + entry.access;
    const auto address = [this](Place place) { return static_cast<float*>(table_[place]); };
    for (uint32_t i = 0; i < entry.steps; i++) {
      const ChainPlace& step = places[i];
      chain_[i] = {step.code, address(step.b), address(step.c), step.keep == kNowhere ? nullptr : address(step.keep)};
    }
    runChain(chain_, static_cast<int>(entry.steps), address(entry.a), address(entry.out), n);
  }

  void move(const TapeEntry& entry, int64_t rows) {
    withDims(geometry_.accesses[entry.access], rows, [&](const Dim* dims, int rank) {
      const int64_t base = bases_[entry.access];
      if (entry.kind == TapeEntry::Kind::positions) {
        positionsOfBlock(static_cast<int64_t*>(table_[entry.out]), base, dims, rank);
      } else {
        entry.move(table_[entry.out], reinterpret_cast<const void*>(base), dims, rank);
      }
    });
  }

  void write(size_t number, int64_t rows, int64_t n) {
    const StoreEntry& store = kernel_.stores[number];
    if (store.inPlace && !deferred_) return;
    void* memory = reinterpret_cast<void*>(bases_[store.access]);
    if (store.copy && streamed_) {
      const int64_t item = geometry_.accesses[store.access].itemSize;
      if (store.straight) return streamCopy(memory, table_[store.value], n * item, ahead(n, number));
      return streamFill(memory, table_[store.value], item, n * item);
    }
    if (store.copy) return store.copy(memory, table_[store.value], nullptr, nullptr, n);
    withDims(geometry_.accesses[store.access], rows,
             [&](const Dim* dims, int rank) { store.scatter(memory, table_[store.value], dims, rank); });
  }

  /// One store's share of the operands of the next block, where they follow those of the block of `n` elements here.
  std::span<const Ahead> ahead(int64_t n, size_t store) {
    const int64_t* steps = geometry_.steps.data() + (geometry_.grid.size() - 1) * geometry_.accesses.size();
    size_t count = 0;
    for (uint32_t load = 0; load < kernel_.loads; load++) {
      const Access& access = geometry_.accesses[load];
      if (access.form != Access::Form::straight || access.slot == kIndexSlot) continue;
      if (steps[load] != geometry_.capacity() * access.itemSize) continue;
      const int64_t bytes = n * access.itemSize, share = bytes / static_cast<int64_t>(kernel_.stores.size());
      const int64_t next = bases_[load] + bytes + share * static_cast<int64_t>(store);
      ahead_[count++] = {reinterpret_cast<const std::byte*>(next), share};
    }
    return {ahead_, count};
  }

  const Kernel& kernel_;
  const Geometry& geometry_;
  const bool deferred_, streamed_;
  Scratch<std::byte> scratch_;
  std::byte* standIns_ = nullptr;
  void** table_ = nullptr;
  int64_t* bases_ = nullptr;
  int64_t* coordinates_ = nullptr;
  ChainStep* chain_ = nullptr;
  Ahead* ahead_ = nullptr;
};

/// How many blocks a thread takes at once.
int64_t grainOf(int64_t count, double cost) {
  if (cost * static_cast<double>(count) < 2 * kShare) return count;
  const int64_t share = static_cast<int64_t>(kShare / cost) + 1;
  return std::max(share, count / 64);
}

void runElementwise(const Shared& shared, const Run& run) {
  const int64_t units = shared.kernel.geometry.units;
  run.pool.parallelFor(units, grainOf(units, shared.kernel.blockCost), [&](int64_t begin, int64_t end) {
    Walker walker(shared);
    walker.seek(begin, 0);
    for (int64_t unit = begin; unit < end; unit++) {
      if (unit != begin) walker.nextUnit();
      walker.compute();
      walker.store();
    }
  });
}

/// Accumulators of all reductions of a kernel, for the results of one block.
class Accumulators {
 public:
  explicit Accumulators(const Kernel& kernel)
      : kernel_(kernel), capacity_((kernel.geometry.results() + 15) & ~int64_t{15}) {
    for (const ReduceEntry& entry : kernel.reductions) {
      bytes_ += alignUp(entry.fns.bytes * static_cast<size_t>(capacity_));
    }
  }

  size_t bytes() const { return bytes_; }
  int64_t capacity() const { return capacity_; }

  template <typename F>
  void each(std::byte* memory, F&& fn) const {
    for (const ReduceEntry& entry : kernel_.reductions) {
      fn(entry, memory);
      memory += alignUp(entry.fns.bytes * static_cast<size_t>(capacity_));
    }
  }

 private:
  const Kernel& kernel_;
  int64_t capacity_;
  size_t bytes_ = 0;
};

class ReductionRun {
 public:
  ReductionRun(const Shared& shared, const Run& run)
      : shared_(shared), run_(run), kernel_(shared.kernel), geometry_(kernel_.geometry), accumulators_(kernel_) {}

  void run() {
    const int64_t units = geometry_.units, blocks = geometry_.reducedBlocks;
    int64_t chunk = blocks;
    if (units < kParts && blocks > 1) {
      chunk = std::max(divideUp(blocks, divideUp(kParts, units)), divideUp(kLeastPart, geometry_.capacity()));
    }
    const int64_t chunks = divideUp(blocks, chunk);
    if (chunks <= 1) return runUnits();
    Scratch<std::byte> partials(accumulators_.bytes() * static_cast<size_t>(units * chunks));
    const size_t bytes = accumulators_.bytes();
    run_.pool.parallelFor(units * chunks, grainOf(units * chunks, kernel_.blockCost * static_cast<double>(chunk)),
                          [&](int64_t begin, int64_t end) {
                            Walker walker(shared_);
                            for (int64_t i = begin; i < end; i++) {
                              const int64_t first = i % chunks * chunk;
                              reduce(walker, partials.data() + static_cast<size_t>(i) * bytes, i / chunks, first,
                                     std::min(blocks, first + chunk));
                            }
                          });
    Walker walker(shared_);
    Scratch<std::byte> results(resultBytes());
    for (int64_t unit = 0; unit < units; unit++) {
      std::byte* total = partials.data() + static_cast<size_t>(unit * chunks) * bytes;
      walker.seek(unit, 0);
      for (int64_t i = 1; i < chunks; i++) {
        accumulators_.each(total, [&](const ReduceEntry& entry, std::byte* memory) {
          entry.fns.combine(memory, memory + static_cast<size_t>(i) * bytes, accumulators_.capacity(), count(walker));
        });
      }
      finish(walker, total, results.data());
    }
  }

 private:
  void runUnits() {
    const int64_t units = geometry_.units;
    const double cost = kernel_.blockCost * static_cast<double>(geometry_.reducedBlocks);
    run_.pool.parallelFor(units, grainOf(units, cost), [&](int64_t begin, int64_t end) {
      Walker walker(shared_);
      Scratch<std::byte> memory(accumulators_.bytes() + resultBytes());
      for (int64_t unit = begin; unit < end; unit++) {
        reduce(walker, memory.data(), unit, 0, geometry_.reducedBlocks);
        finish(walker, memory.data(), memory.data() + accumulators_.bytes());
      }
    });
  }

  size_t resultBytes() const { return static_cast<size_t>(accumulators_.capacity()) * 8; }

  int64_t outer(int64_t rows) const { return geometry_.outer * (geometry_.split == Geometry::Split::outer ? rows : 1); }
  int64_t reduced(int64_t rows) const {
    return geometry_.reduced * (geometry_.split == Geometry::Split::reduced ? rows : 1);
  }
  int64_t inner(int64_t rows) const { return geometry_.inner * (geometry_.split == Geometry::Split::inner ? rows : 1); }
  /// Results of the block where the walker is.
  int64_t count(const Walker& walker) const { return outer(walker.rows()) * inner(walker.rows()); }

  /// Position among the reduced elements of a reduced block's first.
  int64_t positionOf(int64_t block) const {
    if (geometry_.split != Geometry::Split::reduced) return block;
    const int64_t chunks = geometry_.grid[geometry_.splitAxis];
    return (block / chunks * geometry_.splitSize + block % chunks * geometry_.rows) * geometry_.reduced;
  }

  void reduce(Walker& walker, std::byte* memory, int64_t unit, int64_t begin, int64_t end) {
    walker.seek(unit, begin);
    const int64_t capacity = accumulators_.capacity();
    const int64_t results = count(walker);
    accumulators_.each(memory,
                       [&](const ReduceEntry& entry, std::byte* acc) { entry.fns.init(acc, capacity, results); });
    if (geometry_.emptyReduction) return;
    int64_t position = positionOf(begin);
    for (int64_t block = begin; block < end; block++) {
      if (block != begin) walker.nextReduced();
      walker.compute();
      const int64_t rows = walker.rows(), m = outer(rows), k = reduced(rows), c = inner(rows);
      accumulators_.each(memory, [&](const ReduceEntry& entry, std::byte* acc) {
        entry.fns.accumulate(acc, capacity, walker.value(entry.value), m, k, c, position);
      });
      walker.store();
      position += k;
    }
  }

  void finish(Walker& walker, std::byte* memory, std::byte* results) {
    const int64_t rows = walker.rows();
    accumulators_.each(memory, [&](const ReduceEntry& entry, std::byte* acc) {
      if (!entry.scatter) {
        return entry.fns.finish(walker.resultAddress(entry), acc, accumulators_.capacity(), outer(rows) * inner(rows));
      }
      entry.fns.finish(results, acc, accumulators_.capacity(), outer(rows) * inner(rows));
      walker.writeResult(entry, results, rows);
    });
  }

  const Shared& shared_;
  const Run& run_;
  const Kernel& kernel_;
  const Geometry& geometry_;
  const Accumulators accumulators_;
};

}  // namespace

void run(const Kernel& kernel, const Run& run) {
  if (kernel.geometry.empty) return;
  const size_t accesses = kernel.geometry.accesses.size();
  Scratch<uint64_t> scratch(kernel.places + accesses + kernel.uniformCells.size());
  void** table = reinterpret_cast<void**>(scratch.data());
  int64_t* bases = reinterpret_cast<int64_t*>(scratch.data() + kernel.places);
  prepareTable(kernel, run, table, bases, reinterpret_cast<std::byte*>(bases + accesses));
  const bool streamed = mustStream(kernel, bases);
  const Shared shared{kernel, table, bases, streamed || mustDefer(kernel, bases), streamed};
  if (kernel.reductions.empty())
    runElementwise(shared, run);
  else
    ReductionRun(shared, run).run();
  if (kernel.rest) cpu::run(*kernel.rest, run);
}

}  // namespace metalgrad::cpu
