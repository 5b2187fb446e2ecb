/** Convolution as it is defined, in plain numbers. */

export interface Options {
  readonly stride: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly kernelDilation: readonly number[];
  readonly inputDilation: readonly number[];
  readonly groups: number;
  readonly flip: boolean;
}

export interface Table {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Small integers, which every floating dtype multiplies and adds exactly. */
export function table(shape: readonly number[], seed = 1): Table {
  return { shape, data: Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7 + seed * 5) % 5) - 2) };
}

function indices(shape: readonly number[]): number[][] {
  let all: number[][] = [[]];
  for (const size of shape) all = all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i]));
  return all;
}

function at({ shape, data }: Table, index: readonly number[]): number {
  return data[index.reduce((flat, i, axis) => flat * shape[axis] + i, 0)];
}

/** The input with zeros between its elements and around it, or without its ends where the padding is negative. */
function padded(x: Table, { low, high, inputDilation }: Options): Table {
  const spatial = x.shape.slice(1, -1);
  const sizes = spatial.map((size, axis) => low[axis] + (size === 0 ? 0 : (size - 1) * inputDilation[axis] + 1) + high[axis]);
  const shape = [x.shape[0], ...sizes, x.shape[x.shape.length - 1]];
  const data = indices(shape).map((index) => {
    const source = index.slice(1, -1).map((i, axis) => (i - low[axis]) / inputDilation[axis]);
    const inside = source.every((i, axis) => Number.isInteger(i) && i >= 0 && i < spatial[axis]);
    return inside ? at(x, [index[0], ...source, index[index.length - 1]]) : 0;
  });
  return { shape, data };
}

export function convolution(x: Table, w: Table, options: Options): Table {
  const { stride, kernelDilation, groups, flip } = options;
  const input = padded(x, options);
  const kernel = w.shape.slice(1, -1);
  const positions = kernel.map(
    (size, axis) => Math.floor((input.shape[axis + 1] - (size - 1) * kernelDilation[axis] - 1) / stride[axis]) + 1,
  );
  const shape = [x.shape[0], ...positions, w.shape[0]];
  const channels = w.shape[w.shape.length - 1];
  const data = indices(shape).map((index) => {
    const output = index[index.length - 1];
    const first = Math.floor(output / (w.shape[0] / groups)) * channels;
    let total = 0;
    for (const k of indices(kernel)) {
      const place = k.map((i, axis) => index[axis + 1] * stride[axis] + i * kernelDilation[axis]);
      const tap = flip ? k.map((i, axis) => kernel[axis] - 1 - i) : k;
      for (let c = 0; c < channels; c++) total += at(input, [index[0], ...place, first + c]) * at(w, [output, ...tap, c]);
    }
    return total;
  });
  return { shape, data };
}

/** Σ a[i] · v[n - i] for every n. */
export function sequences(a: readonly number[], v: readonly number[]): number[] {
  return Array.from({ length: a.length + v.length - 1 }, (_, n) => a.reduce((total, x, i) => total + x * (v[n - i] ?? 0), 0));
}
