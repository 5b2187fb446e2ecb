/** `makeGraph`: the graph that a function makes, as text and as a drawing. */

import { type array, nodeOf } from '../array';
import { type Node, nextNodeId, type ShapeDtype } from '../graph/node';
import { explainStages } from '../runtime/explain-stages';
import { arraysOf, mapArrays } from '../tree';
import { nodesOf, outputList } from './arguments';
import { type Box, drawBoxes } from './graph-svg';
import { graphText, showAttributes, showAval, showDevice, slotAvals, valueName } from './graph-text';
import { type Recording, record } from './recording';
import { type AnyFunction, callTraced, checkFunction, withTrace } from './tracing';

/** The graph of a function for arguments of certain shapes and dtypes. */
export class GraphView {
  /** @internal */
  constructor(
    private readonly name: string,
    private readonly recording: Recording,
    private readonly placeholders: readonly Node[],
    private readonly results: readonly Node[],
  ) {}

  /** Shapes and dtypes of the arrays in the arguments. */
  get inputs(): readonly ShapeDtype[] {
    return this.placeholders.map(({ shape, dtype }) => ({ shape, dtype }));
  }

  /** Shapes and dtypes of the arrays in the result. */
  get outputs(): readonly ShapeDtype[] {
    return this.results.map(({ shape, dtype }) => ({ shape, dtype }));
  }

  /**
   * The graph as text, one line a node:
   *
   *     loss(a: float32[3]) {
   *       b: float32[3] = square a
   *       c: float32[] = sum b axes=[0]
   *       return c
   *     }
   */
  toString(): string {
    return graphText(this.name, this.recording, this.placeholders);
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** The graph as an SVG document: its nodes, or with `fused` the steps that they run as. */
  toSVG({ fused = false }: { readonly fused?: boolean } = {}): string {
    return fused ? this.drawSteps() : this.drawNodes();
  }

  private drawNodes(): string {
    const { recording } = this;
    const avals = slotAvals(recording, this.placeholders);
    const captured = this.placeholders.length;
    const firstResult = captured + recording.captured.length;
    const boxes = avals.map((aval, slot): Box => {
      const label = `${valueName(slot)}: ${showAval(aval)}`;
      if (slot < captured) return { lines: [label], inputs: [], kind: 'input' };
      if (slot < firstResult) return { lines: [label, 'captured'], inputs: [], kind: 'captured' };
      const instruction = recording.instructions[slot - firstResult];
      const { primitive, attrs, inputs } = instruction;
      const kind = recording.outputs.includes(slot) ? 'output' : 'node';
      return { lines: [`${primitive.name}${showAttributes(attrs)}${showDevice(instruction)}`, label], inputs, kind };
    });
    return drawBoxes(`${this.name}: ${recording.instructions.length} nodes`, boxes);
  }

  private drawSteps(): string {
    const steps = explainStages({ inputs: this.placeholders, outputs: this.results });
    const boxes = steps.map((step): Box => ({ lines: step.lines, inputs: step.inputs, kind: step.kind }));
    return drawBoxes(`${this.name}: ${boxes.filter(({ kind }) => kind !== 'input' && kind !== 'captured').length} steps`, boxes);
  }
}

/**
 * A function that gives the graph of `f` for its arguments instead of its result.
 *
 * @example
 * console.log(String(mx.makeGraph(mx.grad((x) => x.square().sum()))(mx.array([1, 2]))));
 */
export function makeGraph<A extends readonly unknown[]>(f: (...args: A) => unknown): (...args: A) => GraphView {
  checkFunction('makeGraph', f);
  return (...args) =>
    withTrace('makeGraph', (scope) => {
      const first = nextNodeId();
      const placeholders: Node[] = [];
      const given = args.map((arg) =>
        mapArrays(arg, (leaf: array) => {
          const { shape, dtype } = nodeOf(leaf, 'makeGraph');
          const tracer = scope.placeholder(shape, dtype);
          placeholders.push(tracer);
          return scope.handle(tracer);
        }),
      );
      const outputs = outputList('makeGraph', callTraced('makeGraph', f as AnyFunction, given));
      const results = nodesOf(arraysOf(outputs), 'makeGraph');
      return new GraphView(f.name === '' ? 'graph' : f.name, record(placeholders, results, first), placeholders, results);
    });
}
