// The forms that a generated kernel takes: which one suits a layout, and the grid that runs it.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/kernel_layout.h"
#include "gpu/runtime.h"
#include "program/program.h"

namespace metalgrad::gpu {

/// What a generated text depends on beside the group's instructions and dtypes.
struct KernelForm {
  enum class Kind : uint8_t {
    elements,  // a thread an element
    quads,     // a thread four neighbours of the innermost axis
    serial,    // a thread a result
    lanes,     // a SIMD-group a result
    group,     // a threadgroup a result, or a part of one
    columns,   // a threadgroup some neighbouring results, each summed by several threads, or a part of them
    combine,   // a SIMD-group a result: its partial results from scratch memory
    epilogue,  // a function that the threads of a matrix product call for each number
  };
  Kind kind = Kind::elements;
  /// Kept axes that the text spells out, each an axis of the grid; 0: it loops over them.
  uint32_t keptAxes = 0;
  /// Reduced axes that the text spells out; 0: it loops over them.
  uint32_t reducedAxes = 0;
  /// Axes that the constants have room for.
  uint32_t keptRoom = 0, reducedRoom = 0;
  bool wide = false;
  /// Partial results go to scratch memory, and a second kernel combines them.
  bool partial = false;
  /// Quads: the uses that have one element for all four.
  std::vector<bool> repeated;

  bool reduces() const { return kind >= Kind::serial && kind != Kind::epilogue; }
};

/// The grid, and the numbers that the text takes from it.
struct KernelGrid {
  Size groups, threads;
  /// Threads of a row of the grid, where the grid is a line that was folded.
  int64_t pitch = 0;
  /// Reduced elements of each part; parts of each result.
  int64_t chunk = 0, splits = 1;
  /// Threads that share one result, and results of a threadgroup (columns).
  uint32_t lanes = 1, width = 1;
};

/// `accumulatorBytes`: of one result of every reduction.
KernelForm chooseForm(const KernelStep& step, const Layout& layout, size_t accumulatorBytes);
/// `maxThreads`: that a threadgroup of the kernel may have.
KernelGrid chooseGrid(const KernelForm& form, const Layout& layout, uint32_t maxThreads);
/// The form of what follows a product.
KernelForm epilogueForm(const Layout& layout);
/// The form of the second kernel.
KernelForm combiningForm(const KernelForm& partial);

/// How many threadgroups of `threads` threads make a line of `count` threads, folded where it is very long.
Size foldedGroups(int64_t count, uint32_t threads);

}  // namespace metalgrad::gpu
