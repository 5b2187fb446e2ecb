/** The gather and scatter steps on the emulated GPU: what holds on the CPU holds there. */

import './on-gpu';
import './steps-indexing.test';
