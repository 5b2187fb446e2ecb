// The memory of one run: outputs are allocated when their first step comes, parts of the arena live as long as they are
// needed.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "memory/buffer.h"
#include "program/memory_plan.h"
#include "program/status.h"

namespace metalgrad {

/// What is told when `bytes` cannot be allocated.
Outcome noMemory(size_t bytes, const memory::Allocator& allocator);

class RunMemory {
 public:
  /// Outputs that are there keep their memory; the others get theirs.
  RunMemory(const Program& program, const MemoryPlan& plan, std::span<memory::BufferRef> outputs,
            const std::shared_ptr<memory::Allocator>& allocator)
      : program_(program),
        plan_(plan),
        outputs_(outputs),
        allocator_(allocator),
        arena_(plan.homes.size() - outputs.size()) {}
  ~RunMemory();
  RunMemory(const RunMemory&) = delete;
  RunMemory& operator=(const RunMemory&) = delete;

  /// Fails if all that the run needs at once cannot be there: before anything is computed in vain.
  Outcome check() const;

  /// Allocates what is needed from `step` on, and calls place(slot, block) for each slot that has its memory now. Steps
  /// come in order.
  template <typename Place>
  Outcome before(size_t step, Place place) {
    for (; begun_ < plan_.begins.size() && plan_.begins[begun_].step <= step; begun_++) {
      const uint32_t home = plan_.begins[begun_].home;
      memory::Block block;
      if (Outcome outcome = allocate(home, block); !outcome.ok()) return outcome;
      if (home < outputs_.size()) place(program_.inputs + home, block);
      const auto& [offset, bytes, temporaries] = plan_.homes[home];
      for (const uint32_t i : temporaries) place(program_.inputs + outputs_.size() + i, part(block, i, offset));
    }
    return {};
  }

  /// Frees what no step after `step` needs. What the steps until then do must have ended.
  void after(size_t step);

 private:
  Outcome allocate(uint32_t home, memory::Block& block);
  memory::Block part(const memory::Block& home, uint32_t temporary, int64_t homeOffset) const;

  const Program& program_;
  const MemoryPlan& plan_;
  const std::span<memory::BufferRef> outputs_;
  const std::shared_ptr<memory::Allocator>& allocator_;
  std::vector<memory::Block> arena_;
  size_t begun_ = 0, ended_ = 0;
};

}  // namespace metalgrad
