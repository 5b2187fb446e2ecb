/** Steps as readable text. */

import { dtypes } from '../dtype';
import { nodeDevice, type ShapeDtype } from '../graph/node';
import { gpuDevice } from '../graph/placement';
import { gatherItem, type Item, leafItem, matmulItem, type Ref, randomBitsItem, scatterItem, sortItem } from './items';
import { elementwiseOps, reduceOps } from './opcodes';
import { type Access, instructionWords, type KernelCode, type Step } from './steps';

/** `kernel [4096 | 4096] …` and the like; items are named by the position of their node in the walk. */
export function showStep(step: Step): string {
  const text = step.kernel !== null ? showKernel(step.kernel) : showSingle(step);
  // What runs on the default device is not worth a word.
  return step.device === nodeDevice() ? text : text.replace(/^(\w+)/, `$1 on the ${step.device === gpuDevice ? 'GPU' : 'CPU'}`);
}

function name(item: Item): string {
  return item.kind === leafItem ? `input${item.slot}` : `t${item.index}`;
}

function showAccess({ item, dtype, strides, offset, terms }: Access): string {
  const moved = terms === null ? `${offset}` : `${offset}+args`;
  return `${item === null ? 'index' : name(item)}:${dtypes[dtype].name}[${moved}; ${strides.join(', ')}]`;
}

function showKernel(kernel: KernelCode): string {
  const { shape, outer, reduced } = kernel;
  const axes = shape.map((size, i) => (i >= outer && i < outer + reduced ? `Σ${size}` : `${size}`)).join(', ');
  return [`kernel [${axes}]`, ...showBody(kernel)].join('\n');
}

function showBody({ loads, code, stores, reductions }: KernelCode): string[] {
  const value = (number: number): string => `v${number}`;
  const lines = loads.map((load, i) => `  ${value(i)} = load ${showAccess(load)}`);
  for (let at = 0; at < code.length; at += instructionWords) {
    const [word, a, b, c] = code.subarray(at, at + instructionWords);
    const operation = elementwiseOps[word & 0xff];
    const operands =
      operation === 'splat'
        ? [`arg${a}`]
        : operation === 'arange'
          ? [value(a), `arg${b}`, `arg${c}`]
          : [a, b, c].filter((x) => x >= 0).map(value);
    const [from, to] = [dtypes[(word >> 8) & 0xff].name, dtypes[word >> 16].name];
    lines.push(
      `  ${value(loads.length + at / instructionWords)} = ${operation} ${operands.join(' ')} : ${from === to ? to : `${from} → ${to}`}`,
    );
  }
  for (const { value: stored, access } of stores) lines.push(`  store ${value(stored)} → ${showAccess(access)}`);
  for (const { op, value: reducedValue, access } of reductions)
    lines.push(`  ${reduceOps[op]} ${value(reducedValue)} → ${showAccess(access)}`);
  return lines;
}

const singles = new Map([
  [matmulItem, 'matmul'],
  [gatherItem, 'gather'],
  [scatterItem, 'scatter'],
  [randomBitsItem, 'randomBits'],
  [sortItem, 'sort'],
]);

function showSingle({ items: [item], epilogue }: Step): string {
  const operands = item.operands.map(({ item: source, shape }: Ref) => `${name(source.home)}[${shape.join(', ')}]`);
  const outputs = item.call === null ? [item] : item.call.outputs.filter((output) => output.stored);
  if (epilogue !== null) {
    const lines = showBody(epilogue).map((line) => line.replace(`load ${name(item)}:`, 'product '));
    return [`matmul ${operands.join(' ')} → epilogue [${item.shape.join(', ')}]`, ...lines].join('\n');
  }
  const results = outputs.map((output) => `${name(output.home)}[${output.shape.join(', ')}] : ${dtypes[output.dtype].name}`);
  return `${item.call?.routine ?? singles.get(item.kind)} ${operands.join(' ')} → ${results.join(', ')}`;
}

/** An input of a schedule. */
export function showLeaf(slot: number, { shape, dtype }: ShapeDtype): string {
  return `input${slot}: ${dtype.name}[${shape.join(', ')}]`;
}
