/** Runs before each test file: the default device of all tests is the CPU, or with METALGRAD_TEST_DEVICE=gpu the GPU. */

const onGpu = process.env.METALGRAD_TEST_DEVICE === 'gpu';

// Where there is no GPU it is the CPU already. Setting it would load the addon, and tests of the GPU choose another one.
if (onGpu || process.platform === 'darwin' || process.env.METALGRAD_METAL !== undefined) {
  const { cpu, gpu, setDefaultDevice } = require('../../lib/device') as typeof import('../../lib/device');
  setDefaultDevice(onGpu ? gpu : cpu);
}
