// What is known of each piece of memory while a kernel runs: who read and wrote it last, which bytes were touched, and
// which were ever written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>

#include "heap.h"
#include "shader.h"

namespace emulator {

/// Who wrote and read a granule of memory last, and when. Times grow from one barrier, threadgroup or run to the next;
/// what is older than the run (or the threadgroup, for its own memory) counts as never.
struct Cell {
  uint32_t writer, writeTime;
  uint32_t reader, readTime;
};

/// `Cell::reader`, and both members of a cell of atomics: a thread of the grid, or several in the same time.
enum : uint32_t {
  kReaderKind = 3u << 30,
  kOneThread = 0u << 30,
  kOneSimdgroup = 1u << 30,  // with the number of one of its threads
  kOneGroup = 2u << 30,      // likewise
  kSeveralGroups = 3u << 30,
};

/// The cells of a stretch of memory, which several bindings may share.
struct Shadow {
  uintptr_t low = 0;  // heap offset or address
  size_t bytes = 0;
  unsigned shift = 0;  // of bytes to cells
  Cell* cells = nullptr;
  Cell* own = nullptr;  // allocated when the granules became smaller
  /// Who used a word as an atomic one, by its number: those who may write it as writers, those who load as readers.
  std::unordered_map<size_t, Cell> atomics = {};
};

/// A bound buffer, or a variable in threadgroup memory.
struct Region {
  uintptr_t low = 0;
  size_t bytes = 0;
  bool writable = false;
  bool bound = false;
  Shadow* shadow = nullptr;  // null: nothing writes here
  // One bit a byte, the first one at bit `firstBit`. `initialized` is null where everything is.
  unsigned firstBit = 0;
  uint64_t* initialized = nullptr;
  uint64_t* read = nullptr;
  uint64_t* written = nullptr;
  std::span<const Hazard> hazards;
};

}  // namespace emulator
