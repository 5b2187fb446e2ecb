/** Layer and RMS norms along the last axis: on devices, one function that reads each row from memory once. */

import { float64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { add, multiply, subtract } from './binary';
import { astype } from './cast';
import { project } from './control';
import { broadcastTo, reshape } from './movement';
import { definePrimitive, type Primitive, type Tangent } from './primitive';
import { sum } from './reduction';
import { addTangents, alongRows, batchedInput, countingDtype, offset, scale } from './rules';
import { rsqrt, square } from './unary';

interface NormAttrs {
  /** Whether weight and bias are among the inputs. */
  readonly weight: boolean;
  readonly bias: boolean;
  /** Is added to the mean square. */
  readonly eps: number;
}

/** The operands of a norm, or what stands for them, such as their tangents. */
interface Operands<T> {
  readonly x: T;
  readonly weight: T | null;
  readonly bias: T | null;
}

function named<T>([x, ...rest]: readonly T[], { weight, bias }: NormAttrs): Operands<T> {
  return { x, weight: weight ? rest[0] : null, bias: bias ? rest[weight ? 1 : 0] : null };
}

function checkOperands(name: string, [{ shape, dtype }, ...vectors]: readonly ShapeDtype[]): void {
  if (dtype.kind !== 'float') throw typeError(name, `needs real floats, not ${dtype.name}`);
  const length = shape[shape.length - 1];
  if (shape.length === 0 || length === 0) throw rangeError(name, `rows of shape ${showShape(shape)} have no elements`);
  for (const vector of vectors) {
    if (vector.dtype !== dtype) throw typeError(name, `${dtype.name} and ${vector.dtype.name} differ`);
    if (vector.shape.length !== 1 || vector.shape[0] !== length) {
      throw rangeError(name, `weight and bias have shape [${length}], not ${showShape(vector.shape)}`);
    }
  }
}

function mean(x: Node): Node {
  const last = x.shape.length - 1;
  return scale(sum(x, [last]), 1 / x.shape[last]);
}

/** `rows` times `weight` plus `bias`, where they are there; both broadcast to the rows. */
function affine(rows: Node, weight: Node | null, bias: Node | null): Node {
  const like = (v: Node): Node => broadcastTo(astype(v, rows.dtype), rows.shape);
  const weighted = weight === null ? rows : multiply(rows, like(weight));
  return bias === null ? weighted : add(weighted, like(bias));
}

/** One vector a lane, [lanes, n], with the rank of the lanes' rows. */
function vectorsOfLanes(v: Node, rank: number): Node {
  const [size, length] = v.shape;
  return reshape(v, [size, ...new Array<number>(rank - 2).fill(1), length]);
}

/**
 * A norm gives three arrays: y = (x - m) · r · weight + bias; the factor r = 1 / √(mean((x - m)²) + eps) of each row; and, where rows are centered,
 * their mean m. Devices leave out what nobody reads; derivatives read r and m.
 */
function defineNorm(name: string, centered: boolean): Primitive {
  const primitive: Primitive = definePrimitive<NormAttrs>({
    name,
    several: true,
    lowering: {
      kind: 'routine',
      routine: 'norm',
      ints: ({ weight, bias }) => [centered, weight, bias].map(Number),
      contiguous: true,
      optional: [1, 2],
    },
    key: ({ weight, bias }, key) => key.ints([weight, bias].map(Number)),
    args: ({ eps }, args) => args.scalar(eps, float64),
    infer(inputs) {
      checkOperands(name, inputs);
      const [{ shape, dtype }] = inputs;
      const statistic = { shape: shape.slice(0, -1), dtype: countingDtype(dtype) };
      return [{ shape, dtype }, statistic, ...(centered ? [statistic] : [])];
    },
    jvp: (node, tangents, attrs) => normTangents(node, named(tangents, attrs), attrs, centered),
    vmap([x, ...vectors], [mapped, ...ownVectors], size, attrs) {
      const rows = batchedInput(x, mapped, size);
      const outputs = (inputs: readonly Node[], of: NormAttrs): Node[] => {
        const node = new Node(primitive, inputs, of, [], rows.dtype);
        return (centered ? [0, 1, 2] : [0, 1]).map((index) => project(node, index));
      };
      const results = (nodes: readonly Node[]) => nodes.map((node) => ({ node, mapped: true }));
      if (!ownVectors.includes(true)) return results(outputs([rows, ...vectors], attrs));
      // A vector a lane: the device's function goes without, in a dtype that is rounded only once.
      const wide = astype(rows, countingDtype(rows.dtype));
      const [plain, ...statistics] = outputs([wide], { ...attrs, weight: false, bias: false });
      const spread = vectors.map((v, i) => (ownVectors[i] ? vectorsOfLanes(v, rows.shape.length) : v));
      const { weight, bias } = named([rows, ...spread], attrs);
      return results([astype(affine(plain, weight, bias), rows.dtype), ...statistics]);
    },
  });
  return primitive;
}

/** With n = (x - m) · r: ṁ = mean(ẋ), ṙ = -r² · mean(n · ẋ) and ṅ = r · (ẋ - ṁ - n · mean(n · ẋ)). */
function normTangents(node: Node, tangents: Operands<Tangent>, attrs: NormAttrs, centered: boolean): Tangent[] {
  const { x, weight } = named(node.inputs, attrs);
  const dtype = countingDtype(x.dtype);
  const rows = (v: Node): Node => alongRows(v, x.shape);
  const wide = astype(x, dtype);
  const r = project(node, 1);
  const n = multiply(centered ? subtract(wide, rows(project(node, 2))) : wide, rows(r));

  let [tangent, tm, tr]: Tangent[] = [null, null, null];
  if (tangents.x !== null) {
    const tx = astype(tangents.x, dtype);
    const along = mean(multiply(n, tx));
    tm = centered ? mean(tx) : null;
    tr = multiply(scale(square(r), -1), along);
    const moved = tm === null ? tx : subtract(tx, rows(tm));
    tangent = affine(multiply(rows(r), subtract(moved, multiply(n, rows(along)))), weight, null);
  }
  if (tangents.weight !== null) tangent = addTangents(tangent, affine(n, tangents.weight, null));
  if (tangents.bias !== null) tangent = addTangents(tangent, broadcastTo(astype(tangents.bias, dtype), x.shape));
  const result = tangent === null ? null : astype(tangent, x.dtype);
  return centered ? [result, tr, tm] : [result, tr];
}

const layerNormNode = defineNorm('layerNorm', true);
const rmsNormNode = defineNorm('rmsNorm', false);

/** Rows longer than this do not stay in a cache; then several threads share one, in the composed form. */
const longestRow = 1 << 16;

function norm(primitive: Primitive, x: Node, weight: Node | null, bias: Node | null, eps: number): Node {
  const length = x.shape[x.shape.length - 1];
  if (length === 0 || length > longestRow) return composedNorm(x, weight, bias, eps, primitive === layerNormNode);
  const inputs = [x, weight, bias].filter((v) => v !== null);
  const attrs: NormAttrs = { weight: weight !== null, bias: bias !== null, eps };
  return project(new Node(primitive, inputs, attrs, [], x.dtype), 0);
}

function composedNorm(x: Node, weight: Node | null, bias: Node | null, eps: number, centered: boolean): Node {
  if (x.shape[x.shape.length - 1] === 0) return x;
  const wide = astype(x, countingDtype(x.dtype));
  const moved = centered ? subtract(wide, alongRows(mean(wide), x.shape)) : wide;
  const factor = rsqrt(offset(mean(square(moved)), eps));
  return astype(affine(multiply(moved, alongRows(factor, x.shape)), weight, bias), x.dtype);
}

/** (x - mean) / √(variance + eps) · weight + bias for the rows of `x`, all of one real floating dtype. 16-bit floats are computed in float32. */
export function layerNorm(x: Node, weight: Node | null, bias: Node | null, eps: number): Node {
  return norm(layerNormNode, x, weight, bias, eps);
}

/** x / √(mean(x²) + eps) · weight for the rows of `x`, both of one real floating dtype. 16-bit floats are computed in float32. */
export function rmsNorm(x: Node, weight: Node | null, eps: number): Node {
  return norm(rmsNormNode, x, weight, null, eps);
}
