/** `whileLoop`: a function applied to its own result for as long as a condition on it holds. */

import { bool, uint8 } from '../../dtype';
import { codedError } from '../../errors';
import { Node } from '../../graph/node';
import { jvpNodes, type TangentUse, tangentUse } from '../../transforms/forward';
import { astype } from '../cast';
import { projections } from '../control';
import { definePrimitive, type Tangent } from '../primitive';
import { max } from '../reduction';
import { batchedInput } from '../rules';
import { nodeDtype, sharedBatch, type WhileAttrs } from './attributes';
import { applyBody, type Body, denseLike, pick, placedAt, positions, traceBody } from './body';
import { choose, cond, select } from './cond';
import { batchBody, scanTangents, transposeScan } from './scan';
import type { ScanCall } from './scan-split';

/** A loop that was not made into a node yet. */
export interface WhileCall {
  readonly attrs: WhileAttrs;
  readonly inputs: readonly Node[];
}

const whileNode = definePrimitive<WhileAttrs>({
  name: 'whileLoop',
  several: true,
  lowering: { kind: 'control' },
  infer: (_inputs, { outs }) => outs,
  jvp: (node, tangents, attrs) => whileTangents({ attrs, inputs: node.inputs }, tangents, tangentUse()),
  transpose: (cotangents, node, linear, attrs) => transposeScan(bounded({ attrs, inputs: node.inputs }), cotangents, linear),
  vmap: batchWhile,
});

/** The last carry of a loop. */
export function whileLoop({ attrs, inputs }: WhileCall): Node[] {
  return projections(new Node(whileNode, inputs, attrs, [], nodeDtype(attrs.outs, inputs)));
}

/** The loop as a scan of as many steps as it may take, of which those after its end leave the carry alone. */
function bounded({ attrs, inputs }: WhileCall): ScanCall {
  const { condition, body, carry, maxSteps, outs, shared } = attrs;
  if (maxSteps === null) {
    throw codedError('whileLoop', 'METALGRAD_TRANSFORM', 'reverse mode needs a bound on the number of steps: give maxSteps');
  }
  const step = traceBody(
    'whileLoop',
    (given) => {
      const [holds] = applyBody(condition, given);
      const next = traceBody('whileLoop', (values) => applyBody(body, values), body.inputs);
      const stay = traceBody('whileLoop', (values) => values.slice(0, carry), body.inputs);
      return cond(choose(holds, next, stay, given));
    },
    body.inputs,
  );
  return {
    attrs: { kind: 'scan', body: step.body, carry, xs: 0, length: maxSteps, reverse: false, outs, shared },
    inputs: [...inputs, ...step.captured],
  };
}

// ---------------------------------------------------------------------------------------------------------------------

function whileTangents(call: WhileCall, tangents: readonly Tangent[], use: TangentUse): Tangent[] {
  if (use === 'transposed') {
    const loop = bounded(call);
    return scanTangents(loop, [...tangents, ...loop.inputs.slice(tangents.length).map(() => null)], use);
  }
  const { attrs, inputs } = call;
  const { condition, body, carry, outs, shared } = attrs;
  const live = tangents.map((tangent) => tangent !== null);
  for (;;) {
    const movingCarry = positions(live.slice(0, carry));
    const movingConstants = positions(live).filter((i) => i >= carry);
    const n = movingCarry.length;
    const constants = inputs.length - carry;
    // Carry, its tangents, constants, their tangents.
    const primalsOf = (given: readonly Node[]): Node[] => [...given.slice(0, carry), ...given.slice(carry + n, carry + n + constants)];
    const tangentsOf = (given: readonly Node[]): Node[] => [...given.slice(carry, carry + n), ...given.slice(carry + n + constants)];
    const moving = [...movingCarry, ...movingConstants];
    let liveOut: boolean[] = [];
    const avals = [
      ...body.inputs.slice(0, carry),
      ...pick(body.inputs, movingCarry),
      ...body.inputs.slice(carry),
      ...pick(body.inputs, movingConstants),
    ];
    const step = traceBody(
      'whileLoop',
      (given) => {
        const made = jvpNodes(
          (values) => applyBody(body, values),
          primalsOf(given),
          placedAt(inputs.length, moving, tangentsOf(given)),
          use,
        );
        liveOut = made.tangents.map((tangent) => tangent !== null);
        return [...made.outputs, ...movingCarry.map((k) => denseLike(made.tangents[k], outs[k]))];
      },
      avals,
    );
    if (liveOut.some((out, k) => out && !live[k])) {
      for (const k of positions(liveOut)) live[k] = true;
      continue;
    }
    // The condition takes what the body captured too.
    const joint = [...avals, ...step.captured];
    const test = traceBody('whileLoop', (given) => applyBody(condition, primalsOf(given.slice(0, avals.length))), joint);
    const outputs = whileLoop({
      attrs: {
        kind: 'whileLoop',
        condition: test.body,
        body: step.body,
        carry: carry + n,
        maxSteps: attrs.maxSteps,
        outs: step.body.outputs,
        shared: shared && { ...shared, inputs: shared.inputs.map((i) => (i < carry ? i : i + n)) },
      },
      inputs: [
        ...inputs.slice(0, carry),
        ...movingCarry.map((k) => denseLike(tangents[k], inputs[k])),
        ...inputs.slice(carry),
        ...movingConstants.map((i) => tangents[i] as Node),
        ...step.captured,
      ],
    });
    return placedAt(carry, movingCarry, outputs.slice(carry));
  }
}

// ---------------------------------------------------------------------------------------------------------------------

/** Whether the predicate of any lane is true. */
function anyLane(predicate: Node): Node {
  return astype(max(astype(predicate, uint8), [0]), bool);
}

function batchWhile(
  inputs: readonly Node[],
  mapped: readonly boolean[],
  size: number,
  attrs: WhileAttrs,
): readonly { node: Node; mapped: boolean }[] {
  const { condition, body, carry } = attrs;
  const flags = [...mapped];
  let test = batchBody('whileLoop', condition, flags, size, []);
  let step = batchBody('whileLoop', body, flags, size, flags.slice(0, carry));
  const grow = (): boolean => {
    let grown = false;
    for (let k = 0; k < carry; k++) {
      if (flags[k] || !(step.mapped[k] || test.mapped[0])) continue;
      flags[k] = true;
      grown = true;
    }
    return grown;
  };
  while (grow()) {
    test = batchBody('whileLoop', condition, flags, size, []);
    step = batchBody('whileLoop', body, flags, size, flags.slice(0, carry));
  }
  const captured = [...test.captured, ...step.captured];
  const avals = [...step.body.inputs.slice(0, inputs.length), ...captured];
  const testOn = (given: readonly Node[]): Node => applyBody(test.body, given.slice(0, inputs.length + test.captured.length))[0];
  const stepOn = (given: readonly Node[]): Node[] =>
    applyBody(step.body, [...given.slice(0, inputs.length), ...given.slice(inputs.length + test.captured.length)]);
  const lanes = test.mapped[0];
  const conditionBody: Body = traceBody('whileLoop', (given) => [lanes ? anyLane(testOn(given)) : testOn(given)], avals).body;
  const stepBody: Body = traceBody(
    'whileLoop',
    (given) => {
      const next = stepOn(given);
      if (!lanes) return next;
      // Lanes that have ended keep their carry.
      const running = testOn(given);
      return next.map((value, k) => select(running, value, given[k]));
    },
    avals,
  ).body;
  const outputs = whileLoop({
    attrs: {
      ...attrs,
      condition: conditionBody,
      body: stepBody,
      outs: stepBody.outputs,
      shared: sharedBatch(attrs.shared, mapped, size),
    },
    inputs: [...inputs.map((input, i) => (i < carry && flags[i] ? batchedInput(input, mapped[i], size) : input)), ...captured],
  });
  return outputs.map((node, k) => ({ node, mapped: flags[k] }));
}
