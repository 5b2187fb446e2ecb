/** Runs benchmark cases against the peers that are present, interleaved, and reports medians and ratios. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Peer } from './peer';

/** One line of a benchmark: what we do, and under which name the peers know the same work. */
export interface Line {
  readonly name: string;
  /** Prepares the data and returns what is timed. Called once. */
  readonly prepare: () => () => void;
  /** Counted in one run of the timed part, to report nanoseconds for each; absent: report milliseconds. */
  readonly operations?: number;
  /** peer → the ratio (peer's time / ours) that this project aims at. */
  readonly targets?: Readonly<Record<string, number>>;
  /** The time that this project aims at, in milliseconds (or nanoseconds an operation). */
  readonly limit?: number;
}

export interface Result {
  readonly name: string;
  readonly unit: 'ms' | 'ns/op';
  readonly ours: number;
  readonly limit: number | null;
  readonly peers: Readonly<
    Record<string, { readonly time: number; readonly ratio: number; readonly target: number | null } | { readonly missing: string }>
  >;
}

const warmups = 3;
const minimumRuns = 9;
/** Cheap lines are repeated until they have filled this much time, in milliseconds. */
const fill = 300;

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** Our time and each peer's, measured in turn within one stretch of time. */
export async function measure(line: Line, peers: readonly Peer[]): Promise<Result> {
  const ours = line.prepare();
  const available: Peer[] = [];
  const missing: Record<string, string> = {};
  for (const peer of peers) {
    const problem = await peer.prepare(line.name);
    if (problem === null) available.push(peer);
    else missing[peer.name] = problem;
  }
  const times = new Map<string, number[]>([['ours', []], ...available.map((peer): [string, number[]] => [peer.name, []])]);
  let spent = 0;
  for (let run = -warmups; run < minimumRuns || (spent < fill && run < 200); run++) {
    const start = performance.now();
    ours();
    const time = performance.now() - start;
    if (run >= 0) {
      spent += time;
      times.get('ours')?.push(time);
    }
    for (const peer of available) {
      const peerTime = await peer.run(line.name);
      if (run >= 0) times.get(peer.name)?.push(peerTime);
    }
  }
  const scale = line.operations ? 1e6 / line.operations : 1;
  const our = median(times.get('ours') ?? []) * scale;
  const result: Result = {
    name: line.name,
    unit: line.operations ? 'ns/op' : 'ms',
    ours: our,
    limit: line.limit ?? null,
    peers: {
      ...Object.fromEntries(Object.entries(missing).map(([name, reason]) => [name, { missing: reason }])),
      ...Object.fromEntries(
        available.map((peer) => {
          const time = median(times.get(peer.name) ?? []) * scale;
          return [peer.name, { time, ratio: time / our, target: line.targets?.[peer.name] ?? null }];
        }),
      ),
    },
  };
  return result;
}

const number = (value: number) => value.toPrecision(3).padStart(8);

/** One result as lines of text. */
export function show(result: Result): string {
  const limit = result.limit === null ? '' : `   aim ≤ ${result.limit} ${result.ours <= result.limit ? '✓' : '✗'}`;
  const lines = [`${result.name.padEnd(44)} ${number(result.ours)} ${result.unit}${limit}`];
  for (const [name, peer] of Object.entries(result.peers)) {
    if ('missing' in peer) {
      if (peer.missing !== 'no such line') lines.push(`    ${name.padEnd(40)}  missing: ${peer.missing}`);
      continue;
    }
    const target = peer.target === null ? '' : `   aim ≥ ${peer.target} ${peer.ratio >= peer.target ? '✓' : '✗'}`;
    lines.push(`    ${name.padEnd(40)} ${number(peer.time)} ${result.unit}   ratio ${peer.ratio.toFixed(2)}${target}`);
  }
  return lines.join('\n');
}

/** Writes what was measured, with the versions of everything that took part. */
export function writeJson(file: string, results: readonly Result[], versions: Readonly<Record<string, string>>): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ versions, results }, null, 2)}\n`);
}
