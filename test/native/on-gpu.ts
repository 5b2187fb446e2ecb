/** Imported before tests of steps: their programs run on the emulated GPU. */

import { setDefaultDevice } from './encode';

process.env.METALGRAD_METAL = 'emulator';
setDefaultDevice('gpu');
