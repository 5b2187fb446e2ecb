// The scan and recurrence routines: see metal/scan.metal.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "gpu/operands.h"
#include "gpu/routines/routines.h"

namespace metalgrad::gpu {
namespace {

/// lib/primitives/scan.ts has the same numbers.
enum ScanOp : int64_t { kSum, kProd, kMax, kMin, kLogAddExp, kLogExcess };

enum { kIn, kSecond, kOut, kPositions, kArrays };

/// Fewer rows than this are cut into chunks, where they are long enough.
constexpr int64_t kManyRows = 64;
constexpr int64_t kChunk = 4096;
/// Rows this short are scanned by one thread each, and so are many rows that lie side by side.
constexpr int64_t kShortRow = 64, kManyColumns = 256;
/// Bytes of a state.
constexpr size_t kState = 16;

const Array* positionsOf(const RoutineStep& step) {
  return step.outputs.size() > 1 && !step.outputs[1].absent() ? &step.outputs[1] : nullptr;
}

/// What both routines have in common: the arrays, and the walk along their rows.
struct Walk {
  std::array<const Array*, kArrays> arrays;
  Space<kArrays> rows;
  std::array<int64_t, kArrays> start{}, step{};
  int64_t length;
  bool innermost;

  Walk(const RoutineStep& routine, int64_t axis, bool reverse)
      : arrays{&routine.inputs[0], routine.inputs.size() > 1 ? &routine.inputs[1] : nullptr, &routine.outputs[0],
               positionsOf(routine)} {
    const auto& shape = routine.outputs[0].shape;
    const auto strides = [&](size_t k) {
      std::array<int64_t, kArrays> result{};
      for (size_t i = 0; i < kArrays; i++) result[i] = arrays[i] ? arrays[i]->operand.strides[k] : 0;
      return result;
    };
    const auto scanned = static_cast<size_t>(axis);
    for (size_t k = 0; k < shape.size(); k++) {
      if (k != scanned) rows.append(shape[k], strides(k));
    }
    length = shape[scanned];
    step = strides(scanned);
    const int last = rows.rank - 1;
    innermost = last < 0 || std::abs(step[kOut]) < std::abs(rows.strides[static_cast<size_t>(last)][kOut]);
    if (!reverse) return;
    for (size_t i = 0; i < kArrays; i++) {
      start[i] = (length - 1) * step[i];
      step[i] = -step[i];
    }
  }
};

class PreparedScan final : public PreparedStep {
 public:
  explicit PreparedScan(const Walk& walk) : start_(walk.start), present_{} {
    for (size_t i = 0; i < kArrays; i++) {
      present_[i] = walk.arrays[i] != nullptr;
      if (present_[i]) operands_[i] = walk.arrays[i]->operand;
    }
  }

  mg::ScanParams params{};
  bool recurrence = false;
  /// One thread scans a row; otherwise a threadgroup does, or several.
  std::shared_ptr<const Pipeline> columns, chunks, states, rows;

  Outcome encode(const Run& run) const override {
    const int64_t count = params.rows.size;
    if (count == 0 || params.length == 0) return {};
    mg::ScanParams bytes = params;
    bytes.in = offset(run, kIn);
    bytes.second = offset(run, kSecond);
    bytes.out = offset(run, kOut);
    bytes.positions = offset(run, kPositions);
    const Binding in = reading(run, operands_[kIn]), out = writing(run, operands_[kOut]);
    const Binding positions = present_[kPositions] ? writing(run, operands_[kPositions]) : in;
    if (columns) {
      const std::array scan{in, out, positions};
      const std::array recur{in, recurrence ? reading(run, operands_[kSecond]) : in, out};
      run.submission.dispatch(*columns, recurrence ? recur : scan, bytes, groupsFor(count), {kThreads, 1, 1});
      return {};
    }
    const Size groups{static_cast<uint32_t>(count * params.chunks), 1, 1};
    Binding before = in;
    if (params.chunks > 1) {
      const size_t size = static_cast<size_t>(count * params.chunks) * kState;
      const Range made = run.submission.scratch(size);
      if (!made.object) return outOfScratch(size);
      const std::array first{in, writing(made)};
      const std::array second{writing(made)};
      run.submission.dispatch(*chunks, first, bytes, groups, {kThreads, 1, 1});
      run.submission.dispatch(*states, second, bytes, {static_cast<uint32_t>(count), 1, 1}, {kThreads, 1, 1});
      before = reading(made);
    }
    const std::array bindings{in, before, out, positions};
    run.submission.dispatch(*rows, bindings, bytes, groups, {kThreads, 1, 1});
    return {};
  }

 private:
  int64_t offset(const Run& run, size_t array) const {
    return present_[array] ? run.offset(operands_[array]) + start_[array] : 0;
  }

  std::array<int64_t, kArrays> start_;
  std::array<bool, kArrays> present_;
  std::array<Operand, kArrays> operands_;
};

/// The step with all that does not depend on the operation; null where shaders cannot walk it.
std::unique_ptr<PreparedScan> prepareWalk(const Walk& walk) {
  const auto rows = shaderSpace(walk.rows);
  constexpr auto kMost = static_cast<double>(kMostGroups);
  if (!rows || static_cast<double>(rows->size) * static_cast<double>(walk.length / kChunk + 1) > kMost) return nullptr;
  auto prepared = std::make_unique<PreparedScan>(walk);
  mg::ScanParams& params = prepared->params;
  params.inStep = walk.step[kIn];
  params.secondStep = walk.step[kSecond];
  params.outStep = walk.step[kOut];
  params.positionsStep = walk.step[kPositions];
  params.length = walk.length;
  params.chunks = 1;
  params.chunkLength = walk.length;
  params.rows = *rows;
  return prepared;
}

std::string operation(int64_t op, Dtype dtype) {
  const std::string type(op == kSum || op == kProd ? wrappingType(dtype) : elementType(dtype));
  const bool isComplex = dtype == Dtype::complex64, isFloat = dtype >= Dtype::float16 && !isComplex;
  switch (op) {
    case kSum:
      return isComplex ? "mg::ScanComplexSum" : (isFloat ? "mg::ScanFloatSum<" : "mg::ScanSum<") + type + ">";
    case kProd:
      return isComplex ? "mg::ScanComplexProduct"
                       : (isFloat ? "mg::ScanFloatProduct<" : "mg::ScanProduct<") + type + ">";
    case kMax:
      return "mg::ScanExtreme<" + type + ", true>";
    case kMin:
      return "mg::ScanExtreme<" + type + ", false>";
    case kLogAddExp:
      return "mg::ScanLogSumExp<" + type + ", false>";
    default:
      return "mg::ScanLogSumExp<" + type + ", true>";
  }
}

}  // namespace

Prepared prepareScan(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Dtype dtype = step.outputs[0].operand.dtype;
  const Walk walk(step, step.ints[1], step.ints[2] == 1);
  auto prepared = prepareWalk(walk);
  if (!prepared || dtype == Dtype::float64) return nullptr;
  mg::ScanParams& params = prepared->params;
  params.reverse = step.ints[2] == 1;
  params.inclusive = step.ints[3] == 1;
  const auto instance = [&](std::string_view kernel, const std::string& types) {
    return pipelines.instance("scan.metal", kernel, types, {}, outcome);
  };
  const std::string op = operation(step.ints[0], dtype);
  const std::string withPositions = op + ", " + std::string(flag(walk.arrays[kPositions] != nullptr));
  const int64_t rows = params.rows.size;
  if (params.length <= kShortRow || (!walk.innermost && rows >= kManyColumns)) {
    prepared->columns = instance("scan_columns", withPositions);
    if (!prepared->columns) return nullptr;
    return prepared;
  }
  if (rows < kManyRows && params.length >= 4 * kChunk) {
    params.chunkLength = kChunk;
    params.chunks = (params.length + kChunk - 1) / kChunk;
    prepared->chunks = instance("scan_chunks", op);
    if (prepared->chunks) prepared->states = instance("scan_states", op);
    if (!prepared->states) return nullptr;
  }
  prepared->rows = instance("scan_rows", withPositions);
  if (!prepared->rows) return nullptr;
  return prepared;
}

Prepared prepareRecurrence(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  const Dtype dtype = step.outputs[0].operand.dtype;
  auto prepared = prepareWalk(Walk(step, step.ints[0], step.ints[1] == 1));
  if (!prepared || dtype == Dtype::float64) return nullptr;
  prepared->recurrence = true;
  prepared->columns = pipelines.instance("scan.metal", "recurrence", elementType(dtype), {}, outcome);
  if (!prepared->columns) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
