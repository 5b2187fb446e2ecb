/** A recorded function: placeholders in, nodes out. */

import type { Node } from './node';

export interface Graph {
  /** Placeholders, in the order of the arguments. */
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
}
