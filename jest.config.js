// The suite is run once with each device as the default one: `npm run test:gpu` is METALGRAD_TEST_DEVICE=gpu on the emulated GPU.
const gpu = process.env.METALGRAD_TEST_DEVICE === 'gpu';

/** What is about the native code of one device, about the emulator, the package, or rules alone does not depend on the default device. */
const elsewhere = ['/test/native/', '/test/metal/', '/test/metal-emulator/', '/test/docs/package', '/test/primitives/(laws|points|load)'];

/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...(gpu ? elsewhere : [])],
  setupFilesAfterEnv: ['<rootDir>/test/support/default-device.ts'],
  moduleNameMapper: { '^metalgrad$': '<rootDir>/lib/index.ts' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }],
  },
};
