/** The vocabulary of programs: the position of a name in its list is its code. native/program/opcodes.h mirrors it. */

/** Instructions of a kernel step: a value each, from up to three others. */
export const elementwiseOps = [
  // generators and moves
  'splat', // a: argument
  'arange', // a: value of an index load, b: argument start, c: argument step; start + step · a
  'cast', // from dtype to dtype `to`
  // unary
  'negative',
  'abs', // complex gives float32
  'sign',
  'exp',
  'expm1',
  'log',
  'log2',
  'log10',
  'log1p',
  'sqrt',
  'rsqrt',
  'square',
  'reciprocal',
  'sin',
  'cos',
  'tan',
  'sinh',
  'cosh',
  'tanh',
  'arcsin',
  'arccos',
  'arctan',
  'arcsinh',
  'arccosh',
  'arctanh',
  'erf',
  'erfinv',
  'sigmoid',
  'floor',
  'ceil',
  'round', // half to even
  'trunc',
  'invert', // bitwise; logical for bool
  'real', // complex64 to float32
  'imag',
  'conjugate',
  // binary
  'add',
  'subtract',
  'multiply',
  'divide',
  'floorDivide',
  'remainder',
  'power',
  'maximum',
  'minimum',
  'arctan2',
  'logaddexp',
  'and',
  'or',
  'xor',
  'leftShift',
  'rightShift',
  // comparisons: the instruction's dtype is the operands', the value is bool
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
  // ternary
  'select', // a: bool condition, b where true, c where false; dtype is that of b and c
  'multiplyAdd', // a · b + c, rounded once
] as const;
export type ElementwiseOp = (typeof elementwiseOps)[number];

export const reduceOps = ['sum', 'prod', 'max', 'min', 'argmax', 'argmin'] as const;
export type ReduceOp = (typeof reduceOps)[number];

export const scatterModes = ['set', 'add', 'multiply', 'maximum', 'minimum'] as const;
export type ScatterMode = (typeof scatterModes)[number];

/** Steps of a program. */
export const stepKinds = ['kernel', 'matmul', 'gather', 'scatter', 'randomBits', 'sort', 'routine'] as const;
export type StepKind = (typeof stepKinds)[number];

/** Computations that devices have functions for, one name a function: native/cpu/routines/ has a file for each family. */
export const routines = [
  'scan',
  'recurrence',
  'searchsorted',
  'hadamard',
  'convolution',
  'attention',
  'lu',
  'luSolve',
  'triangularSolve',
  'cholesky',
  'qr',
  'svd',
  'eigh',
  'eig',
  'fft',
  'bitcast',
  'softmax',
  'logsumexp',
  'norm',
  'rope',
  'partition',
  'topk',
  'custom', // the user's own source, which GPUs alone run
  'quantizedMatmul',
] as const;
export type RoutineName = (typeof routines)[number];
