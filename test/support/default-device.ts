/** Runs before each test file where METALGRAD_TEST_DEVICE=gpu: the GPU is the default device of all tests. */

import { gpu, setDefaultDevice } from '../../lib/device';

setDefaultDevice(gpu);
