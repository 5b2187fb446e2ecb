/** Every public operation, by name. A file added here gives its operations to the library and to the type of `array`. */

export * from './arithmetic';
export * from './as-strided';
export * from './comparison';
export * from './convolution';
export * from './counting';
export * from './creation';
export * from './diagonal';
export * from './einsum';
export * from './elementwise';
export * from './hadamard';
export * from './indexing';
export * from './joining';
export * from './linear';
export * from './movement';
export * from './padding';
export * from './quantized';
export * from './reduction';
export * from './scans';
export * from './selection';
export * from './softmax';
export * from './sorting';
export { putAlongAxis, slice, sliceUpdate, take, takeAlongAxis } from './take';
export * from './view';
