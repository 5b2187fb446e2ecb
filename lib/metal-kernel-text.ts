/** The Metal text around a source that a user wrote: its function's signature, and what the source may name. */

import type { Dtype, DtypeName } from './dtype';

export type TemplateValue = Dtype | number | boolean;

export interface KernelSource {
  readonly name: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly source: string;
  readonly header: string;
  readonly contiguous: boolean;
  readonly atomicOutputs: boolean;
}

/** What a call adds that the text depends on. */
export interface KernelSignature {
  readonly inputs: readonly { readonly dtype: Dtype; readonly rank: number }[];
  readonly outputs: readonly Dtype[];
  readonly template: readonly (readonly [string, TemplateValue])[];
}

const elementTypes: Readonly<Record<DtypeName, string>> = {
  bool: 'bool',
  uint8: 'uint8_t',
  uint16: 'uint16_t',
  uint32: 'uint32_t',
  uint64: 'uint64_t',
  int8: 'int8_t',
  int16: 'int16_t',
  int32: 'int32_t',
  int64: 'int64_t',
  float16: 'half',
  bfloat16: 'bfloat',
  float32: 'float',
  float64: 'double',
  complex64: 'float2',
};

/** What a source may ask about its place, beside the size of the grid. */
const attributes: Readonly<Record<string, string>> = {
  dispatch_threads_per_threadgroup: 'uint3',
  simdgroup_index_in_threadgroup: 'uint',
  simdgroups_per_threadgroup: 'uint',
  thread_execution_width: 'uint',
  thread_index_in_simdgroup: 'uint',
  thread_index_in_threadgroup: 'uint',
  thread_position_in_threadgroup: 'uint3',
  threadgroup_position_in_grid: 'uint3',
  threadgroups_per_grid: 'uint3',
  threads_per_simdgroup: 'uint',
  threads_per_threadgroup: 'uint3',
};

function names(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}

function templateParameter([name, value]: readonly [string, TemplateValue]): string {
  return `${typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? 'int' : 'typename'} ${name}`;
}

function templateArgument([, value]: readonly [string, TemplateValue]): string {
  return typeof value === 'object' ? elementTypes[value.name] : String(value);
}

/** The name of the kernel's function. */
export function functionName({ name }: KernelSource): string {
  return `custom_kernel_${name}`;
}

/** Whole threadgroups run: true where the threads beyond the grid, which return at once, would be missed. */
export function needsWholeThreadgroups({ source, header }: KernelSource): boolean {
  return /barrier/.test(source + header);
}

function parameters({ inputNames, outputNames, source, atomicOutputs }: KernelSource, { inputs, outputs }: KernelSignature): string[] {
  const lines = inputNames.map((name, i) => {
    const type = elementTypes[inputs[i].dtype.name];
    return `device const ${type}* metalgrad_${name} [[buffer(${i})]]`;
  });
  outputNames.forEach((name, i) => {
    const type = atomicOutputs ? (outputs[i].kind === 'signed' ? 'atomic_int' : 'atomic_uint') : elementTypes[outputs[i].name];
    lines.push(`device ${type}* ${name} [[buffer(${inputs.length + i})]]`);
  });
  lines.push(`constant metalgrad_launch& metalgrad_call [[buffer(${inputs.length + outputs.length})]]`);
  for (const [name, type] of [
    ['thread_position_in_grid', 'uint3'],
    ...Object.entries(attributes).filter(([name]) => names(source, name)),
  ]) {
    lines.push(`${type} ${name} [[${name}]]`);
  }
  return lines;
}

/** What the source reads that is no parameter. */
function variables({ inputNames, source }: KernelSource, { inputs }: KernelSignature): string[] {
  const lines: string[] = [];
  for (const name of ['threads_per_grid', 'grid_size']) {
    if (names(source, name))
      lines.push(`const uint3 ${name} = uint3(metalgrad_call.grid[0], metalgrad_call.grid[1], metalgrad_call.grid[2]);`);
  }
  if (names(source, 'grid_origin')) lines.push('const uint3 grid_origin = uint3(0, 0, 0);');
  let first = 0;
  inputNames.forEach((name, i) => {
    const { dtype, rank } = inputs[i];
    const type = `device const ${elementTypes[dtype.name]}`;
    const data = `metalgrad_${name} + metalgrad_call.origins[${i}]`;
    lines.push(rank === 0 ? `${type}& ${name} = *(${data});` : `${type}* ${name} = ${data};`);
    if (names(source, `${name}_shape`)) lines.push(`constant const int* ${name}_shape = metalgrad_call.shapes + ${first};`);
    if (names(source, `${name}_strides`)) lines.push(`constant const int64_t* ${name}_strides = metalgrad_call.strides + ${first};`);
    if (names(source, `${name}_ndim`)) lines.push(`const int ${name}_ndim = ${rank};`);
    first += rank;
  });
  return lines;
}

/** The whole text. The compiler's messages name lines of the source by the kernel's name. */
export function kernelText(kernel: KernelSource, signature: KernelSignature): string {
  const { name, source, header } = kernel;
  const { inputs, template } = signature;
  const axes = inputs.reduce((sum, { rank }) => sum + rank, 0);
  const own = functionName(kernel);
  const fields = [
    ...(inputs.length > 0 ? [`int64_t origins[${inputs.length}];`] : []),
    ...(axes > 0 ? [`int64_t strides[${axes}];`] : []),
    'uint grid[3];',
    ...(axes > 0 ? [`int shapes[${axes}];`] : []),
    ...(axes % 2 === 0 ? ['int padding;'] : []),
  ];
  const instance = `${own}<${template.map(templateArgument).join(', ')}>`;
  return [
    '#include "custom.h"',
    `#line 1 "${name} (header)"`,
    header,
    `#line 1 "${name} (signature)"`,
    `struct metalgrad_launch { ${fields.join(' ')} };`,
    ...(template.length > 0 ? [`template <${template.map(templateParameter).join(', ')}>`] : []),
    `[[kernel]] void ${own}(`,
    `    ${parameters(kernel, signature).join(',\n    ')}) {`,
    '  if (thread_position_in_grid.x >= metalgrad_call.grid[0] || thread_position_in_grid.y >= metalgrad_call.grid[1] ||',
    '      thread_position_in_grid.z >= metalgrad_call.grid[2]) {',
    '    return;',
    '  }',
    ...variables(kernel, signature).map((line) => `  ${line}`),
    `#line 1 "${name}"`,
    source,
    `#line 1 "${name} (end)"`,
    '}',
    ...(template.length > 0 ? [`template [[host_name("${own}")]] [[kernel]] decltype(${instance}) ${instance};`] : []),
    '',
  ].join('\n');
}
