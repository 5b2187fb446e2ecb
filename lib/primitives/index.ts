/** Every primitive's function on nodes, by name. */

export * from './attention';
export * from './binary';
export * from './bitcast';
export * from './call';
export * from './cast';
export * from './compare';
export * from './control';
export * from './convolution';
export * from './custom-kernel';
export * from './generators';
export * from './hadamard';
export * from './indexing';
export * from './matmul';
export * from './movement';
export * from './packed-numbers';
export * from './quantized';
export * from './random';
export * from './reduction';
export * from './scan';
export * from './search';
export * from './select';
export * from './softmax';
export * from './sorting';
export * from './take-along';
export * from './unary';
