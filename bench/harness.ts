/** Runs benchmark cases against the peers that are present, in turns, and reports medians and ratios. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Peer, Turn } from './peer';

/** What is timed; it may tell its milliseconds itself. */
export type Timed = () => unknown;

/** One line of a benchmark: what we do, and under which name the peers know the same work. */
export interface Line {
  readonly name: string;
  /** Prepares the data and returns what is timed. Called once. */
  readonly prepare: () => Timed;
  /** Counted in one run of the timed part, to report nanoseconds for each; absent: report milliseconds. */
  readonly operations?: number;
  /** peer → the ratio (peer's time / ours) that this project aims at. */
  readonly targets?: Readonly<Record<string, number>>;
  /** The time that this project aims at, in milliseconds (or nanoseconds an operation). */
  readonly limit?: number;
  /** Other work of this library: our time is to be at most `atMost` times its time. */
  readonly beside?: readonly { readonly name: string; readonly prepare: () => Timed; readonly atMost: number }[];
  /** Bytes that the work must move between memory and processor, for work that is bound by that. */
  readonly moves?: number;
}

export interface Result {
  readonly name: string;
  readonly unit: 'ms' | 'ns/op';
  readonly ours: number;
  readonly limit: number | null;
  readonly peers: Readonly<
    Record<string, { readonly time: number; readonly ratio: number; readonly target: number | null } | { readonly missing: string }>
  >;
  readonly beside: Readonly<Record<string, { readonly time: number; readonly ratio: number; readonly atMost: number }>>;
  /** Gigabytes a second, ours and a plain copy's, and the share that is aimed at. */
  readonly bandwidth: { readonly ours: number; readonly copy: number; readonly atLeast: number } | null;
}

const warmups = 2;
const turns = 11;
/**
 * Milliseconds of a turn, for us and for the others. Whoever comes after somebody else finds the processor busy with what that one leaves
 * behind (threads that spin, collections of garbage) and the caches cold: nobody runs in the pause, and the first runs do not count. The turn's
 * time is the mean of the others, so that what a loop pays now and then has its share.
 */
const turn: Turn = { pause: 30, warm: 50, counted: 50 };
/** The share of a plain copy's bytes over time that work bound by memory is to reach. */
const shareOfCopy = 0.8;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** A plain copy of 64 MB, as V8's `set` does it; reads and writes count. */
const copied = new Float32Array(16 * 1024 * 1024).fill(1);
const copyTarget = new Float32Array(copied.length).fill(2);
const copyBytes = 2 * copied.byteLength;

function timed(work: Timed): number {
  const start = performance.now();
  const told = work();
  return typeof told === 'number' ? told : performance.now() - start;
}

/** The time of a run in one turn. */
function take(work: Timed): number {
  for (let spent = 0; spent < turn.warm; ) spent += timed(work);
  let spent = 0;
  let runs = 0;
  for (; spent < turn.counted; runs++) spent += timed(work);
  return spent / runs;
}

/** The same round, begun by another one each time: nobody always comes after the same one. */
function rotated<T>(round: readonly T[], by: number): T[] {
  const first = by % round.length;
  return [...round.slice(first), ...round.slice(0, first)];
}

/** Our time and each peer's, measured in turns within one stretch of time. */
export async function measure(line: Line, peers: readonly Peer[]): Promise<Result> {
  const missing: Record<string, string> = {};
  const runners = new Map<string, () => number | Promise<number>>();
  const own = (name: string, work: Timed) => runners.set(name, () => take(work));
  own('ours', line.prepare());
  for (const { name, prepare } of line.beside ?? []) own(`beside ${name}`, prepare());
  if (line.moves !== undefined) own('copy', () => copyTarget.set(copied));
  for (const peer of peers) {
    const problem = await peer.prepare(line.name);
    if (problem === null) runners.set(`peer ${peer.name}`, () => peer.turn(line.name, turn));
    else missing[peer.name] = problem;
  }
  const times = new Map([...runners.keys()].map((name): [string, number[]] => [name, []]));
  for (let number = -warmups; number < turns; number++) {
    for (const [name, work] of rotated([...runners], number + warmups)) {
      let time: number;
      await pause(turn.pause);
      try {
        time = await work();
      } catch (error) {
        // A peer that gives up is missing from this line; ours must not.
        const peer = peers.find((candidate) => name === `peer ${candidate.name}`);
        if (peer === undefined) throw error;
        missing[peer.name] = (error as Error).message;
        runners.delete(name);
        continue;
      }
      if (number >= 0) times.get(name)?.push(time);
    }
  }
  const scale = line.operations ? 1e6 / line.operations : 1;
  const of = (name: string) => median(times.get(name) ?? []) * scale;
  const ours = of('ours');
  const compared = peers
    .filter(({ name }) => runners.has(`peer ${name}`))
    .map(({ name }) => {
      const time = of(`peer ${name}`);
      return [name, { time, ratio: time / ours, target: line.targets?.[name] ?? null }];
    });
  return {
    name: line.name,
    unit: line.operations ? 'ns/op' : 'ms',
    ours,
    limit: line.limit ?? null,
    peers: {
      ...Object.fromEntries(Object.entries(missing).map(([name, reason]) => [name, { missing: reason }])),
      ...Object.fromEntries(compared),
    },
    beside: Object.fromEntries(
      (line.beside ?? []).map(({ name, atMost }) => {
        const time = of(`beside ${name}`);
        return [name, { time, ratio: ours / time, atMost }];
      }),
    ),
    bandwidth:
      line.moves === undefined ? null : { ours: line.moves / ours / 1e6, copy: copyBytes / of('copy') / 1e6, atLeast: shareOfCopy },
  };
}

/** One aim of a line in words, with the number it is about and whether it was reached. */
export interface Aim {
  readonly text: string;
  readonly met: boolean;
}

/** Every aim of a line that was measured. */
export function aims({ ours, limit, peers, beside, bandwidth, unit }: Result): Aim[] {
  const found: Aim[] = [];
  if (limit !== null) found.push({ text: `at most ${limit} ${unit}: ${digits(ours)}`, met: ours <= limit });
  for (const [name, peer] of Object.entries(peers)) {
    if ('missing' in peer || peer.target === null) continue;
    found.push({ text: `at least ${peer.target} times ${name}: ${peer.ratio.toFixed(2)}`, met: peer.ratio >= peer.target });
  }
  for (const [name, { ratio, atMost }] of Object.entries(beside)) {
    found.push({ text: `at most ${digits(atMost)} times ${name}: ${ratio.toFixed(2)}`, met: ratio <= atMost });
  }
  if (bandwidth !== null) {
    const share = bandwidth.ours / bandwidth.copy;
    found.push({ text: `at least ${bandwidth.atLeast} of a copy's bytes a second: ${share.toFixed(2)}`, met: share >= bandwidth.atLeast });
  }
  return found;
}

/** Three significant digits. */
export const digits = (value: number) => String(Number(value.toPrecision(3)));

/** One result as lines of text. */
export function show(result: Result): string {
  const time = (value: number) => `${digits(value).padStart(8)} ${result.unit}`;
  const lines = [`${result.name.padEnd(50)} ${time(result.ours)}`];
  for (const [name, peer] of Object.entries(result.peers)) {
    if (!('missing' in peer)) lines.push(`    ${name.padEnd(46)} ${time(peer.time)}   ratio ${peer.ratio.toFixed(2)}`);
    else if (peer.missing !== 'no such line') lines.push(`    ${name.padEnd(46)} missing: ${peer.missing}`);
  }
  for (const [name, { time: other }] of Object.entries(result.beside)) lines.push(`    ${name.padEnd(46)} ${time(other)}`);
  for (const { text, met } of aims(result)) lines.push(`    ${met ? '✓' : '✗'} ${text}`);
  return lines.join('\n');
}

/** What one run measured, with the versions of everything that took part. */
export interface Report {
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
}

export function writeJson(file: string, report: Report): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
