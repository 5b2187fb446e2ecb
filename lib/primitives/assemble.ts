/** Arrays put together from regions: padding, concatenation, writing a slice. All of them are linear. */

import { rangeError, showShape, typeError } from '../errors';
import { Node, type Shape } from '../graph/node';
import { slice } from './movement';
import { definePrimitive, type Region } from './primitive';
import { forward, spread } from './regions';
import { batchedInput, dense, zerosLike } from './rules';

interface PadAttrs {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

const padNode = definePrimitive<PadAttrs>({
  name: 'pad',
  lowering: {
    kind: 'assemble',
    base: () => 'zeros',
    regions: ({ low, interior }) => [{ input: 0, start: low, step: interior.map((between) => between + 1) }],
  },
  key({ low, interior }, key) {
    key.ints(low);
    key.ints(interior);
  },
  infer([x], { low, high, interior }) {
    const rank = x.shape.length;
    if (low.length !== rank || high.length !== rank || interior.length !== rank) {
      throw rangeError('pad', `shape ${showShape(x.shape)} needs ${rank} widths a side, not ${low.length} and ${high.length}`);
    }
    if ([...low, ...high, ...interior].some((width) => !(width >= 0))) {
      throw rangeError('pad', `widths must not be negative: low ${showShape(low)}, high ${showShape(high)}`);
    }
    return { shape: x.shape.map((size, axis) => low[axis] + spread(size, interior[axis]) + high[axis]), dtype: x.dtype };
  },
  jvp: (_out, [t], { low, high, interior }) => (t === null ? null : pad(t, low, high, interior)),
  transpose(ct, out, _linear, { low, interior }) {
    const steps = interior.map((between) => between + 1);
    return [slice(ct, low, out.inputs[0].shape, steps)];
  },
  vmap: ([x], _mapped, _size, { low, high, interior }) => pad(x, [0, ...low], [0, ...high], [0, ...interior]),
});

/** Zeros around `x`, and `interior` of them between each two elements. */
export function pad(x: Node, low: readonly number[], high: readonly number[], interior?: readonly number[]): Node {
  const isZero = (width: number): boolean => width === 0;
  if (low.every(isZero) && high.every(isZero) && (interior === undefined || interior.every(isZero))) return x;
  const attrs: PadAttrs = { low, high, interior: interior ?? new Array<number>(low.length).fill(0) };
  const { shape } = padNode.infer([x], attrs) as { shape: Shape };
  return new Node(padNode, [x], attrs, shape, x.dtype);
}

interface ConcatenateAttrs {
  readonly axis: number;
}

/** Where each input of a concatenation begins. */
function offsets(xs: readonly { readonly shape: Shape }[], axis: number): number[] {
  let offset = 0;
  return xs.map((x) => {
    const start = offset;
    offset += x.shape[axis];
    return start;
  });
}

function at(rank: number, axis: number, start: number): number[] {
  const starts = new Array<number>(rank).fill(0);
  starts[axis] = start;
  return starts;
}

const concatenateNode = definePrimitive<ConcatenateAttrs>({
  name: 'concatenate',
  lowering: {
    kind: 'assemble',
    base: () => 'none',
    regions({ axis }, node): Region[] {
      const rank = node.shape.length;
      const step = new Array<number>(rank).fill(1);
      return offsets(node.inputs, axis).map((start, input) => ({ input, start: at(rank, axis, start), step }));
    },
  },
  key: ({ axis }, key) => key.int(axis),
  infer(xs, { axis }) {
    if (xs.length === 0) throw rangeError('concatenate', 'needs at least one array');
    const first = xs[0];
    for (const x of xs) {
      if (x.dtype !== first.dtype)
        throw typeError('concatenate', `operands must have one dtype, not ${first.dtype.name} and ${x.dtype.name}`);
      const fits = x.shape.length === first.shape.length && x.shape.every((size, i) => i === axis || size === first.shape[i]);
      if (!fits) throw rangeError('concatenate', `shapes ${showShape(first.shape)} and ${showShape(x.shape)} differ beyond axis ${axis}`);
    }
    const shape = first.shape.slice();
    shape[axis] = xs.reduce((total, x) => total + x.shape[axis], 0);
    return { shape, dtype: first.dtype };
  },
  jvp(out, tangents, { axis }) {
    return concatenate(
      tangents.map((t, i) => dense(t, out.inputs[i])),
      axis,
    );
  },
  transpose(ct, out, linear, { axis }) {
    const starts = offsets(out.inputs, axis);
    return out.inputs.map((x, i) => (linear[i] ? slice(ct, at(x.shape.length, axis, starts[i]), x.shape) : null));
  },
  vmap(xs, mapped, size, { axis }) {
    return concatenate(
      xs.map((x, i) => batchedInput(x, mapped[i], size)),
      axis + 1,
    );
  },
});

/** One after the other along `axis`. */
export function concatenate(xs: readonly Node[], axis: number): Node {
  if (xs.length === 1) return xs[0];
  const attrs: ConcatenateAttrs = { axis };
  const { shape } = concatenateNode.infer(xs, attrs) as { shape: Shape };
  return new Node(concatenateNode, xs, attrs, shape, xs[0].dtype);
}

interface SliceUpdateAttrs {
  readonly starts: readonly number[];
  /** Positive: the builder flips the update along axes of negative steps. */
  readonly steps: readonly number[];
}

const sliceUpdateNode = definePrimitive<SliceUpdateAttrs>({
  name: 'sliceUpdate',
  lowering: {
    kind: 'assemble',
    base: () => 0,
    regions: ({ starts, steps }) => [{ input: 1, start: starts, step: steps }],
  },
  key: ({ steps }, key) => key.ints(steps),
  args({ starts }, args) {
    for (const start of starts) args.integer(start);
  },
  infer([x, update], { starts, steps }) {
    if (x.dtype !== update.dtype) {
      throw typeError('sliceUpdate', `the update must have the array's dtype ${x.dtype.name}, not ${update.dtype.name}`);
    }
    const rank = x.shape.length;
    const fits =
      update.shape.length === rank &&
      starts.length === rank &&
      steps.length === rank &&
      x.shape.every(
        (size, axis) =>
          starts[axis] >= 0 &&
          steps[axis] > 0 &&
          (update.shape[axis] === 0 || starts[axis] + (update.shape[axis] - 1) * steps[axis] < size),
      );
    if (!fits) {
      throw rangeError(
        'sliceUpdate',
        `an update of shape ${showShape(update.shape)} from [${starts.join(', ')}] does not lie in shape ${showShape(x.shape)}`,
      );
    }
    return { shape: x.shape, dtype: x.dtype };
  },
  jvp: (out, [tx, tu], { starts, steps }) => sliceUpdate(dense(tx, out.inputs[0]), dense(tu, out.inputs[1]), starts, steps),
  transpose(ct, out, linear, { starts, steps }) {
    const update = out.inputs[1];
    return [
      linear[0] ? sliceUpdate(ct, zerosLike(update), starts, steps) : null,
      linear[1] ? slice(ct, starts, update.shape, steps) : null,
    ];
  },
  vmap(inputs, mapped, size, { starts, steps }) {
    const [x, update] = inputs.map((input, i) => batchedInput(input, mapped[i], size));
    return sliceUpdate(x, update, [0, ...starts], [1, ...steps]);
  },
});

/** `x` with `update` written from `starts` on, elements `steps` (1 if not given, may be negative) apart. */
export function sliceUpdate(x: Node, update: Node, starts: readonly number[], steps?: readonly number[]): Node {
  const region = forward(update, starts, steps ?? new Array<number>(starts.length).fill(1));
  const attrs: SliceUpdateAttrs = { starts: region.starts, steps: region.steps };
  sliceUpdateNode.infer([x, region.x], attrs);
  return new Node(sliceUpdateNode, [x, region.x], attrs, x.shape, x.dtype);
}
