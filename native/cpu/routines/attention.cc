// Attention without its scores: blocks of queries meet the keys block by block, and what came before is rescaled when a
// larger score comes. Memory is that of the blocks, whatever the lengths.
//
//   attention   ints: causal; args: scale (a double); q [B, H, Tq, D], k [B, Hk, Tk, D], v [B, Hk, Tk, Dv] and, if
//   there
//               is one, a mask [B, H, Tq, Tk] with any axes of size 1, bool or added → [B, H, Tq, Dv]
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "cpu/elements.h"
#include "cpu/matmul_product.h"
#include "cpu/ops/rows.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kQueries = 64, kKeys = 512;

enum { kBatch, kHead, kRow, kColumn };

/// Rows of one head as BLAS multiplies them: where they are, or widened into `scratch`.
template <typename E>
Matrix<const typename E::Wide> rowsOf(const Matrix<const typename E::Stored>& rows, typename E::Wide* scratch) {
  if constexpr (!kNarrow<E>) {
    return rows;
  } else {
    for (int64_t row = 0; row < rows.rows; row++) {
      const auto* from = rows.data + row * rows.rowStride;
      loadRun<E>(from, rows.columnStride, scratch + row * rows.columns, rows.columns);
    }
    return {scratch, rows.rows, rows.columns, rows.columns, 1};
  }
}

template <typename E>
class Attention {
 public:
  using Stored = typename E::Stored;
  using Wide = typename E::Wide;

  Attention(const RoutineStep& step, const Run& run)
      : q_(step.inputs[0]),
        k_(step.inputs[1]),
        v_(step.inputs[2]),
        mask_(step.inputs.size() > 3 ? &step.inputs[3] : nullptr),
        run_(run),
        causal_(step.ints[0] == 1),
        scale_(static_cast<Wide>(std::bit_cast<double>(run.args[step.args[0]]))),
        out_(reinterpret_cast<Stored*>(run.at(step.outputs[0].operand))) {}

  void compute() const {
    const int64_t batches = q_.shape[kBatch], heads = q_.shape[kHead], queries = q_.shape[kRow];
    const int64_t blocks = (queries + kQueries - 1) / kQueries;
    run_.pool.parallelFor(batches * heads * blocks, 1, [&](int64_t begin, int64_t end) {
      Room room(*this);
      for (int64_t task = begin; task < end; task++) {
        const int64_t first = task % blocks * kQueries;
        computeBlock(room, task / blocks / heads, task / blocks % heads, first, std::min(kQueries, queries - first));
      }
    });
  }

 private:
  /// What one thread needs.
  struct Room {
    explicit Room(const Attention& attention)
        : scores(kQueries * kKeys),
          sums(static_cast<size_t>(kQueries * attention.v_.shape[kColumn])),
          queries(kNarrow<E> ? static_cast<size_t>(kQueries * attention.q_.shape[kColumn]) : 0),
          keys(kNarrow<E>
                   ? static_cast<size_t>(kKeys * std::max(attention.k_.shape[kColumn], attention.v_.shape[kColumn]))
                   : 0) {}

    Scratch<Wide> scores, sums, queries, keys;
    Wide largest[kQueries];
    double total[kQueries];
  };

  Matrix<const Stored> rows(const Array& array, int64_t batch, int64_t head, int64_t first, int64_t count) const {
    const auto& strides = array.operand.strides;
    const auto* data = reinterpret_cast<const Stored*>(run_.at(array.operand));
    return {data + batch * strides[kBatch] + head * strides[kHead] + first * strides[kRow], count, array.shape[kColumn],
            strides[kRow], strides[kColumn]};
  }

  void computeBlock(Room& room, int64_t batch, int64_t head, int64_t first, int64_t count) const {
    const int64_t heads = q_.shape[kHead], keys = k_.shape[kRow], width = v_.shape[kColumn];
    const int64_t shared = head / (heads / k_.shape[kHead]);
    // The last query sees the last key.
    const int64_t ahead = keys - q_.shape[kRow];
    const int64_t end = causal_ ? std::clamp<int64_t>(first + count + ahead, 0, keys) : keys;
    std::fill_n(room.sums.data(), count * width, Wide(0));
    std::fill_n(room.largest, count, -std::numeric_limits<Wide>::infinity());
    std::fill_n(room.total, count, 0.0);
    const auto q = rowsOf<E>(rows(q_, batch, head, first, count), room.queries.data());
    const Matrix<Wide> sums{room.sums.data(), count, width, width, 1};
    for (int64_t key = 0; key < end; key += kKeys) {
      const int64_t length = std::min(kKeys, end - key);
      const Matrix<Wide> scores{room.scores.data(), count, length, length, 1};
      if (q.columns == 0) {
        std::fill_n(scores.data, count * length, Wide(0));
      } else {
        multiplyBlas(q, rowsOf<E>(rows(k_, batch, shared, key, length), room.keys.data()).transposed(), scores);
      }
      for (int64_t row = 0; row < count; row++) {
        Wide* line = scores.data + row * length;
        for (int64_t i = 0; i < length; i++) line[i] *= scale_;
        if (mask_) maskRow(line, batch, head, first + row, key, length);
        if (causal_) {
          const int64_t seen = std::clamp<int64_t>(first + row + ahead + 1 - key, 0, length);
          std::fill(line + seen, line + length, -std::numeric_limits<Wide>::infinity());
        }
        addRow(room, row, line, length, width);
      }
      if (width > 0)
        multiplyBlas(Matrix<const Wide>{scores.data, count, length, length, 1},
                     rowsOf<E>(rows(v_, batch, shared, key, length), room.keys.data()), sums, true);
    }
    Stored* out = out_ + ((batch * heads + head) * q_.shape[kRow] + first) * width;
    for (int64_t row = 0; row < count; row++) {
      const double total = room.total[row];
      for (int64_t i = 0; i < width; i++) {
        const Wide value = total == 0 ? Wide(0) : static_cast<Wide>(sums.data[row * width + i] / total);
        out[row * width + i] = E::store(value);
      }
    }
  }

  /// Scores become exponentials relative to the largest so far; what was summed before is brought to the same scale.
  static void addRow(Room& room, int64_t row, Wide* line, int64_t length, int64_t width) {
    // A NaN among the scores is not taken: it makes the total one.
    const Wide before = room.largest[row], largest = std::max(before, rowFns<Wide>().largest(line, length));
    // Where nothing was seen yet there is nothing to subtract.
    const Wide shift = largest == -std::numeric_limits<Wide>::infinity() ? Wide(0) : largest;
    if (before != largest) {
      const Wide factor = std::exp(before - shift);
      room.total[row] *= factor;
      Wide* sums = room.sums.data() + row * width;
      for (int64_t i = 0; i < width; i++) sums[i] *= factor;
      room.largest[row] = largest;
    }
    room.total[row] += rowFns<Wide>().exponentials(line, line, shift, length);
  }

  void maskRow(Wide* line, int64_t batch, int64_t head, int64_t row, int64_t key, int64_t length) const {
    const int64_t index[] = {batch, head, row, key};
    int64_t at = 0, step = 0;
    for (size_t axis = 0; axis < 4; axis++) {
      if (mask_->shape[axis] == 1) continue;
      at += index[axis] * mask_->operand.strides[axis];
      if (axis == kColumn) step = mask_->operand.strides[axis];
    }
    if (mask_->operand.dtype == Dtype::bool_) {
      const auto* mask = reinterpret_cast<const uint8_t*>(run_.at(mask_->operand)) + at;
      for (int64_t i = 0; i < length; i++) {
        line[i] = mask[i * step] != 0 ? line[i] : -std::numeric_limits<Wide>::infinity();
      }
    } else {
      const auto* mask = reinterpret_cast<const Stored*>(run_.at(mask_->operand)) + at;
      for (int64_t i = 0; i < length; i++) line[i] += E::load(mask[i * step]);
    }
  }

  const Array &q_, &k_, &v_;
  const Array* mask_;
  const Run& run_;
  bool causal_;
  Wide scale_;
  Stored* out_;
};

std::string checkAttention(const RoutineStep& step) {
  const size_t inputs = step.inputs.size();
  if ((inputs != 3 && inputs != 4) || step.outputs.size() != 1 || step.ints.size() != 1 || step.args.size() != 1) {
    return "wrong numbers of integers or arrays";
  }
  if (step.ints[0] != 0 && step.ints[0] != 1) return "no such attention";
  const Array &q = step.inputs[0], &k = step.inputs[1], &v = step.inputs[2], &out = step.outputs[0];
  const Dtype dtype = out.operand.dtype;
  if (dtype < Dtype::float16 || dtype > Dtype::float64) return "attention is of real floats";
  for (const Array* array : {&q, &k, &v, &out}) {
    if (array->shape.size() != 4) return "arrays have four axes";
    if (array->operand.dtype != dtype) return "arrays differ in dtype";
    // Rows and columns of products.
    if (array->shape[kRow] > kLargestSide || array->shape[kColumn] > kLargestSide) return "too large";
  }
  const bool batches = k.shape[kBatch] == q.shape[kBatch] && v.shape[kBatch] == q.shape[kBatch];
  const bool heads = k.shape[kHead] == v.shape[kHead] &&
                     (k.shape[kHead] == 0 ? q.shape[kHead] == 0 : q.shape[kHead] % k.shape[kHead] == 0);
  const bool results = out.shape[kBatch] == q.shape[kBatch] && out.shape[kHead] == q.shape[kHead] &&
                       out.shape[kRow] == q.shape[kRow] && out.shape[kColumn] == v.shape[kColumn];
  if (!batches || !heads || !results || k.shape[kRow] != v.shape[kRow] || k.shape[kColumn] != q.shape[kColumn]) {
    return "shapes do not fit";
  }
  if (inputs == 3) return {};
  const Array& mask = step.inputs[3];
  if (mask.operand.dtype != dtype && mask.operand.dtype != Dtype::bool_) return "a mask is bool or of the same dtype";
  if (mask.shape.size() != 4) return "arrays have four axes";
  const int64_t full[] = {q.shape[kBatch], q.shape[kHead], q.shape[kRow], k.shape[kRow]};
  for (size_t axis = 0; axis < 4; axis++) {
    if (mask.shape[axis] != 1 && mask.shape[axis] != full[axis]) return "the mask does not fit";
  }
  return {};
}

void runAttention(const RoutineStep& step, const Run& run) {
  switch (step.outputs[0].operand.dtype) {
    case Dtype::float16:
      return Attention<Half>(step, run).compute();
    case Dtype::bfloat16:
      return Attention<Bfloat>(step, run).compute();
    case Dtype::float32:
      return Attention<Plain<float>>(step, run).compute();
    default:
      return Attention<Plain<double>>(step, run).compute();
  }
}

const RoutineRegistration attentions(Routine::attention, {.check = checkAttention, .run = runAttention});

}  // namespace
}  // namespace metalgrad::cpu
