// Reads a program word by word. Every count is compared with the words that are left before anything is allocated.
#include "program/decode.h"

#include <utility>

namespace metalgrad {
namespace {

constexpr int32_t kMagic = 0x4452474d;
/// Arguments have no words of their own in a program: a bound that no plan comes near.
constexpr uint32_t kMaxArgs = 1u << 26;

/// Words of an operand without its strides.
constexpr size_t kOperandWords = 5;

/// Reads within its words; the first failure is kept, and everything read after it is 0.
class Reader {
 public:
  explicit Reader(std::span<const int32_t> words) : words_(words) {}

  size_t position() const { return position_; }
  size_t left() const { return words_.size() - position_; }
  bool failed() const { return !error_.empty(); }
  std::string takeError() { return std::move(error_); }

  void fail(std::string error) {
    if (error_.empty()) error_ = std::move(error);
    position_ = words_.size();
  }

  uint32_t word() {
    if (left() < 1) {
      fail("the words end too early");
      return 0;
    }
    return static_cast<uint32_t>(words_[position_++]);
  }

  int64_t wide() {
    const uint64_t low = word();
    return static_cast<int64_t>(low | static_cast<uint64_t>(word()) << 32);
  }

  /// A count of things of at least `wordsEach` words.
  size_t count(size_t wordsEach, const char* what) {
    const size_t count = word();
    if (count > left() / wordsEach) {
      fail("more " + std::string(what) + " than words");
      return 0;
    }
    return count;
  }

  uint32_t rank() {
    const uint32_t rank = word();
    if (rank > kMaxRank) {
      fail("rank " + std::to_string(rank) + " is more than " + std::to_string(kMaxRank));
      return 0;
    }
    return rank;
  }

  std::vector<int64_t> wides(size_t count) {
    if (count > left() / 2) {
      fail("the words end too early");
      return {};
    }
    std::vector<int64_t> values(count);
    for (auto& value : values) value = wide();
    return values;
  }

  template <typename Code>
  Code code(uint32_t value, size_t count, const char* what) {
    if (value >= count) {
      fail("no " + std::string(what) + " has the code " + std::to_string(value));
      return Code{};
    }
    return static_cast<Code>(value);
  }

  Dtype dtype(uint32_t value) { return code<Dtype>(value, kDtypeNames.size(), "dtype"); }
  Dtype dtype() { return dtype(word()); }

  Operand operand(size_t axes) {
    Operand operand;
    operand.slot = word();
    operand.dtype = dtype();
    operand.offset = wide();
    operand.offsetArg = word();
    operand.strides = wides(axes);
    return operand;
  }

 private:
  std::span<const int32_t> words_;
  size_t position_ = 0;
  std::string error_;
};

void readLoads(Reader& reader, KernelStep& step, size_t loads) {
  const size_t axes = step.shape.size();
  step.loads.reserve(loads);
  for (size_t i = 0; i < loads && !reader.failed(); i++) step.loads.push_back(reader.operand(axes));
}

void readInstructions(Reader& reader, KernelStep& step, size_t instructions) {
  step.code.reserve(instructions);
  for (size_t i = 0; i < instructions && !reader.failed(); i++) {
    const uint32_t word = reader.word();
    Instruction instruction;
    instruction.op = reader.code<ElementwiseOp>(word & 0xff, kElementwiseOpNames.size(), "instruction");
    instruction.dtype = reader.dtype(word >> 8 & 0xff);
    instruction.to = reader.dtype(word >> 16);
    instruction.a = reader.word();
    instruction.b = reader.word();
    instruction.c = reader.word();
    step.code.push_back(instruction);
  }
}

void readStores(Reader& reader, KernelStep& step, size_t stores) {
  step.stores.reserve(stores);
  for (size_t i = 0; i < stores && !reader.failed(); i++) {
    const uint32_t value = reader.word();
    step.stores.push_back({.value = value, .operand = reader.operand(step.shape.size())});
  }
}

size_t countStores(Reader& reader, size_t axes) { return reader.count(1 + kOperandWords + 2 * axes, "stores"); }

KernelStep readKernel(Reader& reader) {
  KernelStep step;
  step.outer = reader.rank();
  step.reduced = reader.rank();
  step.inner = reader.rank();
  const size_t axes = step.outer + step.reduced + step.inner;
  step.shape = reader.wides(axes);
  const size_t loads = reader.count(kOperandWords + 2 * axes, "loads");
  const size_t instructions = reader.count(4, "instructions");
  const size_t stores = countStores(reader, axes);
  const size_t kept = step.outer + step.inner;
  const size_t reductions = reader.count(2 + kOperandWords + 2 * kept, "reductions");
  readLoads(reader, step, loads);
  readInstructions(reader, step, instructions);
  readStores(reader, step, stores);
  step.reductions.reserve(reductions);
  for (size_t i = 0; i < reductions && !reader.failed(); i++) {
    const auto op = reader.code<ReduceOp>(reader.word(), kReduceOpNames.size(), "reduction");
    const uint32_t value = reader.word();
    step.reductions.push_back({.op = op, .value = value, .operand = reader.operand(kept)});
  }
  return step;
}

MatmulStep readMatmul(Reader& reader) {
  MatmulStep step;
  step.dtype = reader.dtype();
  const uint32_t rank = reader.rank();
  step.batch = reader.wides(rank);
  step.m = reader.wide();
  step.n = reader.wide();
  step.k = reader.wide();
  const size_t axes = size_t{rank} + 2;
  step.a = reader.operand(axes);
  step.b = reader.operand(axes);
  const size_t loads = reader.count(kOperandWords + 2 * axes, "loads");
  const size_t instructions = reader.count(4, "instructions");
  const size_t stores = countStores(reader, axes);
  if (stores == 0) {
    if (loads > 0 || instructions > 0) reader.fail("an epilogue writes nothing");
    step.out = reader.operand(axes);
    return step;
  }
  KernelStep& epilogue = step.epilogue.emplace();
  epilogue.shape = step.batch;
  epilogue.shape.insert(epilogue.shape.end(), {step.m, step.n});
  epilogue.outer = rank + 2;
  readLoads(reader, epilogue, loads);
  readInstructions(reader, epilogue, instructions);
  readStores(reader, epilogue, stores);
  return step;
}

std::vector<uint32_t> readAxes(Reader& reader, size_t indexRank) {
  // Each axis has an index operand later on.
  std::vector<uint32_t> axes(reader.count(1 + kOperandWords + 2 * indexRank, "index operands"));
  for (auto& axis : axes) axis = reader.word();
  return axes;
}

std::vector<Operand> readOperands(Reader& reader, size_t count, size_t axes) {
  std::vector<Operand> operands;
  operands.reserve(count);
  for (size_t i = 0; i < count && !reader.failed(); i++) operands.push_back(reader.operand(axes));
  return operands;
}

GatherStep readGather(Reader& reader) {
  GatherStep step;
  const uint32_t indexRank = reader.rank(), rank = reader.rank();
  step.indexShape = reader.wides(indexRank);
  step.sourceShape = reader.wides(rank);
  step.sliceShape = reader.wides(rank);
  step.axes = readAxes(reader, indexRank);
  step.source = reader.operand(rank);
  step.indices = readOperands(reader, step.axes.size(), indexRank);
  step.out = reader.operand(indexRank + rank);
  return step;
}

ScatterStep readScatter(Reader& reader) {
  ScatterStep step;
  step.mode = reader.code<ScatterMode>(reader.word(), kScatterModeNames.size(), "scatter mode");
  const uint32_t indexRank = reader.rank(), rank = reader.rank();
  step.indexShape = reader.wides(indexRank);
  step.targetShape = reader.wides(rank);
  step.sliceShape = reader.wides(rank);
  step.axes = readAxes(reader, indexRank);
  step.target = reader.operand(rank);
  step.updates = reader.operand(indexRank + rank);
  step.indices = readOperands(reader, step.axes.size(), indexRank);
  return step;
}

RandomBitsStep readRandomBits(Reader& reader) {
  RandomBitsStep step;
  const uint32_t rank = reader.rank();
  step.keyShape = reader.wides(rank);
  step.perKey = reader.wide();
  step.keys = reader.operand(rank + 1);
  step.out = reader.operand(rank + 1);
  return step;
}

SortStep readSort(Reader& reader) {
  SortStep step;
  const uint32_t indices = reader.word();
  if (indices > 1) reader.fail("a sort gives values (0) or indices (1)");
  step.indices = indices == 1;
  const uint32_t rank = reader.rank();
  step.rows = reader.wides(rank);
  step.length = reader.wide();
  step.in = reader.operand(rank + 1);
  step.out = reader.operand(rank + 1);
  return step;
}

std::vector<Array> readArrays(Reader& reader) {
  std::vector<Array> arrays(reader.count(1 + kOperandWords, "arrays"));
  for (size_t i = 0; i < arrays.size() && !reader.failed(); i++) {
    const uint32_t rank = reader.rank();
    arrays[i].shape = reader.wides(rank);
    arrays[i].operand = reader.operand(rank);
  }
  return arrays;
}

RoutineStep readRoutine(Reader& reader) {
  RoutineStep step;
  step.routine = reader.code<Routine>(reader.word(), kRoutineNames.size(), "routine");
  step.ints = reader.wides(reader.count(2, "integers"));
  step.args.resize(reader.count(1, "arguments"));
  for (auto& arg : step.args) arg = reader.word();
  step.inputs = readArrays(reader);
  step.outputs = readArrays(reader);
  return step;
}

Step readStep(Reader& reader, StepKind kind) {
  switch (kind) {
    case StepKind::kernel:
      return readKernel(reader);
    case StepKind::matmul:
      return readMatmul(reader);
    case StepKind::gather:
      return readGather(reader);
    case StepKind::scatter:
      return readScatter(reader);
    case StepKind::randomBits:
      return readRandomBits(reader);
    case StepKind::sort:
      return readSort(reader);
    case StepKind::routine:
      return readRoutine(reader);
  }
  reader.fail("unknown step");
  return KernelStep{};
}

}  // namespace

std::string decode(std::span<const int32_t> words, Program& program) {
  Reader reader(words);
  if (reader.word() != static_cast<uint32_t>(kMagic)) return "this is no program";
  if (const uint32_t version = reader.word(); version != kFormatVersion) {
    return "program of version " + std::to_string(version) + ", expected " + std::to_string(kFormatVersion);
  }
  if (reader.word() != words.size()) return "the number of words is not the program's";
  program.inputs = reader.word();
  const size_t outputs = reader.count(2, "outputs");
  const size_t temporaries = reader.count(5, "temporaries");
  program.args = reader.word();
  const size_t steps = reader.count(2, "steps");
  program.arenaBytes = reader.wide();
  // What reads an input or an argument names it in a word.
  if (program.inputs > words.size()) reader.fail("more inputs than words");
  if (program.args > kMaxArgs) reader.fail("too many arguments");
  program.outputBytes = reader.wides(outputs);
  program.temporaries.reserve(temporaries);
  for (size_t i = 0; i < temporaries && !reader.failed(); i++) {
    Temporary temporary{.output = reader.word()};
    temporary.offset = reader.wide();
    temporary.byteLength = reader.wide();
    program.temporaries.push_back(temporary);
  }
  program.steps.reserve(steps);
  program.devices.reserve(steps);
  for (size_t i = 0; i < steps && !reader.failed(); i++) {
    const size_t start = reader.position();
    const uint32_t word = reader.word();
    const auto kind = reader.code<StepKind>(word & 0xff, kStepKindNames.size(), "step");
    program.devices.push_back(reader.code<Device>(word >> 8, kDeviceNames.size(), "device"));
    const uint32_t size = reader.word();
    program.steps.push_back(readStep(reader, kind));
    if (reader.failed()) return "step " + std::to_string(i) + ": " + reader.takeError();
    if (reader.position() - start != size) return "step " + std::to_string(i) + ": its number of words is wrong";
  }
  if (!reader.failed() && reader.left() > 0) reader.fail("words after the last step");
  return reader.takeError();
}

}  // namespace metalgrad
