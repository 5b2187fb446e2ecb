/** Reading and writing slices at positions given by integer arrays. */

import { type Dtype, uint32, uint64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type Shape, type ShapeDtype } from '../graph/node';
import type { ScatterMode } from '../schedule/opcodes';
import { scatterModes } from '../schedule/opcodes';
import { sameShape, sizeOf } from '../shape';
import { multiply } from './binary';
import { astype } from './cast';
import { equal } from './compare';
import { arange, zeros } from './generators';
import { moveaxis, reshape } from './movement';
import { definePrimitive, type Tangent } from './primitive';
import { addTangents, batchedInput, countingDtype, dense, internalError, share, shifted, zerosLike } from './rules';
import { segmentedProductTangent } from './segments';
import { where } from './select';
import { conjugate } from './unary';

interface GatherAttrs {
  /** The source axis that each index array counts along. */
  readonly axes: readonly number[];
  readonly sliceSizes: readonly number[];
}

function checkIndices(name: string, source: ShapeDtype, indices: readonly ShapeDtype[], axes: readonly number[]): void {
  if (indices.length !== axes.length) throw rangeError(name, `${indices.length} index arrays for ${axes.length} axes`);
  for (let i = 0; i < axes.length; i++) {
    if (!(axes[i] >= 0 && axes[i] < source.shape.length) || axes.indexOf(axes[i]) !== i) {
      throw rangeError(name, `axes [${axes.join(', ')}] are no distinct axes of shape ${showShape(source.shape)}`);
    }
    const dtype = indices[i].dtype;
    if (dtype.kind !== 'unsigned' && dtype.kind !== 'signed') throw typeError(name, `indices must be integers, not ${dtype.name}`);
    if (!sameShape(indices[i].shape, indices[0].shape)) {
      throw rangeError(name, `index arrays must have one shape, not ${showShape(indices[0].shape)} and ${showShape(indices[i].shape)}`);
    }
  }
}

/** Slices must lie in the source wherever they are clamped to; where there are none, anything goes. */
function checkSlices(name: string, source: ShapeDtype, indexShape: Shape, sliceSizes: readonly number[]): void {
  const fits = sliceSizes.length === source.shape.length && sliceSizes.every((size, axis) => size >= 0 && size <= source.shape[axis]);
  if (!fits && (sliceSizes.length !== source.shape.length || sizeOf(indexShape) * sizeOf(sliceSizes) > 0)) {
    throw rangeError(name, `slices of shape ${showShape(sliceSizes)} do not lie in shape ${showShape(source.shape)}`);
  }
}

const gatherNode = definePrimitive<GatherAttrs>({
  name: 'gather',
  lowering: { kind: 'gather', axes: ({ axes }) => axes, sliceSizes: ({ sliceSizes }) => sliceSizes },
  key({ axes, sliceSizes }, key) {
    key.ints(axes);
    key.ints(sliceSizes);
  },
  infer([source, ...indices], { axes, sliceSizes }) {
    checkIndices('gather', source, indices, axes);
    const indexShape = indices.length === 0 ? [] : indices[0].shape;
    checkSlices('gather', source, indexShape, sliceSizes);
    return { shape: [...indexShape, ...sliceSizes], dtype: source.dtype };
  },
  jvp: (out, [t], { axes, sliceSizes }) => (t === null ? null : gather(t, out.inputs.slice(1), axes, sliceSizes)),
  transpose(ct, out, _linear, { axes }) {
    const [source, ...indices] = out.inputs;
    return [scatter(zerosLike(source), ct, indices, axes, 'add'), ...indices.map(() => null)];
  },
  vmap([source, ...indices], [sourceMapped, ...indicesMapped], size, { axes, sliceSizes }) {
    if (!indicesMapped.includes(true)) {
      const indexRank = indices.length === 0 ? 0 : indices[0].shape.length;
      return moveaxis(gather(source, indices, shifted(axes), [size, ...sliceSizes]), indexRank, 0);
    }
    const positions = indices.map((index, i) => batchedInput(index, indicesMapped[i], size));
    if (!sourceMapped) return gather(source, positions, axes, sliceSizes);
    const indexShape = positions[0].shape;
    const lanes = arange(0, 1, indexShape, 0, uint32);
    const taken = gather(source, [lanes, ...positions], [0, ...shifted(axes)], [1, ...sliceSizes]);
    return reshape(taken, [...indexShape, ...sliceSizes]);
  },
});

/**
 * Slices of `source` of shape `sliceSizes` (its full rank), at positions that index arrays of one shape give along `axes` and that
 * are 0 along the others: shape [index shape…, slice sizes…]. Positions are clamped so that every slice lies inside.
 */
export function gather(source: Node, indices: readonly Node[], axes: readonly number[], sliceSizes: readonly number[]): Node {
  const attrs: GatherAttrs = { axes, sliceSizes };
  const inputs = [source, ...indices];
  const { shape } = gatherNode.infer(inputs, attrs) as ShapeDtype;
  return new Node(gatherNode, inputs, attrs, shape, source.dtype);
}

interface ScatterAttrs {
  readonly axes: readonly number[];
  readonly mode: ScatterMode;
}

const scatterNode = definePrimitive<ScatterAttrs>({
  name: 'scatter',
  lowering: { kind: 'scatter', mode: ({ mode }) => mode, axes: ({ axes }) => axes },
  key({ axes, mode }, key) {
    key.ints(axes);
    key.int(scatterModes.indexOf(mode));
  },
  infer([source, updates, ...indices], { axes }) {
    if (source.dtype !== updates.dtype) {
      throw typeError('scatter', `updates must have the array's dtype ${source.dtype.name}, not ${updates.dtype.name}`);
    }
    checkIndices('scatter', source, indices, axes);
    const indexShape = indices.length === 0 ? [] : indices[0].shape;
    if (!sameShape(updates.shape.slice(0, indexShape.length), indexShape)) {
      throw rangeError(
        'scatter',
        `updates of shape ${showShape(updates.shape)} must begin with the indices' shape ${showShape(indexShape)}`,
      );
    }
    checkSlices('scatter', source, indexShape, updates.shape.slice(indexShape.length));
    return { shape: source.shape, dtype: source.dtype };
  },
  jvp(out, [ts, tu], { axes, mode }) {
    const [source, updates, ...indices] = out.inputs;
    switch (mode) {
      case 'set':
      case 'add':
        if (mode === 'add' && tu === null) return ts;
        return scatter(dense(ts, source), dense(tu, updates), indices, axes, mode);
      case 'multiply':
        return multiplyTangent(out, ts, tu, axes);
      case 'maximum':
      case 'minimum':
        return extremumTangent(out, ts, tu, axes);
      default:
        return mode satisfies never;
    }
  },
  transpose(ct, out, linear, { axes, mode }) {
    const [source, updates, ...indices] = out.inputs;
    const sliceSizes = sliceSizesOf(source, updates);
    const none = indices.map(() => null);
    switch (mode) {
      case 'add':
        return [linear[0] ? ct : null, linear[1] ? gather(ct, indices, axes, sliceSizes) : null, ...none];
      case 'set': {
        const kept = linear[0] ? scatter(ct, zerosLike(updates), indices, axes, 'set') : null;
        if (!linear[1]) return [kept, null, ...none];
        const written = gather(ct, indices, axes, sliceSizes);
        return [kept, where(lastWriters(source, updates, indices, axes), written, zerosLike(written)), ...none];
      }
      case 'multiply':
        if (linear[1]) throw internalError('scatter', 'is not linear in the factors');
        return [scatter(ct, conjugate(updates), indices, axes, 'multiply'), null, ...none];
      case 'maximum':
      case 'minimum':
        throw internalError('scatter', `${mode} is not linear`);
      default:
        return mode satisfies never;
    }
  },
  vmap([source, updates, ...indices], [sourceMapped, updatesMapped, ...indicesMapped], size, { axes, mode }) {
    const target = batchedInput(source, sourceMapped, size);
    const values = batchedInput(updates, updatesMapped, size);
    const indexRank = updates.shape.length - source.shape.length + (sourceMapped ? 1 : 0) - (updatesMapped ? 1 : 0);
    if (!indicesMapped.includes(true)) return scatter(target, moveaxis(values, 0, indexRank), indices, shifted(axes), mode);
    const positions = indices.map((index, i) => batchedInput(index, indicesMapped[i], size));
    const indexShape = positions[0].shape;
    const lanes = arange(0, 1, indexShape, 0, uint32);
    const slices = reshape(values, [...indexShape, 1, ...values.shape.slice(indexShape.length)]);
    return scatter(target, slices, [lanes, ...positions], [0, ...shifted(axes)], mode);
  },
});

/**
 * `source` with `updates` (shape [index shape…, slice sizes…]) combined into the slices that `gather` would read. Repeated indices take
 * effect in row-major order, so that the last one wins where `mode` is 'set'.
 */
export function scatter(source: Node, updates: Node, indices: readonly Node[], axes: readonly number[], mode: ScatterMode): Node {
  const attrs: ScatterAttrs = { axes, mode };
  const inputs = [source, updates, ...indices];
  scatterNode.infer(inputs, attrs);
  return new Node(scatterNode, inputs, attrs, source.shape, source.dtype);
}

function sliceSizesOf(source: Node, updates: Node): Shape {
  return updates.shape.slice(updates.shape.length - source.shape.length);
}

/** The row-major position of each element. */
function iota(shape: Shape): Node {
  const size = sizeOf(shape);
  const dtype: Dtype = size > 0xffffffff ? uint64 : uint32;
  return reshape(arange(0, 1, [size], 0, dtype), shape);
}

/** Where an element of the updates is the last one written to its place. */
function lastWriters(source: Node, updates: Node, indices: readonly Node[], axes: readonly number[]): Node {
  const writer = iota(updates.shape);
  const nobody = zeros(source.shape, writer.dtype);
  const last = scatter(nobody, writer, indices, axes, 'set');
  return equal(gather(last, indices, axes, sliceSizesOf(source, updates)), writer);
}

/**
 * source · Π updates: the tangent of the source meets the updates; that of the updates meets the source and, by a segmented
 * product over the updates of one place, all other updates there. No division, so zeros are exact at any order.
 */
function multiplyTangent(out: Node, ts: Tangent, tu: Tangent, axes: readonly number[]): Tangent {
  const [source, updates, ...indices] = out.inputs;
  const fromSource = ts === null ? null : scatter(ts, updates, indices, axes, 'multiply');
  if (tu === null) return fromSource;
  const places = gather(iota(source.shape), indices, axes, sliceSizesOf(source, updates));
  const products = segmentedProductTangent(updates, tu, places, sizeOf(source.shape));
  return addTangents(fromSource, multiply(source, reshape(products, source.shape)));
}

/** Source and updates that attain the extremum of their place share its tangent evenly. */
function extremumTangent(out: Node, ts: Tangent, tu: Tangent, axes: readonly number[]): Tangent {
  const [source, updates, ...indices] = out.inputs;
  const sourceAttains = equal(source, out);
  const updateAttains = equal(updates, gather(out, indices, axes, sliceSizesOf(source, updates)));
  const counting = countingDtype(out.dtype);
  const count = scatter(astype(sourceAttains, counting), astype(updateAttains, counting), indices, axes, 'add');
  const fromSource = ts === null ? zerosLike(source) : where(sourceAttains, ts, zerosLike(ts));
  const total = tu === null ? fromSource : scatter(fromSource, where(updateAttains, tu, zerosLike(tu)), indices, axes, 'add');
  return share(total, count);
}
