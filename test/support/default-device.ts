/** Runs before each test file: the default device of all tests is the CPU, or with METALGRAD_TEST_DEVICE=gpu the GPU. */

import { cpu, gpu, setDefaultDevice } from '../../lib/device';

setDefaultDevice(process.env.METALGRAD_TEST_DEVICE === 'gpu' ? gpu : cpu);
