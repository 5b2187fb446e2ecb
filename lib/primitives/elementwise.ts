/** Makes elementwise primitives of one and two operands from their domain and their rules. */

import { bool, type Dtype } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import type { ElementwiseOp } from '../schedule/opcodes';
import { sameShape } from '../shape';
import { checkDomain, type Domain } from './domain';
import { definePrimitive, type Tangent } from './primitive';
// Last, and used only inside functions: it leads back here through the families, which call this file while they load.
import { addTangents, elementwiseVmap, internalError } from './rules';

/** The tangent of y = f(x) from the tangent t of x. */
export type UnaryTangent = (t: Node, x: Node, y: Node) => Tangent;

export interface UnaryRules {
  /** Absent where f is locally constant. */
  readonly jvp?: UnaryTangent;
  /** Of a linear f: the cotangent of x from that of f(x). */
  readonly transpose?: (ct: Node, x: ShapeDtype) => Node;
  /** The dtype of f(x); that of x if absent. */
  readonly result?: (dtype: Dtype) => Dtype;
}

/** Declares y = f(x) and returns the function that builds it. */
export function unary(name: ElementwiseOp, domain: Domain, rules: UnaryRules = {}): (x: Node) => Node {
  const { jvp, transpose, result } = rules;
  const primitive = definePrimitive<null>({
    name,
    lowering: { kind: 'elementwise', op: name },
    infer([x]) {
      checkDomain(name, domain, x.dtype);
      return { shape: x.shape, dtype: result === undefined ? x.dtype : result(x.dtype) };
    },
    jvp: (out, [t]) => (t === null || jvp === undefined ? null : jvp(t, out.inputs[0], out)),
    ...(transpose && { transpose: (ct: Node, out: Node) => [transpose(ct, out.inputs[0])] }),
    vmap: (inputs, mapped, size, attrs, out) => elementwiseVmap(inputs, mapped, size, attrs, out),
  });
  const { low, high } = domain;
  return (x) => {
    const dtype = x.dtype;
    if (dtype.code < low || dtype.code > high) checkDomain(name, domain, dtype);
    return new Node(primitive, [x], null, x.shape, result === undefined ? dtype : result(dtype));
  };
}

/** The tangent of y = f(a, b) that comes from the tangent t of one of them. */
export type PartialTangent = (t: Node, a: Node, b: Node, y: Node) => Tangent;

export interface BinaryRules {
  /** What the tangents of a and of b contribute. Absent where f is locally constant. */
  readonly jvp?: readonly [PartialTangent, PartialTangent];
  /** Where f is linear in an operand, given the other: its cotangent from that of f. */
  readonly transpose?: readonly [((ct: Node, b: Node) => Node) | null, ((ct: Node, a: Node) => Node) | null];
  /** f is linear in both operands taken together, and not only in each. */
  readonly jointly?: boolean;
  /** The instruction, where it is not called as the function. */
  readonly op?: ElementwiseOp;
}

/** Throws the error that the operands of a strict binary primitive deserve. */
function checkOperands(name: string, domain: Domain, a: ShapeDtype, b: ShapeDtype): void {
  if (a.dtype !== b.dtype) throw typeError(name, `operands must have one dtype, not ${a.dtype.name} and ${b.dtype.name}`);
  checkDomain(name, domain, a.dtype);
  if (!sameShape(a.shape, b.shape)) {
    throw rangeError(name, `operands must have one shape, not ${showShape(a.shape)} and ${showShape(b.shape)}`);
  }
}

/** Declares y = f(a, b) on operands of one shape and dtype and returns the function that builds it. */
export function binary(name: string, domain: Domain, rules: BinaryRules = {}): (a: Node, b: Node) => Node {
  const { jvp, transpose, jointly, op = name as ElementwiseOp } = rules;
  const primitive = definePrimitive<null>({
    name,
    lowering: { kind: 'elementwise', op },
    infer([a, b]) {
      checkOperands(name, domain, a, b);
      return { shape: a.shape, dtype: a.dtype };
    },
    jvp(out, [ta, tb]) {
      if (jvp === undefined) return null;
      const [a, b] = out.inputs;
      return addTangents(ta === null ? null : jvp[0](ta, a, b, out), tb === null ? null : jvp[1](tb, a, b, out));
    },
    ...(transpose && {
      transpose(ct: Node, out: Node, linear: readonly boolean[]): Tangent[] {
        const [a, b] = out.inputs;
        if (linear[0] && linear[1] && !jointly) throw internalError(name, 'is not linear in both operands together');
        return [linear[0] ? adjoint(transpose[0], name, ct, b) : null, linear[1] ? adjoint(transpose[1], name, ct, a) : null];
      },
    }),
    vmap: (inputs, mapped, size, attrs, out) => elementwiseVmap(inputs, mapped, size, attrs, out),
  });
  const { low, high } = domain;
  return (a, b) => {
    const dtype = a.dtype;
    if (dtype !== b.dtype || dtype.code < low || dtype.code > high || (a.shape !== b.shape && !sameShape(a.shape, b.shape))) {
      checkOperands(name, domain, a, b);
    }
    return new Node(primitive, [a, b], null, a.shape, dtype);
  };
}

function adjoint(rule: ((ct: Node, other: Node) => Node) | null, name: string, ct: Node, other: Node): Node {
  if (rule === null) throw internalError(name, 'is not linear in that operand');
  return rule(ct, other);
}

/** Declares a comparison, which gives bool, and returns the function that builds it. */
export function comparison(name: ElementwiseOp, domain: Domain): (a: Node, b: Node) => Node {
  const primitive = definePrimitive<null>({
    name,
    lowering: { kind: 'elementwise', op: name },
    infer([a, b]) {
      checkOperands(name, domain, a, b);
      return { shape: a.shape, dtype: bool };
    },
    jvp: () => null,
    vmap: (inputs, mapped, size, attrs, out) => elementwiseVmap(inputs, mapped, size, attrs, out),
  });
  return (a, b) => {
    if (a.dtype !== b.dtype || (a.shape !== b.shape && !sameShape(a.shape, b.shape))) checkOperands(name, domain, a, b);
    return new Node(primitive, [a, b], null, a.shape, bool);
  };
}
