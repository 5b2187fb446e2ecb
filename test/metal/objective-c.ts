/** Reads declarations and message sends out of Objective-C text: as much of the grammar as our own sources use. */

export interface Declarations {
  /** By class or protocol: its supers, and the types of its selectors as "result (argument, …)". */
  readonly classes: Map<string, { supers: string[]; selectors: Map<string, string> }>;
  readonly enums: Map<string, { type: string; values: Map<string, number> }>;
  readonly functions: Map<string, string>;
}

/** The text without comments and without what strings contain. */
export function plain(text: string): string {
  return text.replace(/"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (match) => (match.startsWith('"') ? '""' : ' '));
}

/** A type in one spelling: no nullability, no type arguments of containers, no `const`, `bool` for BOOL. */
export function normalType(text: string): string {
  return text
    .replace(/\b(?:_Nullable|_Nonnull|nullable|nonnull|const)\b/g, ' ')
    .replace(/\b(NSArray|NSDictionary|NSSet)\s*<.*>/g, '$1')
    .replace(/\bBOOL\b/g, 'bool')
    .replace(/\s+/g, ' ')
    .replace(/\s*([*<>(),])\s*/g, '$1')
    .trim();
}

const signature = (result: string, parameters: readonly string[]): string =>
  normalType(result) + (parameters.length > 0 ? ` (${parameters.map(normalType).join(', ')})` : '');

/** "result (argument, …)" of the facts, in the same spelling. */
export function normalSignature(text: string): string {
  const open = text.indexOf(' (');
  if (open < 0 || text.startsWith('void (^')) return normalType(text);
  return signature(text.slice(0, open), text.slice(open + 2, -1).split(', '));
}

function addProperty(line: string, selectors: Map<string, string>): void {
  const match = /^@property\s*(?:\(([^)]*)\))?\s*(.*?)(\w+)\s*(?:API_AVAILABLE\s*\(.*\))?$/.exec(line);
  if (!match) throw new Error(`no property: ${line}`);
  const [, attributes = '', type = '', name = ''] = match;
  selectors.set(name, signature(type, []));
  if (!attributes.split(',').some((attribute) => attribute.trim() === 'readonly')) {
    selectors.set(`set${name[0]?.toUpperCase()}${name.slice(1)}:`, signature('void', [type]));
  }
}

function addMethod(line: string, selectors: Map<string, string>): void {
  const text = line.replace(/API_AVAILABLE\s*\(.*\)\s*$/, '').trim();
  const result = /^[-+]\s*\(([^)]*)\)\s*(.*)$/.exec(text);
  if (!result) throw new Error(`no method: ${line}`);
  const parameters = [...result[2]!.matchAll(/(\w+:)\s*\(([^)]*)\)\s*\w+/g)];
  const selector = parameters.length > 0 ? parameters.map((parameter) => parameter[1]).join('') : result[2]!.trim();
  selectors.set(
    selector,
    signature(
      result[1]!,
      parameters.map((parameter) => parameter[2]!),
    ),
  );
}

/** What headers declare. */
export function declarations(source: string): Declarations {
  const text = plain(source)
    .replace(/^\s*#.*$/gm, '')
    .replace(/\s+/g, ' ');
  const found: Declarations = { classes: new Map(), enums: new Map(), functions: new Map() };
  for (const [, name, supers, body] of text.matchAll(/@(?:protocol|interface) (\w+)\s*(?:[<:]([^{@;-]*?)>?)?\s*(?=[{@-])(.*?)@end/g)) {
    const selectors = new Map<string, string>();
    const members = body!.replace(/^\s*\{.*?\}/, '');
    for (const member of members.split(';').map((each) => each.trim())) {
      if (member.startsWith('@property')) addProperty(member, selectors);
      else if (/^[-+]/.test(member)) addMethod(member, selectors);
    }
    found.classes.set(name!, { supers: (supers ?? '').match(/\w+/g) ?? [], selectors });
  }
  for (const [, type, name, body] of text.matchAll(/typedef NS_(?:ENUM|OPTIONS)\((\w+), (\w+)\) \{(.*?)\}/g)) {
    const values = new Map([...body!.matchAll(/(\w+) = (\d+)/g)].map(([, key, value]) => [key!, Number(value)]));
    found.enums.set(name!, { type: type!, values });
  }
  for (const [, result, name] of text.matchAll(/extern ""\s*([^;()]*?)(\w+)\(void\)/g)) found.functions.set(name!, normalType(result!));
  return found;
}

/** Where the bracket that opens at `start` closes. */
function closing(text: string, start: number): number {
  for (let depth = 0, at = start; at < text.length; at++) {
    if ('([{'.includes(text[at]!)) depth++;
    if (')]}'.includes(text[at]!) && --depth === 0) return at;
  }
  return text.length;
}

/** The selector of `[receiver selector…]`, given what stands between the brackets; null for captures and subscripts. */
function selectorOf(content: string): string | null {
  // Everything nested is one letter.
  let flat = '';
  for (let at = 0; at < content.length; at++) {
    if ('([{'.includes(content[at]!)) {
      at = closing(content, at);
      flat += '_';
    } else flat += content[at];
  }
  flat = flat
    .replace(/::/g, '__')
    .replace(/\?[^:]*:/g, ' ')
    .trim();
  const parts = [...flat.matchAll(/(\w+)\s*:/g)].map((match) => match[1]);
  if (parts.length > 0) return `${parts.join(':')}:`;
  const unary = /^[\w.\->]+(?:<[\w ]+>)?_*\s+(\w+)$/.exec(flat);
  return unary ? unary[1]! : null;
}

/** Every selector that a source sends or names with @selector. */
export function sentSelectors(source: string): Set<string> {
  const text = plain(source).replace(/^\s*#.*$/gm, '');
  const found = new Set([...text.matchAll(/@selector\(([\w:]+)\)/g)].map((match) => match[1]!));
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) {
    // A subscript, an attribute, or the captures of a lambda.
    if (/[\w)\]]$/.test(text.slice(0, at)) && !/\breturn$/.test(text.slice(0, at))) continue;
    if (text[at + 1] === '[' && text[at - 1] === '[') continue;
    const content = text.slice(at + 1, closing(text, at));
    if (/^[&=]|^\s*$|^this\b/.test(content)) continue;
    const selector = selectorOf(content);
    if (selector !== null) found.add(selector);
  }
  return found;
}
