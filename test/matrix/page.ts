/** The page in docs/ about the matrix: every operation with its cases, and the laws that hold for it. */

import '../../lib';
import { type Op, ops } from '../../lib/ops/registry';
import { laws } from './laws';
import { subjectOf } from './subject';

/** What each law says, for readers. */
const meanings: Record<string, string> = {
  'vjp against jvp': 'reverse mode is the transpose of forward mode: ⟨w, jvp(v)⟩ = ⟨vjp(w), v⟩',
  'jvp against central differences': 'forward mode is the derivative, in float64',
  'vmap against the stack of slices': 'over axes 0 and -1, and with each operand shared (`null`)',
  'vmap∘grad': 'gradients of each example are those of the examples',
  'grad∘grad': 'second derivatives, against central differences of the first',
  'jvp∘grad': 'forward over reverse is reverse over reverse',
  'grad∘vmap': 'the gradient of a batch is the batch of gradients',
  'vmap∘jvp': 'tangents of each example are those of the examples',
  compile: 'the compiled function is the function, on the first data and on others',
  'compile, shapeless': 'the same on data of other shapes, errors included',
  'compile∘grad': 'the same for its gradient',
  'grad∘checkpoint': 'computing again gives the same gradient',
  'vmap∘vmap': 'over two axes',
  'any layout': 'transposed and reversed operands give the same',
  'half precision': 'float16 and bfloat16 keep their dtype, and come near float32',
};

/** Where an operation is found. */
function roomOf(name: string): string {
  if (name.startsWith('at.')) return '`x.at(...index)`';
  const dot = name.indexOf('.');
  if (dot >= 0) return `\`mx.${name.slice(0, dot)}\``;
  return '`mx` and arrays';
}

/** Which laws a case is checked by, in the order of the laws. */
function lawsOf(op: Op): { cases: number; checks: number; names: string[] } {
  const subjects = (op.cases?.() ?? []).map((oneCase, index) => subjectOf(op, index, oneCase));
  const found = new Set<string>();
  let checks = 0;
  for (const subject of subjects) {
    for (const law of laws) {
      if (!law.applies(subject)) continue;
      found.add(law.name);
      checks++;
    }
  }
  return { cases: subjects.length, checks, names: laws.map(({ name }) => name).filter((name) => found.has(name)) };
}

function describe(names: readonly string[]): string {
  const missing = laws.map(({ name }) => name).filter((name) => !names.includes(name));
  if (missing.length === 0) return 'all';
  return missing.length <= 3 ? `all but ${missing.join(', ')}` : names.join(', ');
}

/** The page as it must be. */
export function matrixPage(): string {
  const declared = [...new Set(ops().values())];
  const rooms = new Map<string, string[]>();
  let [cases, checks] = [0, 0];
  for (const op of declared) {
    const found = lawsOf(op);
    cases += found.cases;
    checks += found.checks;
    const names = [op.name, ...(op.aliases ?? [])].map((name) => `\`${name}\``).join(', ');
    const room = roomOf(op.name);
    rooms.set(room, [...(rooms.get(room) ?? []), `| ${names} | ${found.cases} | ${describe(found.names)} |`]);
  }
  const lines = [
    '# The matrix',
    '',
    'Every operation is declared once, with calls that exercise its options; `npm run test:matrix` takes each of them through every law below that says',
    `something about it: ${declared.length} operations, ${cases} calls, ${checks} checks. \`npm test\` takes a seeded sample of it. An operation that has no`,
    'derivative (comparisons, integers, rounding) is checked under `vmap` and `compile` alone, and one that reads values as it runs in neither.',
    '',
    'This page is written by `npm run docs`, and a test holds it to the declarations.',
    '',
    '## Laws',
    '',
    '| law | what holds |',
    '| --- | --- |',
    ...laws.map(({ name }) => `| ${name} | ${meanings[name] ?? ''} |`),
    '',
  ];
  for (const [room, rows] of rooms) lines.push(`## ${room}`, '', '| operation | calls | laws |', '| --- | ---: | --- |', ...rows, '');
  return lines.join('\n');
}

/** Laws that the page says nothing about. */
export function unexplained(): string[] {
  return laws.map(({ name }) => name).filter((name) => meanings[name] === undefined);
}
