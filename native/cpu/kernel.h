// A kernel step made ready to run: a tape of tile functions, the registers they work in, and how tiles lie in memory.
//
// The iteration space is cut into blocks: `rows` neighbouring indices of one axis together with everything inside it. Blocks
// are small enough that all registers stay in the innermost caches. Every value has a level: uniform values are
// computed once a run, block values once a block (a row's maximum, say), full values element by element.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/executor.h"
#include "cpu/ops/tile.h"
#include "program/program.h"

namespace metalgrad::cpu {

/// Index into a run's table of pointers.
using Place = uint32_t;

/// An operand of a kernel as the blocks see it. Strides count bytes (positions for an index load).
struct Access {
  enum class Form : uint8_t {
    straight,  // the block's elements are neighbours in memory: used in place
    single,    // one element for the whole block: used in place
    strided,   // moved to or from a register
  };
  uint32_t slot = 0;
  uint32_t offsetArg = kNoArg;
  int64_t offset = 0;
  int64_t itemSize = 1;
  Form form = Form::straight;
  /// A stride for each axis of the block grid.
  std::vector<int64_t> grid;
  /// The block itself. The count of dims[0] is for one row of the block.
  std::vector<Dim> dims;
  /// First and last byte relative to the first element, over the whole space.
  int64_t low = 0, high = 0;
  /// Where the value is found (a register for strided loads), or written.
  Place place = 0;
};

/// One call on the tape.
struct TapeEntry {
  enum class Kind : uint8_t { call, gather, positions };
  Kind kind = Kind::call;
  uint32_t access = 0;
  TileFn fn = nullptr;
  Place out = 0, a = 0, b = 0, c = 0;
};

/// What happens to a value at the end of a block.
struct StoreEntry {
  uint32_t access = 0;
  Place value = 0;
  /// The value was computed right in the store's memory unless the run is deferred.
  bool inPlace = false;
  MoveFn scatter = nullptr;  // strided stores
  TileFn copy = nullptr, stream = nullptr;  // straight stores
};

struct ReduceEntry {
  ReduceFns fns;
  uint32_t access = 0;
  Place value = 0;
};

/// A place that is not in a slot's memory.
struct Register {
  Place place;
  int64_t itemSize;
};

/// A kernel, read-only while it runs.
class Kernel {
 public:
  // The block grid. The first `unitAxes` are walked by blocks in any order, the others (reduced) in order.
  std::vector<int64_t> gridShape;
  uint32_t unitAxes = 0;
  /// Which grid axis is cut into rows (it counts chunks of `rows`), rows of the whole axis, and elements a row.
  uint32_t splitAxis = 0;
  int64_t rows = 1, splitSize = 1, rowElements = 1;
  /// Elements that a register holds.
  int64_t capacity = 0;
  int64_t units = 1, reducedBlocks = 1;
  /// How a block divides for reductions: of the split axis' rows and what lies inside, outer × reduced × inner.
  enum class Split : uint8_t { outer, reduced, inner };
  Split split = Split::outer;
  int64_t blockOuter = 1, blockReduced = 1, blockInner = 1;  // for one row of the block
  /// Blocks of the reduced axes that one task walks, for reductions with few results.
  int64_t blocksPerChunk = 0, chunks = 1;
  /// Nothing to reduce: only identities are written.
  bool emptyReduction = false;
  bool empty = false;

  std::vector<Access> accesses;
  std::vector<TapeEntry> uniformTape, blockTape, tape;
  std::vector<StoreEntry> stores;
  std::vector<ReduceEntry> reductions;

  Place places = 0;
  /// Places of arguments, in order of (place, argument).
  std::vector<std::pair<Place, uint32_t>> arguments;
  /// 8-byte cells, computed once a run or once a block.
  std::vector<Place> uniformCells, blockCells;
  /// Index loads that are uniform or one position a block: the access and the cell.
  std::vector<std::pair<uint32_t, Place>> uniformPositions, blockPositions;
  std::vector<Register> registers;
  /// Registers that stand in for stores' memory when a run is deferred.
  std::vector<Register> standIns;
  /// Pairs (store, load) of accesses where writing in place is wrong if the two overlap in memory.
  std::vector<std::pair<uint32_t, uint32_t>> hazards;

  /// Estimated time of a block, in nanoseconds.
  double blockCost = 0;
  /// Bytes that the stores write in all.
  int64_t storedBytes = 0;
};

/// Null if an instruction or reduction does not exist for its dtype.
std::unique_ptr<const Kernel> prepare(const KernelStep& step);

/// Whether the device has the operation for the dtype.
bool supports(const Instruction& instruction);
bool supports(ReduceOp op, Dtype dtype);

}  // namespace metalgrad::cpu
