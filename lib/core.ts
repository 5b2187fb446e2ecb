/** The functions of the library by their public names: what `mx` stands for. */

export { type ArrayInput, array, type Item, type NestedItems } from './array';
export * from './constants';
export {
  cpu,
  Device,
  type DeviceType,
  defaultDevice,
  defaultStream,
  deviceInfo,
  gpu,
  newStream,
  Stream,
  type StreamOrDevice,
  setDefaultDevice,
  setDefaultStream,
  stream,
  synchronize,
  toStream,
} from './device';
export {
  bfloat16,
  bool,
  bool as bool_,
  complex64,
  Dtype,
  type DtypeName,
  float16,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
} from './dtype';
export {
  canCast,
  complexfloating,
  DtypeCategory,
  type FloatInfo,
  finfo,
  floating,
  generic,
  type IntegerInfo,
  iinfo,
  inexact,
  integer,
  issubdtype,
  number,
  resultType,
  signedinteger,
  unsignedinteger,
} from './dtype-info';
export type { ErrorCode } from './errors';
export * as fast from './fast';
export * as fft from './fft';
export * as linalg from './linalg';
export {
  clearCache,
  dispose,
  getActiveMemory,
  getCacheMemory,
  getPeakMemory,
  getWrappersCount,
  resetPeakMemory,
  setCacheLimit,
  setMemoryLimit,
  setWiredLimit,
  tidy,
} from './memory';
export { metal } from './metal';
export * from './ops';
export * as random from './random';
export { checkGrads } from './transforms/check';
export { checkpoint } from './transforms/checkpoint';
export { type CompileOptions, compile, disableCompile, enableCompile } from './transforms/compile';
export { cond, scan, whileLoop } from './transforms/control';
export { type CustomFunction, customFunction } from './transforms/custom';
export { asyncEval, evaluate as eval } from './transforms/evaluate';
export { grad, valueAndGrad } from './transforms/grad';
export { hessian, jacfwd, jacrev } from './transforms/jacobian';
export { type GraphView, makeGraph } from './transforms/make-graph';
export { jvp, linearize, vjp } from './transforms/vjp';
export { type AxisTree, vmap } from './transforms/vmap';
export { Complex, type ComplexValue, type TypedArray } from './values/construct';
