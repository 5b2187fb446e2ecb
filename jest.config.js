// The suite runs once with each device as the default one: METALGRAD_TEST_DEVICE=gpu with METALGRAD_METAL=emulator is `npm run test:gpu`.
const gpu = process.env.METALGRAD_TEST_DEVICE === 'gpu';

/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // What is about one device's native code, the emulator or the package is the same whatever the default is.
  testPathIgnorePatterns: gpu
    ? ['/node_modules/', '/test/native/', '/test/metal/', '/test/metal-emulator/', '/test/docs/package']
    : ['/node_modules/'],
  setupFilesAfterEnv: gpu ? ['<rootDir>/test/support/default-device.ts'] : [],
  moduleNameMapper: { '^metalgrad$': '<rootDir>/lib/index.ts' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }],
  },
};
