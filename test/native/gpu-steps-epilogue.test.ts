/** Products with an epilogue on the GPU: what holds on the CPU holds there. */

import { onGpu } from './on-gpu';

onGpu(() => require('./steps-epilogue.test'));
