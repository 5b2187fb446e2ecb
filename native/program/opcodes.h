// The vocabulary of programs, mirrored from lib/schedule/opcodes.ts and lib/dtype.ts; a test compares them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace metalgrad {

enum class Dtype : uint8_t {
  bool_,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
  complex64,
};
constexpr std::array<std::string_view, 14> kDtypeNames = {
    "bool",  "uint8", "uint16",  "uint32",   "uint64",  "int8",    "int16",
    "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
};

/// Which device runs a step.
enum class Device : uint8_t {
  cpu,
  gpu,
};
constexpr std::array<std::string_view, 2> kDeviceNames = {"cpu", "gpu"};

enum class ElementwiseOp : uint8_t {
  splat,
  arange,
  cast,
  negative,
  abs,
  sign,
  exp,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sqrt,
  rsqrt,
  square,
  reciprocal,
  sin,
  cos,
  tan,
  sinh,
  cosh,
  tanh,
  arcsin,
  arccos,
  arctan,
  arcsinh,
  arccosh,
  arctanh,
  erf,
  erfinv,
  sigmoid,
  floor,
  ceil,
  round,
  trunc,
  invert,
  real,
  imag,
  conjugate,
  add,
  subtract,
  multiply,
  divide,
  floorDivide,
  remainder,
  power,
  maximum,
  minimum,
  arctan2,
  logaddexp,
  and_,
  or_,
  xor_,
  leftShift,
  rightShift,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
  select,
  multiplyAdd,
};
constexpr std::array<std::string_view, 63> kElementwiseOpNames = {
    "splat",    "arange",    "cast",      "negative",    "abs",          "sign",      "exp",         "expm1",
    "log",      "log2",      "log10",     "log1p",       "sqrt",         "rsqrt",     "square",      "reciprocal",
    "sin",      "cos",       "tan",       "sinh",        "cosh",         "tanh",      "arcsin",      "arccos",
    "arctan",   "arcsinh",   "arccosh",   "arctanh",     "erf",          "erfinv",    "sigmoid",     "floor",
    "ceil",     "round",     "trunc",     "invert",      "real",         "imag",      "conjugate",   "add",
    "subtract", "multiply",  "divide",    "floorDivide", "remainder",    "power",     "maximum",     "minimum",
    "arctan2",  "logaddexp", "and",       "or",          "xor",          "leftShift", "rightShift",  "equal",
    "notEqual", "less",      "lessEqual", "greater",     "greaterEqual", "select",    "multiplyAdd",
};

enum class ReduceOp : uint8_t {
  sum,
  prod,
  max,
  min,
  argmax,
  argmin,
};
constexpr std::array<std::string_view, 6> kReduceOpNames = {
    "sum", "prod", "max", "min", "argmax", "argmin",
};

enum class ScatterMode : uint8_t {
  set,
  add,
  multiply,
  maximum,
  minimum,
};
constexpr std::array<std::string_view, 5> kScatterModeNames = {
    "set", "add", "multiply", "maximum", "minimum",
};

enum class StepKind : uint8_t {
  kernel,
  matmul,
  gather,
  scatter,
  randomBits,
  sort,
  routine,
};
constexpr std::array<std::string_view, 7> kStepKindNames = {
    "kernel", "matmul", "gather", "scatter", "randomBits", "sort", "routine",
};

enum class Routine : uint8_t {
  scan,
  recurrence,
  searchsorted,
  hadamard,
  convolution,
  attention,
  lu,
  luSolve,
  triangularSolve,
  cholesky,
  qr,
  svd,
  eigh,
  eig,
  fft,
  bitcast,
  softmax,
  logsumexp,
  norm,
  rope,
  partition,
  topk,
  custom,
  quantizedMatmul,
};
constexpr auto kRoutineNames = std::to_array<std::string_view>({
    "scan",    "recurrence",      "searchsorted",    "hadamard",  "convolution", "attention", "lu",
    "luSolve", "triangularSolve", "cholesky",        "qr",        "svd",         "eigh",      "eig",
    "fft",     "bitcast",         "softmax",         "logsumexp", "norm",        "rope",      "partition",
    "topk",    "custom",          "quantizedMatmul",
});

constexpr size_t itemSize(Dtype dtype) {
  constexpr std::array<uint8_t, 14> sizes = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8};
  return sizes[static_cast<size_t>(dtype)];
}

}  // namespace metalgrad
