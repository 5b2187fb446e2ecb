// A matrix product made ready to run: batches folded, pieces chosen, and what follows it prepared for them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cpu/executor.h"
#include "cpu/matmul_epilogue.h"
#include "program/program.h"

namespace metalgrad::cpu {

/// How one product is cut: into rows × columns pieces of at most this many rows and columns.
struct Cut {
  int64_t rowsEach, columnsEach;
  int64_t rowPieces, columnPieces;
};

class Matmul {
 public:
  /// Null if an operation of the epilogue does not exist for its dtype. The step must write something.
  static std::unique_ptr<const Matmul> prepare(const MatmulStep& step);

  MatmulStep step;
  int64_t batch = 1;
  Cut cut{};
  /// Rows that are multiplied before the epilogue is computed for them.
  int64_t rowsAtOnce = 0;
  /// Tasks that a thread takes at once.
  int64_t grain = 1;
  /// Few numbers, each a long sum: it is made of partial sums.
  bool longSum = false;
  /// Null if the product itself is the result.
  std::unique_ptr<const Epilogue> epilogue;

 private:
  explicit Matmul(const MatmulStep& step);
};

}  // namespace metalgrad::cpu
