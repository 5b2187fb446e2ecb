/**
 * The walk before every evaluation: finds the unevaluated nodes under the requested ones, and writes in the same pass
 * what identifies their plan (the key) and what changes from run to run (arguments and input handles).
 */

import { bool, type Dtype } from '../dtype';
import { codedError } from '../errors';
import type { Companions, Node } from '../graph/node';
import { nextVisit } from '../graph/walk';
import type { ArgWriter, KeyWriter, Primitive, Scalar } from '../primitives/primitive';
import { callerLine } from '../runtime/caller';
import { compiledResult } from './compiled-results';
import { expansionOf } from './expansion';
import { learn } from './recent';

/** How the walk treats a primitive; everything that becomes steps or views is `ordinary`. */
const unknown = 0;
const elementwise = 1;
const ordinary = 2;
const expand = 3;
const project = 4;
const compiled = 5;
const placeholder = 6;
const data = 7;

/** By primitive code: one of the above, plus these bits. */
const hasKey = 8;
const hasArgs = 16;
const isView = 32;
const isConstant = 64;
/** Stands for the number of a former walk where a node only shows what another one computed. */
const formerView = -1;
const treatmentMask = 7;
let treatments = new Uint8Array(256);

/** Nothing is computed for these. */
const viewKinds = new Set(['alias', 'reshape', 'transpose', 'broadcast', 'slice', 'expand', 'project']);

function treatmentOf(primitive: Primitive): number {
  if (primitive.code >= treatments.length) {
    const grown = new Uint8Array(2 * primitive.code);
    grown.set(treatments);
    treatments = grown;
  }
  const known = treatments[primitive.code];
  if (known !== unknown) return known;
  let treatment: number;
  switch (primitive.lowering.kind) {
    case 'elementwise':
      treatment = elementwise;
      break;
    case 'expand':
      treatment = expand;
      break;
    case 'project':
      treatment = project;
      break;
    case 'compiled':
    case 'control':
      treatment = compiled;
      break;
    case 'placeholder':
      treatment = placeholder;
      break;
    case 'data':
      treatment = data;
      break;
    default:
      treatment = ordinary;
  }
  if (viewKinds.has(primitive.lowering.kind)) treatment |= isView;
  if (primitive.lowering.kind === 'full' || primitive.lowering.kind === 'arange') treatment |= isConstant;
  if (primitive.key !== undefined) treatment |= hasKey;
  if (primitive.args !== undefined) treatment |= hasArgs;
  treatments[primitive.code] = treatment;
  return treatment;
}

/** Header of a leaf in the key, in place of a primitive's code. */
const leafHeader = 0x7fff00;
/** Announces a number that is no int32, or this one: its float64 bits follow. */
const escape = -0x80000000;

const floatBits = new Float64Array(1);
const floatWords = new Int32Array(floatBits.buffer);
const pairBits = new Float32Array(floatBits.buffer);
const integerBits = new BigInt64Array(floatBits.buffer);

const two32 = 2 ** 32;

/** The integer whose two words (low, high) are at `at`. */
export function readInteger(words: Int32Array, at: number): number {
  return (words[at] >>> 0) + words[at + 1] * two32;
}

/** Writes an integer as two words, low then high. */
export function writeInteger(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / two32);
}

/** Placeholders that stand for inputs, with their strides if these are not contiguous. */
export interface PlaceholderStrides {
  has(node: Node): boolean;
  get(node: Node): readonly number[] | null | undefined;
}

export class Walk implements KeyWriter, ArgWriter {
  visit = 0;
  /** By local index: the nodes in an order in which inputs come first. */
  nodes: Node[] = [];
  count = 0;
  /** By local index: the first of the node's arguments. */
  argStart = new Int32Array(1024);
  key = new Int32Array(4096);
  keyLength = 0;
  hash = 0;
  args = new Float64Array(1024);
  argWords = new Int32Array(this.args.buffer);
  argCount = 0;
  /** Leaves in the order they were met: their local indices, and their buffers' handles. */
  leaves = new Int32Array(256);
  handles = new Int32Array(256);
  leafCount = 0;
  /** Local indices of what the evaluation must produce: the requested nodes, then companions. */
  outputs: number[] = [];
  /** By local index: the number of the walk in which the node became an output. */
  private outputMark = new Int32Array(1024);
  /** By local index, for nodes that an earlier evaluation computed but did not keep: the number of its walk, and their index in it. */
  private formerVisit = new Int32Array(1024);
  private formerLocal = new Int32Array(1024);
  private anyFormer = false;
  /** One bit for each device that a node asks for. */
  private devices = 0;
  /** Local indices of nodes whose inputs are not `node.inputs`: projections and composites. */
  readonly resolved = new Map<number, readonly Node[]>();
  /** Placeholders that stand for inputs, while a compiled function is planned. */
  placeholders: PlaceholderStrides | null = null;
  /** A compiled function without results was met: it must run first. */
  metCompiled = false;

  private stack: Node[] = [];
  private stackInputs: (readonly Node[])[] = [];
  private next = new Int32Array(256);
  /** What `visit` of the nodes on the stack was. */
  private stackVisit = new Int32Array(256);
  private companions: Companions[] = [];
  private where = '';
  /** Walking companions: they are skipped where placeholders are in them. */
  private optional = false;

  /**
   * Walks what must be evaluated for `roots`. False if nothing was collected because compiled functions have to run
   * first (`metCompiled`).
   */
  collect(roots: readonly Node[], where: string): boolean {
    this.visit = nextVisit();
    this.where = where;
    this.count = 0;
    this.keyLength = 0;
    this.argCount = 0;
    this.leafCount = 0;
    this.outputs.length = 0;
    this.companions.length = 0;
    this.resolved.clear();
    this.metCompiled = false;
    this.optional = false;
    this.anyFormer = false;
    this.devices = 0;
    for (let i = 0; i < roots.length; i++) {
      if (roots[i].storage === null && roots[i].visit !== 0) learn(roots[i].visit, roots[i].local);
    }
    for (let i = 0; i < roots.length; i++) {
      const root = roots[i];
      if (root.storage !== null) continue;
      if (!this.walk(root)) {
        this.forget(0);
        return false;
      }
      this.addOutput(root);
    }
    if (this.companions.length > 0) this.collectCompanions();
    this.finish();
    return true;
  }

  /** Forgets the nodes, so that the walk does not keep them alive. */
  release(): void {
    if (this.nodes.length > 65536) {
      this.nodes = [];
      this.stack = [];
      this.stackInputs = [];
      if (this.keyLength > 1 << 20) {
        this.key = new Int32Array(4096);
        this.args = new Float64Array(1024);
        this.argWords = new Int32Array(this.args.buffer);
        this.argStart = new Int32Array(1024);
        this.outputMark = new Int32Array(1024);
        this.formerVisit = new Int32Array(1024);
        this.formerLocal = new Int32Array(1024);
      }
    } else {
      this.nodes.fill(vacant, 0, this.count);
      this.stack.fill(vacant);
      this.stackInputs.fill(noInputs);
    }
    this.companions.length = 0;
    this.resolved.clear();
    this.placeholders = null;
  }

  /** Whether nodes of several devices were met. */
  get mixed(): boolean {
    return (this.devices & (this.devices - 1)) !== 0;
  }

  /** The nodes that `node` is computed from. */
  inputsOf(node: Node): readonly Node[] {
    return this.resolved.get(node.local) ?? node.inputs;
  }

  private addOutput(node: Node): void {
    // A projection of a compiled function that ran got its value by being met.
    if (node.storage !== null || this.outputMark[node.local] === this.visit) return;
    this.outputMark[node.local] = this.visit;
    this.outputs.push(node.local);
  }

  private collectCompanions(): void {
    this.optional = true;
    // Walking a companion may meet further ones: the list grows.
    for (const { nodes } of this.companions) {
      for (const node of nodes) {
        if (node.storage !== null) continue;
        const { count, keyLength, argCount, leafCount } = this;
        const kept = this.outputs.length;
        if (this.walk(node)) {
          this.addOutput(node);
          continue;
        }
        this.forget(count);
        this.count = count;
        this.keyLength = keyLength;
        this.argCount = argCount;
        this.leafCount = leafCount;
        while (this.outputs.length > kept) this.outputMark[this.outputs.pop() as number] = 0;
      }
    }
    this.optional = false;
    this.metCompiled = false;
  }

  /** The nodes from `first` on were not visited after all. */
  private forget(first: number): void {
    for (let i = first; i < this.count; i++) this.nodes[i].visit = 0;
  }

  /** Everything under `root`, inputs first. False if it cannot be evaluated now. */
  private walk(root: Node): boolean {
    const { visit, stack, stackInputs } = this;
    if (root.visit === visit) return true;
    if (root.storage !== null) {
      this.leaf(root);
      return true;
    }
    let depth = 0;
    let pending: Node | null = root;
    for (;;) {
      if (pending !== null) {
        const node: Node = pending;
        const former = node.visit;
        pending = null;
        node.visit = visit;
        if (node.notes !== null && node.notes.companions !== null) this.noteCompanions(node.notes.companions);
        const treatment = treatmentOf(node.primitive) & treatmentMask;
        const inputs = treatment <= ordinary ? node.inputs : this.resolve(node, treatment);
        if (inputs === null) {
          node.visit = 0;
          for (let i = 0; i < depth; i++) stack[i].visit = 0;
          return false;
        }
        if (inputs === asLeaf) this.leaf(node);
        else {
          if (depth >= this.next.length) {
            this.next = grown(this.next, 2 * depth);
            this.stackVisit = grown(this.stackVisit, 2 * depth);
          }
          stack[depth] = node;
          this.stackVisit[depth] = former;
          stackInputs[depth] = inputs;
          this.next[depth++] = 0;
        }
      }
      if (depth === 0) return true;
      const top = depth - 1;
      const inputs = stackInputs[top];
      let i = this.next[top];
      while (i < inputs.length) {
        const input = inputs[i++];
        if (input.visit === visit) continue;
        if (input.storage !== null) this.leaf(input);
        else {
          pending = input;
          break;
        }
      }
      if (pending !== null) {
        this.next[top] = i;
        continue;
      }
      this.emit(stack[top], inputs, this.stackVisit[top]);
      depth = top;
    }
  }

  /** What a node that has no inputs of its own is computed from; `asLeaf` for a leaf, null if that is not possible now. */
  private resolve(node: Node, treatment: number): readonly Node[] | null {
    switch (treatment) {
      case expand:
        return [expansionOf(node)[0]];
      case project: {
        const source = node.inputs[0];
        const { index } = node.attrs as { index: number };
        if (source.primitive.lowering.kind === 'routine') return node.inputs;
        if ((treatmentOf(source.primitive) & treatmentMask) === expand || this.placeholders !== null) return [expansionOf(source)[index]];
        if (compiledResult(node, source, index)) return asLeaf;
        this.metCompiled = true;
        return null;
      }
      case placeholder:
        if (this.placeholders?.has(node)) return asLeaf;
        if (this.optional) return null;
        throw tracerError(this.where, node);
      default:
        throw codedError(this.where, 'METALGRAD_DEVICE', `internal error: ${node.primitive.name} has no value of its own`);
    }
  }

  private noteCompanions(companions: Companions): void {
    const list = this.companions;
    if (list.length > 0 && list[list.length - 1] === companions) return;
    if (!list.includes(companions)) list.push(companions);
  }

  private leaf(node: Node): void {
    const at = this.leafCount;
    if (at === this.handles.length) {
      this.handles = grown(this.handles, 2 * at);
      this.leaves = grown(this.leaves, 2 * at);
    }
    node.visit = this.visit;
    node.local = this.count;
    this.leaves[at] = this.count;
    this.leafCount = at + 1;
    this.add(node);
    let strides: readonly number[] | null = null;
    if (node.storage === null) {
      strides = (this.placeholders as PlaceholderStrides).get(node) ?? null;
      this.handles[at] = 0;
      if (strides !== null) this.integer(0);
    } else {
      if (node.storage.handle === 0) {
        throw codedError(this.where, 'METALGRAD_DISPOSED', `an array of shape [${node.shape.join(', ')}] that this needs was disposed`);
      }
      this.handles[at] = node.storage.handle;
      if (node.layout !== null) {
        strides = node.layout.strides;
        this.integer(node.layout.offset);
      }
    }
    this.push(leafHeader | node.dtype.code | (strides === null ? 0 : 0x80));
    this.ints(node.shape);
    if (strides !== null) for (let i = 0; i < strides.length; i++) this.int(strides[i]);
  }

  private add(node: Node): void {
    const at = this.count;
    if (at === this.argStart.length) {
      this.argStart = grown(this.argStart, 2 * at);
      this.outputMark = grown(this.outputMark, 2 * at);
      this.formerVisit = grown(this.formerVisit, 2 * at);
      this.formerLocal = grown(this.formerLocal, 2 * at);
    }
    this.argStart[at] = this.argCount;
    this.formerVisit[at] = 0;
    this.nodes[at] = node;
    this.count = at + 1;
  }

  private emit(node: Node, inputs: readonly Node[], former: number): void {
    const { primitive } = node;
    const treatment = treatments[primitive.code];
    const formerLocal = node.local;
    node.local = this.count;
    this.add(node);
    if (former !== 0 && (treatment & isConstant) === 0) {
      this.formerVisit[node.local] = (treatment & isView) === 0 ? former : formerView;
      this.formerLocal[node.local] = formerLocal;
      this.anyFormer = true;
    } else if (this.anyFormer) this.keepFormer(inputs);
    if (this.keyLength + 40 + inputs.length > this.key.length) this.key = grown(this.key, 2 * (this.key.length + inputs.length));
    let at = this.keyLength;
    const { key } = this;
    const { device } = node;
    this.devices |= 1 << device;
    key[at++] = (primitive.code << 8) | (device << 4) | node.dtype.code;
    if ((treatment & treatmentMask) !== elementwise) {
      const { shape } = node;
      key[at++] = (inputs.length << 8) | shape.length;
      for (let i = 0; i < shape.length; i++) {
        const size = shape[i];
        if (size < 0x7fffffff) key[at++] = size;
        else {
          this.keyLength = at;
          this.int(size);
          at = this.keyLength;
        }
      }
      if ((treatment & treatmentMask) !== ordinary) this.resolved.set(node.local, inputs);
    }
    for (let i = 0; i < inputs.length; i++) key[at++] = inputs[i].local;
    this.keyLength = at;
    if ((treatment & hasKey) !== 0 && primitive.key !== undefined) primitive.key(node.attrs, this);
    if ((treatment & hasArgs) !== 0 && primitive.args !== undefined) primitive.args(node.attrs, this, node.dtype);
  }

  /** A new node reads what an earlier evaluation computed and dropped: this one keeps it, and that one will. */
  private keepFormer(inputs: readonly Node[]): void {
    for (let i = 0; i < inputs.length; i++) {
      let input = inputs[i];
      let former = this.formerVisit[input.local];
      while (former === formerView) {
        const source = this.inputsOf(input)[0];
        if (source.primitive.several === true) break;
        input = source;
        former = this.formerVisit[input.local];
      }
      if (former === 0 || input.primitive.several === true) continue;
      if (former > 0) learn(former, this.formerLocal[input.local]);
      this.addOutput(input);
    }
  }

  private finish(): void {
    this.push(this.outputs.length);
    for (const local of this.outputs) this.push(local);
    const { key, keyLength } = this;
    let hash = keyLength;
    for (let i = 0; i < keyLength; i++) hash = Math.imul(hash ^ key[i], 0x5bd1e995) ^ (hash >>> 15);
    this.hash = hash;
  }

  private push(word: number): void {
    if (this.keyLength === this.key.length) this.key = grown(this.key, 2 * this.keyLength);
    this.key[this.keyLength++] = word;
  }

  int(value: number): void {
    if ((value | 0) === value && value !== escape) {
      this.push(value);
      return;
    }
    floatBits[0] = value;
    this.push(escape);
    this.push(floatWords[0]);
    this.push(floatWords[1]);
  }

  ints(values: readonly number[]): void {
    this.push(values.length);
    for (let i = 0; i < values.length; i++) this.int(values[i]);
  }

  scalar(value: Scalar, dtype: Dtype): void {
    if (typeof value === 'number' && (dtype.code === 11 || dtype.code === 12)) {
      if (this.argCount === this.args.length) this.growArgs();
      this.args[this.argCount++] = value;
      return;
    }
    const words = encodeScalar(value, dtype);
    if (this.argCount === this.args.length) this.growArgs();
    this.argWords[2 * this.argCount] = words[0];
    this.argWords[2 * this.argCount + 1] = words[1];
    this.argCount++;
  }

  integer(value: number): void {
    if (this.argCount === this.args.length) this.growArgs();
    writeInteger(this.argWords, 2 * this.argCount, value);
    this.argCount++;
  }

  private growArgs(): void {
    const larger = new Float64Array(2 * this.args.length);
    larger.set(this.args);
    this.args = larger;
    this.argWords = new Int32Array(larger.buffer);
  }
}

const asLeaf: readonly Node[] = Object.freeze([]);
const noInputs: readonly Node[] = Object.freeze([]);
/** Fills what a released walk no longer holds. */
const vacant = null as unknown as Node;

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}

/** The two words of an argument: a double, an int64, or two floats. The returned array is reused by the next call. */
export function encodeScalar(value: Scalar, dtype: Dtype): Int32Array {
  if (dtype.kind === 'complex') {
    const complex = typeof value === 'object' ? value : { re: Number(value), im: 0 };
    pairBits[0] = complex.re;
    pairBits[1] = complex.im;
    return floatWords;
  }
  const real = typeof value === 'object' ? value.re : value;
  if (dtype.kind === 'float') floatBits[0] = Number(real);
  else if (dtype === bool) integerBits[0] = Number(real) === 0 ? 0n : 1n;
  else if (typeof real === 'bigint') integerBits[0] = BigInt.asIntN(64, real);
  else {
    const number = Math.trunc(Number(real));
    if (Number.isSafeInteger(number)) writeInteger(floatWords, 0, number);
    else integerBits[0] = Number.isFinite(number) ? BigInt.asIntN(64, BigInt(number)) : 0n;
  }
  return floatWords;
}

function tracerError(where: string, node: Node): Error {
  const { transform, active } = node.attrs as { transform: string; active: boolean };
  const line = callerLine();
  const at = line === '' ? '' : `, at ${line}`;
  if (!active) {
    return codedError(
      where,
      'METALGRAD_TRACE_ENDED',
      `this array belongs to a call of ${transform} that has ended: it never has a value${at}`,
    );
  }
  return codedError(
    where,
    'METALGRAD_TRACER',
    `an array inside ${transform} has no value while ${transform} traces the function: it was read${at}`,
  );
}
