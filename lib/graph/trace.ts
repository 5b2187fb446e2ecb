/** Which transforms are running: evaluation and compiled functions behave differently inside them. */

import type { Node } from './node';

let depth = 0;
let kept: Node[] = [];
const none: readonly Node[] = [];

/** How many transforms are running the user's function right now. */
export function traceDepth(): number {
  return depth;
}

/** Runs `body` as part of a trace. An exception restores the state. */
export function inTrace<T>(body: () => T): T {
  depth++;
  try {
    return body();
  } finally {
    depth--;
    if (depth === 0) {
      for (const node of kept) forget(node);
      kept = [];
    }
  }
}

function forget(node: Node): void {
  const { inputs } = node;
  for (let i = 0; i < inputs.length; i++) inputs[i].uses--;
  node.inputs = none;
}

/** Drops the inputs of an evaluated node, at once or when the last trace ends. */
export function dropInputs(node: Node): void {
  if (depth === 0) forget(node);
  else kept.push(node);
}
