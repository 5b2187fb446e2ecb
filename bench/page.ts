/** The page of the benchmarks, as text, from what a run measured. */

import { aims, digits, type Report, type Result } from './harness';
import { reasons } from './reasons';

/** The group that a line belongs to: its name up to the colon. */
export const groupOf = ({ name }: Result): string => name.slice(0, name.indexOf(':')).replaceAll(' ', '-');

/** The groups of a report, in the order of its lines. */
export const groupsOf = ({ results }: Report): string[] => [...new Set(results.map(groupOf))];

/** Peers that are present in a result, with the name of the work that is our own in brackets. */
function others(result: Result): string[] {
  const peers = Object.entries(result.peers).flatMap(([name, peer]) =>
    'missing' in peer ? [] : [`${name} ${digits(peer.time)} (${peer.ratio.toFixed(2)} ×)`],
  );
  const beside = Object.entries(result.beside).map(([name, { time }]) => `${name} ${digits(time)}`);
  return [...peers, ...beside];
}

function row(result: Result): string {
  const aim = aims(result).map(({ text, met }) => `${met ? '✓' : '✗'} ${text}`);
  const name = result.name.slice(result.name.indexOf(':') + 2);
  return `| ${name} | ${digits(result.ours)} ${result.unit} | ${others(result).join('<br>') || '–'} | ${aim.join('<br>') || '–'} |`;
}

function missed(results: readonly Result[]): string[] {
  return results
    .filter((result) => aims(result).some(({ met }) => !met))
    .map(({ name }) => `- **${name}**: ${reasons[name] ?? 'no reason is known yet.'}`);
}

/** The whole page. */
export function page(report: Report): string {
  const { versions, results } = report;
  const text = [
    '# Benchmarks',
    '',
    'Medians of 11 turns: ours and the others run in turns, each with 30 ms of pause, 50 ms of warm-up and 50 ms that count, in one run of',
    '`npm run bench`; another one begins each time. Ratios say more than times on a machine that others share; a ratio is the other’s time over',
    'ours. `npm run bench:page` writes this page from the last run.',
    '',
    '| | |',
    '| --- | --- |',
    ...Object.entries(versions).map(([name, version]) => `| ${name} | ${version} |`),
    '',
  ];
  for (const group of groupsOf(report)) {
    const lines = results.filter((result) => groupOf(result) === group);
    text.push(`## ${group}`, '', `![Times of ${group}](benchmarks/${group}.svg)`, '');
    text.push('| line | ours | others | aims |', '| --- | --- | --- | --- |', ...lines.map(row), '');
    const reasonsHere = missed(lines);
    if (reasonsHere.length > 0) text.push('Aims that were missed, and what a profile shows:', '', ...reasonsHere, '');
  }
  return text.join('\n');
}
