/** The sort steps on the emulated GPU: what holds on the CPU holds there. */

import './on-gpu';
import './steps-sort.test';
