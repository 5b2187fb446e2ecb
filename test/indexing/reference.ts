/** NumPy's indexing in plain JavaScript: which element of the source each element of the result is. */

/** Elements in row-major order. */
export interface Table {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** One part of an index, as the tests draw it. */
export type Piece =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'slice'; readonly start: number | null; readonly stop: number | null; readonly step: number | null }
  | { readonly kind: 'new' }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'switch'; readonly on: boolean }
  | { readonly kind: 'positions'; readonly table: Table }
  | { readonly kind: 'mask'; readonly table: Table };

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Every index of a shape, in row-major order. */
export function indicesOf(shape: readonly number[]): number[][] {
  let all: number[][] = [[]];
  for (const size of shape) all = all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i]));
  return all;
}

export function flatPosition(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, i, axis) => flat * shape[axis] + i, 0);
}

/** Python's range(length)[start:stop:step]. */
export function pythonSlice(length: number, start: number | null, stop: number | null, step: number | null): number[] {
  const by = step ?? 1;
  const chosen: number[] = [];
  const wrap = (i: number): number => (i < 0 ? i + length : i);
  if (by > 0) {
    const from = start === null ? 0 : Math.max(0, wrap(start));
    const to = stop === null ? length : Math.min(length, wrap(stop));
    for (let i = from; i < to; i += by) chosen.push(i);
  } else {
    const from = start === null ? length - 1 : Math.min(length - 1, wrap(start));
    const to = stop === null ? -1 : Math.max(-1, wrap(stop));
    for (let i = from; i > to; i += by) chosen.push(i);
  }
  return chosen;
}

/** Shapes broadcast together, aligned at their last axes. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1);
    if (new Set(sizes).size > 1) throw new RangeError('no broadcast');
    return sizes[0] ?? 1;
  });
}

/** The element of a table at an index that may have more axes and repeats along axes of size 1. */
export function broadcastAt({ shape, data }: Table, index: readonly number[]): number {
  const own = shape.map((size, axis) => (size === 1 ? 0 : index[index.length - shape.length + axis]));
  return data[flatPosition(own, shape)];
}

/** The result's shape, and the flat position in the source of each of its elements. */
export function positionsAt(shape: readonly number[], pieces: readonly Piece[]): Table {
  const taken = pieces.reduce((n, piece) => {
    if (piece.kind === 'mask') return n + piece.table.shape.length;
    return n + (piece.kind === 'number' || piece.kind === 'slice' || piece.kind === 'positions' ? 1 : 0);
  }, 0);
  if (taken > shape.length) throw new RangeError('too many indices');
  const withEllipsis: Piece[] = pieces.some(({ kind }) => kind === 'ellipsis') ? [...pieces] : [...pieces, { kind: 'ellipsis' }];

  // Each part as: a list of result axes with their source positions, or an index table over one axis (or none).
  const plain: { place: number; axis: number | null; choices: number[] }[] = [];
  const tables: { place: number; axis: number | null; table: Table }[] = [];
  const arrayLike = pieces.some(({ kind }) => kind === 'positions' || kind === 'mask' || kind === 'switch');
  let axis = 0;
  let place = 0;
  for (const piece of withEllipsis) {
    place++;
    switch (piece.kind) {
      case 'new':
        plain.push({ place, axis: null, choices: [0] });
        break;
      case 'ellipsis':
        for (let i = taken; i < shape.length; i++, axis++) plain.push({ place: place++, axis, choices: [...Array(shape[axis]).keys()] });
        break;
      case 'slice':
        plain.push({ place, axis, choices: pythonSlice(shape[axis], piece.start, piece.stop, piece.step) });
        axis++;
        break;
      case 'number':
        tables.push({ place, axis, table: { shape: [], data: [piece.value] } });
        axis++;
        break;
      case 'switch':
        tables.push({ place, axis: null, table: { shape: [piece.on ? 1 : 0], data: piece.on ? [0] : [] } });
        break;
      case 'positions':
        tables.push({ place, axis, table: piece.table });
        axis++;
        break;
      case 'mask': {
        const hits = indicesOf(piece.table.shape).filter((_, i) => piece.table.data[i] !== 0);
        if (piece.table.shape.length === 0) tables.push({ place, axis: null, table: { shape: [hits.length], data: hits.map(() => 0) } });
        piece.table.shape.forEach((_, k) => {
          tables.push({ place, axis: axis + k, table: { shape: [hits.length], data: hits.map((hit) => hit[k]) } });
        });
        axis += piece.table.shape.length;
        break;
      }
    }
  }
  const common = broadcast(tables.map(({ table }) => table.shape));
  const places = tables.map((table) => table.place);
  const together = new Set(places).size === 0 || Math.max(...places) - Math.min(...places) === new Set(places).size - 1;
  const front = arrayLike && together ? plain.filter((part) => part.place < Math.min(...places)).length : 0;

  const plainShape = plain.map(({ choices }) => choices.length);
  const result = [...plainShape.slice(0, front), ...common, ...plainShape.slice(front)];
  const data = indicesOf(result).map((index) => {
    const source = new Array<number>(shape.length).fill(0);
    const arrayIndex = index.slice(front, front + common.length);
    const plainIndex = [...index.slice(0, front), ...index.slice(front + common.length)];
    plain.forEach((part, i) => {
      if (part.axis !== null) source[part.axis] = part.choices[plainIndex[i]];
    });
    for (const { axis: own, table } of tables) {
      if (own === null) continue;
      const position = broadcastAt(table, arrayIndex);
      source[own] = position < 0 ? position + shape[own] : position;
    }
    return flatPosition(source, shape);
  });
  return { shape: result, data };
}

/** The result of a function, or null where shapes do not broadcast. */
export function attempt<T>(f: () => T): T | null {
  try {
    return f();
  } catch (error) {
    if (error instanceof RangeError && error.message === 'no broadcast') return null;
    throw error;
  }
}
