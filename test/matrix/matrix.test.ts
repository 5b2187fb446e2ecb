/**
 * Every operation under every transform. `npm run test:matrix` checks all of it; otherwise a seeded sample in which every
 * operation is checked at each of its cases and every law is checked on many operations. On a GPU, whose every new kernel is compiled first, the sample
 * is smaller: every operation at its first case and at some of the others, by one law each.
 */

import '../../lib';
import { type Op, ops } from '../../lib/ops/registry';
import { onGpu } from '../support/default';
import { judge } from './judge';
import { type Law, laws } from './laws';
import { generator, seedOf } from './random';
import { type Subject, subjectOf } from './subject';

const full = process.env.METALGRAD_MATRIX === 'full';
const sampled = onGpu ? 1 : 4;
/** Of the cases after the first, one in so many is checked. */
const spacing = onGpu ? 2 : 1;

/** The laws to check for one subject: all, or a few that its name decides. */
function chosen(applicable: readonly Law[], name: string): readonly Law[] {
  if (full || applicable.length <= sampled) return applicable;
  const random = generator(seedOf(name));
  const rest = [...applicable];
  return Array.from({ length: sampled }, () => rest.splice(Math.floor(random() * rest.length), 1)[0]);
}

/** Whether a case is in the sample. */
function isChosen({ name }: Subject, index: number): boolean {
  return full || index === 0 || seedOf(name) % spacing === 0;
}

const declared: readonly Op[] = [...new Set(ops().values())];
const checked = new Map<string, number>();

describe.each(declared.map((op): [string, Op] => [op.name, op]))('%s', (_name, op) => {
  const subjects = (op.cases?.() ?? []).map((oneCase, index) => subjectOf(op, index, oneCase));
  it('declares cases', () => {
    expect(subjects.length).toBeGreaterThan(0);
  });
  for (const subject of subjects.filter(isChosen)) {
    const applicable = laws.filter((law) => law.applies(subject));
    for (const law of chosen(applicable, subject.name)) {
      it(`${law.name}, ${subject.name.slice(op.name.length + 1)}`, () => {
        judge((judge) => law.check(subject, seedOf(`${subject.name} ${law.name}`) % 100000, judge));
        checked.set(law.name, (checked.get(law.name) ?? 0) + 1);
      });
    }
  }
});

it('checked every law on some operation', () => {
  expect(laws.filter((law) => !checked.has(law.name)).map((law) => law.name)).toEqual([]);
});
