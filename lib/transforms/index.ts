/** The public functions that take functions. */

export { checkGrads } from './check';
export { checkpoint } from './checkpoint';
export { compile, type CompileOptions, disableCompile, enableCompile } from './compile';
export { customFunction, type CustomFunction } from './custom';
export { asyncEval, evaluate } from './evaluate';
export { grad, valueAndGrad } from './grad';
export { hessian, jacfwd, jacrev } from './jacobian';
export { type GraphView, makeGraph } from './make-graph';
export { jvp, linearize, vjp } from './vjp';
export { type AxisTree, vmap } from './vmap';
