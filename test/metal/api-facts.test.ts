/** The emulator's headers declare what Apple's declare, and the Metal runtime sends nothing that Apple's API does not have. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Declarations, declarations, normalSignature, sentSelectors } from './objective-c';

const root = join(__dirname, '..', '..');
const headers = join(root, 'test', 'metal-emulator', 'include', 'Metal');
const runtime = join(root, 'native', 'metal');

interface Facts {
  classes: Record<string, Record<string, string>>;
  enums: Record<string, { type: string; values: Record<string, number> }>;
  functions: Record<string, string>;
  foundation: string[];
}
const facts = JSON.parse(readFileSync(join(root, 'test', 'metal-emulator', 'api-facts.json'), 'utf8')) as Facts;
const declared: Declarations = declarations(
  readdirSync(headers)
    .map((file) => readFileSync(join(headers, file), 'utf8'))
    .join('\n'),
);

/** What Apple declares for a class: by itself, or by a protocol that it has. */
function fact(name: string, selector: string): string | undefined {
  const own = facts.classes[name]?.[selector];
  if (own !== undefined) return normalSignature(own);
  for (const parent of declared.classes.get(name)?.supers ?? []) {
    const inherited = fact(parent, selector);
    if (inherited !== undefined) return inherited;
  }
  return undefined;
}

describe("the emulator's Metal headers", () => {
  test('declare something', () => {
    expect(declared.classes.size).toBeGreaterThan(20);
    expect(declared.enums.size).toBeGreaterThan(15);
    expect(declared.classes.get('MTLDevice')?.selectors.get('newBufferWithLength:options:')).toBe(
      'id<MTLBuffer> (NSUInteger, MTLResourceOptions)',
    );
    expect(declared.classes.get('MTLCompileOptions')?.selectors.has('setFastMathEnabled:')).toBe(true);
  });

  const selectors = [...declared.classes].flatMap(([name, { selectors: all }]) =>
    [...all].map(([selector, types]) => ({ name, selector, types })),
  );
  test.each(selectors)("$name $selector is Apple's", ({ name, selector, types }) => {
    expect(types).toBe(fact(name, selector));
  });

  const values = [...declared.enums].flatMap(([name, { type, values: all }]) =>
    [...all].map(([constant, value]) => ({ name, type, constant, value })),
  );
  test.each(values)('$constant is $value', ({ name, type, constant, value }) => {
    expect(facts.enums[name]?.type).toBe(type);
    expect(facts.enums[name]?.values[constant]).toBe(value);
  });

  test("functions are Apple's", () => {
    expect(Object.fromEntries(declared.functions)).toEqual(facts.functions);
  });
});

describe('the Metal runtime', () => {
  const files = readdirSync(runtime).filter((file) => /\.(mm|h)$/.test(file));
  const known = new Set([...facts.foundation, ...[...declared.classes.values()].flatMap((each) => [...each.selectors.keys()])]);

  test('sends messages', () => {
    const sent = sentSelectors(readFileSync(join(runtime, 'commands.mm'), 'utf8'));
    expect(sent).toContain('setBuffer:offset:atIndex:');
    expect(sent).toContain('endEncoding');
  });

  test.each(files)('%s sends only what is declared', (file) => {
    const sent = sentSelectors(readFileSync(join(runtime, file), 'utf8'));
    expect([...sent].filter((selector) => !known.has(selector))).toEqual([]);
  });
});

test('selectors are read out of text', () => {
  const text = `[a b]; x[i]; [[a b:c] d:[e f] g:h ? i : j]; [&](int k) { [l m]; }; [n<o>() p]; return [q r]; // [no comment]
    [[s t].u v:@"[w x]"]; [[nodiscard]] int y; @selector(z:y:); [C::D() e:F::G]; [this, a] {};`;
  expect([...sentSelectors(text)].sort()).toEqual(['b', 'b:', 'd:g:', 'e:', 'f', 'm', 'p', 'r', 't', 'v:', 'z:y:'].sort());
});
