/** What compiled functions gave: kept for their projections, of which some may be asked for later. */

import type { Layout, Node } from '../graph/node';
import { dropInputs } from '../graph/trace';
import { claim, type Storage } from '../runtime/storage';

/** One output of a run. */
export interface CompiledResult {
  readonly storage: Storage;
  readonly layout: Layout | null;
}

const results = new WeakMap<Node, readonly CompiledResult[]>();

/** Remembers the results of a compiled node. */
export function setCompiledResults(node: Node, outputs: readonly CompiledResult[]): void {
  results.set(node, outputs);
}

/** The results of a compiled node that has run. */
export function resultsOf(node: Node): readonly CompiledResult[] {
  return results.get(node) ?? [];
}

/** True once the compiled node has run. */
export function hasCompiledResults(node: Node): boolean {
  return results.has(node);
}

/** Gives a projection its value if the compiled node it picks from has run. */
export function compiledResult(projection: Node, source: Node, index: number): boolean {
  const outputs = results.get(source);
  if (outputs === undefined) return false;
  const { storage, layout } = outputs[index];
  projection.storage = claim(storage);
  projection.layout = layout;
  projection.companions = null;
  dropInputs(projection);
  return true;
}
