/** What compiled functions and loops gave: kept for their projections, of which some may be asked for later. */

import { type Node, notesOf, type Result } from '../graph/node';
import { dropInputs } from '../graph/trace';
import { claim } from '../runtime/storage';

/** Remembers the results of a compiled node. */
export function setCompiledResults(node: Node, outputs: readonly Result[]): void {
  notesOf(node).results = outputs;
}

/** The results of a compiled node that has run. */
export function resultsOf(node: Node): readonly Result[] {
  return node.notes?.results ?? [];
}

/** True once the compiled node has run. */
export function hasCompiledResults(node: Node): boolean {
  return node.notes !== null && node.notes.results !== null;
}

/** Gives a projection its value if the compiled node it picks from has run. */
export function compiledResult(projection: Node, source: Node, index: number): boolean {
  if (source.notes === null || source.notes.results === null) return false;
  const { storage, layout } = source.notes.results[index];
  projection.storage = claim(storage);
  projection.layout = layout;
  projection.notes = null;
  dropInputs(projection);
  return true;
}
