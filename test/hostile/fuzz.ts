/**
 * Calls every public function with wild arguments: each call gives a result, which is then evaluated, or throws an error that begins
 * with a function in brackets. Runs as a process of its own, since what it looks for may end the process.
 */

import { writeSync } from 'node:fs';
import fc from 'fast-check';

import * as mx from '../../lib';
import { nodeOf } from '../../lib/array';
import type { Node } from '../../lib/graph/node';
import { arraysOf } from '../../lib/tree';
import { type Subject, subjects } from './subjects';
import { anything, someArray, type Wild } from './values';

/** What is worth computing here: everything small, or so large that the memory for it is refused at once. */
function worthEvaluating(root: Node): boolean {
  const sizeOf = (node: Node): number => node.shape.reduce((a, b) => a * b, 1);
  if (sizeOf(root) * root.dtype.size >= 2 ** 40) return true;
  const seen = new Set<Node>([root]);
  for (const node of seen) {
    if (sizeOf(node) > 2 ** 17) return false;
    for (const input of node.inputs) seen.add(input);
  }
  return true;
}

function evaluateResult(result: unknown): void {
  if (result instanceof mx.array) {
    if (!worthEvaluating(nodeOf(result as mx.array))) return;
    mx.eval(result);
    if ((result as mx.array).size < 1000) String(result);
  } else if (Array.isArray(result) && result.length < 100) {
    for (const entry of arraysOf(result)) evaluateResult(entry);
  }
}

/** Errors of JavaScript itself about an object that its owner broke, or a class given for a function. */
const ofJavaScript = /proxy|'(get|has|ownKeys|getPrototypeOf)' on proxy|cannot be invoked without 'new'/;

function check({ call }: Subject, wilds: readonly Wild[]): void {
  try {
    const result = call(wilds.map((wild) => wild.make()));
    if (result instanceof Promise) result.catch((error: Error) => report(error));
    evaluateResult(result);
  } catch (error) {
    report(error as Error);
  }
}

function report(error: Error): void {
  if (!(error instanceof Error)) throw new Error(`no Error was thrown but ${String(error)}`);
  if (!/^\[[\w.]+\] /.test(error.message) && !ofJavaScript.test(error.message)) throw error;
}

/** The call that is running, for the parent to name when this process dies. */
function announce(text: string): void {
  writeSync(3, `${text}\n`);
}

const [seed, runs, only] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]] as const;
let failures = 0;
process.on('unhandledRejection', (error) => {
  failures++;
  console.log(`a promise: ${(error as Error).stack}`);
});
for (const subject of subjects()) {
  if (only !== undefined && subject.name !== only) continue;
  const args = fc.oneof(
    fc.array(anything, { maxLength: subject.arity }),
    fc.tuple(someArray, fc.array(anything, { maxLength: Math.max(0, subject.arity - 1) })).map(([first, rest]) => [first, ...rest]),
  );
  const outcome = fc.check(
    fc.property(args, (wilds) => {
      announce(`${subject.name}(${wilds.map(({ text }) => text).join(', ')})`);
      const start = performance.now();
      check(subject, wilds);
      const took = performance.now() - start;
      if (took > 4000) throw new Error(`took ${took} ms`);
    }),
    { seed, numRuns: runs, endOnFailure: false, interruptAfterTimeLimit: 20_000 },
  );
  if (outcome.failed && outcome.counterexample !== null) {
    failures++;
    const text = outcome.counterexample[0].map((wild: Wild) => wild.text).join(', ');
    console.log(
      `${subject.name}(${text})\n    ${((outcome.errorInstance as Error)?.stack ?? String(outcome.errorInstance)).split('\n').slice(0, 4).join('\n    ')}`,
    );
  }
}
setTimeout(() => process.exit(failures === 0 ? 0 : 1), 50);
