// A matrix product made ready to run: batches folded, pieces chosen, and what follows it prepared for them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cpu/executor.h"
#include "cpu/matmul_epilogue.h"
#include "cpu/matmul_product.h"
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
  /// Decided for whole products: how pieces are multiplied depends on no number of threads.
  std::optional<FewVectors> few;
  /// Rows that are multiplied before the epilogue is computed for them.
  int64_t rowsAtOnce = 0;
  /// Tasks that a thread takes at once.
  int64_t grain = 1;
  /// The length of the partial sums that every number is made of, whatever the number of threads; 0: sums are whole.
  int64_t partialSum = 0;
  /// Null if the product itself is the result.
  std::unique_ptr<const Epilogue> epilogue;

 private:
  explicit Matmul(const MatmulStep& step);
};

}  // namespace metalgrad::cpu
