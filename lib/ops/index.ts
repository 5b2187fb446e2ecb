/** Every public operation, by name. A file added here gives its operations to the library and to the type of `array`. */

export * from './elementwise';
export * from './arithmetic';
export * from './comparison';
export * from './reduction';
export * from './softmax';
export * from './movement';
export * from './joining';
export * from './creation';
export * from './diagonal';
export * from './selection';
export * from './padding';
