/** Routines on the GPU: their results are the CPU's. */

import { onGpu } from './on-gpu';

onGpu(() => require('./routine-devices'));
