// The suite is run once with each device as the default one: `npm run test:gpu` is METALGRAD_TEST_DEVICE=gpu on the emulated GPU.
const gpu = process.env.METALGRAD_TEST_DEVICE === 'gpu';

/**
 * Not run again with the GPU as the default device: what is about the native code of one device, the emulator, the package or rules alone; what runs in
 * processes of its own; what bounds the memory of the CPU's plans, whose kernels are larger and need no scratch; and thousands of steps or calls,
 * each of which the emulator would compile shaders for, or take a second for.
 */
const elsewhere = [
  ...[
    // Steps and kernels of the GPU are tested here alone.
    '/test/native/(?!gpu-(instructions|kernels|routines|runtime|steps))',
    '/test/metal/',
    '/test/metal-emulator/',
    '/test/docs/(package|matrix)',
    '/test/surface/',
    '/test/primitives/(laws|points|load)',
  ],
  ...['/test/hostile/(fuzz|loops)', '/test/memory/(large-heap|peak|plain-loop)', '/test/control/long', '/test/schedule/memory'],
];

/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...(gpu ? elsewhere : [])],
  // Shaders are compiled when they are first met.
  testTimeout: gpu ? 120_000 : 20_000,
  setupFilesAfterEnv: ['<rootDir>/test/support/default-device.ts'],
  moduleNameMapper: { '^metalgrad$': '<rootDir>/lib/index.ts' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }],
  },
};
