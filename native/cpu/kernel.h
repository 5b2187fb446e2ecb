// A kernel step made ready to run: a tape of tile functions, the registers they work in, and how tiles lie in memory.
//
// The iteration space is cut into blocks: some neighbouring indices ("rows") of one axis together with everything
// inside it, few enough that all registers stay in the innermost caches. Every value has a level: uniform values are
// computed once a run, block values once a block (the maximum of the block's row, say), full values element by element.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "cpu/executor.h"
#include "cpu/kernel_geometry.h"
#include "cpu/ops/chain.h"
#include "cpu/ops/tile.h"
#include "program/program.h"

namespace metalgrad::cpu {

/// Index into a run's table of pointers.
using Place = uint32_t;

/// One action on the tape.
struct TapeEntry {
  enum class Kind : uint8_t { call, chain, gather, positions };
  Kind kind = Kind::call;
  /// Of a gather or positions: the access. Of a chain: its first step and their number; a is where it starts from.
  uint32_t access = 0;
  uint32_t steps = 0;
  TileFn fn = nullptr;
  MoveFn move = nullptr;
  Place out = 0, a = 0, b = 0, c = 0;
};

/// A step of a chain, before its places have addresses.
struct ChainPlace {
  ChainCode code;
  Place b = 0, c = 0;
  /// Where the value is kept after the step, or kNowhere.
  Place keep;
};
constexpr Place kNowhere = 0xffffffffu;

/// What happens to a value at the end of a block.
struct StoreEntry {
  uint32_t access = 0;
  Place value = 0;
  /// The value was computed right in the store's memory, unless the run is deferred.
  bool inPlace = false;
  /// A tile goes to memory as it is.
  bool straight = false;
  MoveFn scatter = nullptr;  // strided stores
  TileFn copy = nullptr;     // the others
};

struct ReduceEntry {
  ReduceFns fns;
  uint32_t access = 0;
  Place value = 0;
  /// Null for results that are neighbours in memory.
  MoveFn scatter = nullptr;
};

/// A kernel, read-only while it runs.
class Kernel {
 public:
  Geometry geometry;

  std::vector<TapeEntry> uniformTape, blockTape, tape;
  std::vector<ChainPlace> chainSteps;
  /// Steps of the longest chain.
  uint32_t longestChain = 0;
  std::vector<StoreEntry> stores;
  std::vector<ReduceEntry> reductions;

  /// The size of the table of pointers. The first places are the accesses'.
  Place places = 0;
  /// Places that point at arguments.
  std::vector<std::pair<Place, uint32_t>> arguments;
  /// Places of 8-byte cells for values computed once a run or once a block.
  std::vector<Place> uniformCells, blockCells;
  /// Index loads that are one number a run or a block: the access and its cell.
  std::vector<std::pair<uint32_t, Place>> uniformPositions, blockPositions;
  /// Places of registers and their bytes an element.
  std::vector<std::pair<Place, uint32_t>> registers;
  /// Registers that stand in for the memory of stores when a run is deferred: (the store's access, bytes an element).
  std::vector<std::pair<uint32_t, uint32_t>> standIns;
  /// Pairs (store, load) of accesses where writing in place is wrong if the two share memory.
  std::vector<std::pair<uint32_t, uint32_t>> hazards;

  /// The number of accesses that load; they come first.
  uint32_t loads = 0;
  /// What straight stores write in all, in bytes.
  int64_t storedBytes = 0;
  /// Estimated time of a block, in nanoseconds.
  double blockCost = 0;
  /// Another part of the same step.
  std::unique_ptr<const Kernel> rest;
};

/// Null if an operation does not exist for its dtype. The step must be valid otherwise.
std::unique_ptr<const Kernel> prepare(const KernelStep& step);

}  // namespace metalgrad::cpu
