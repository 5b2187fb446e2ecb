// The elementwise work that follows a matrix product, done piece by piece while the product is in the caches.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cpu/executor.h"
#include "cpu/kernel.h"
#include "cpu/matmul_product.h"
#include "cpu/scratch.h"
#include "program/program.h"

namespace metalgrad::cpu {

/// Some rows and columns of one product of a batch.
struct Piece {
  int64_t batch, row, rows, column, columns;
};

/// An epilogue made ready for pieces of certain sizes.
class Epilogue {
 public:
  struct Size {
    int64_t rows, columns;
  };

  /// Null if an operation does not exist for its dtype. `step` is folded, writes something and outlives this; `sizes`
  /// are those of all pieces.
  static std::unique_ptr<const Epilogue> prepare(const MatmulStep& step, std::span<const Size> sizes);

  /// An epilogue in one run.
  class Bound {
   public:
    Bound(const Epilogue& epilogue, const Run& run);

    /// Bytes of scratch memory that `target` takes for a piece of this size; 0 if the product goes where results go.
    size_t scratchBytes(const Size& size) const;
    /// Where a piece of the product is to be put.
    Untyped target(const Piece& piece, std::byte* scratch) const;
    /// Computes the piece's results, once its product is at `target`.
    void finish(const Piece& piece, const Untyped& target) const;

   private:
    int64_t offset(size_t use, const Piece& piece) const;

    const Epilogue& epilogue_;
    const Run& run_;
    /// The first element of each use, or of a position its number.
    std::vector<std::byte*> bases_;
    std::vector<int64_t> origins_;
    bool inPlace_;
  };

 private:
  struct Part {
    Size size;
    std::unique_ptr<const Kernel> kernel;
  };
  static constexpr size_t kNone = ~size_t{0};

  explicit Epilogue(const MatmulStep& step);
  bool isProduct(const Store& store) const { return store.value == product_; }
  KernelStep stepOf(const Size& size) const;
  const Operand& use(size_t number) const;
  size_t uses() const { return step_.epilogue->loads.size() + step_.epilogue->stores.size(); }

  const MatmulStep& step_;
  size_t product_ = 0;
  /// The store in whose memory the product may lie until its elements are computed, or kNone.
  size_t host_ = kNone;
  /// Between rows of the product where it has no memory of its own; else rows follow one another.
  int64_t pitch_ = 0;
  std::vector<size_t> positions_;
  std::vector<Part> parts_;
};

}  // namespace metalgrad::cpu
