/** In which order an einsum contracts its operands: exact for a few of them, greedy beyond. */

/** The labels of each operand and of the result, and the size of each label. */
export interface ContractionProblem {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
}

/** Positions in the list of operands that are contracted together; they leave the list and their result joins its end. */
export type ContractionStep = readonly number[];

/** Up to this many operands every order is considered: 3ⁿ splits of subsets. */
const exactLimit = 8;

/** Labels as bits of a bigint, so that unions and intersections are single operations. */
class Labels {
  private readonly bits = new Map<string, bigint>();
  private readonly bitSizes: number[] = [];
  private readonly products = new Map<bigint, number>();

  constructor(private readonly sizes: ReadonlyMap<string, number>) {}

  mask(labels: readonly string[]): bigint {
    let mask = 0n;
    for (const label of labels) {
      let bit = this.bits.get(label);
      if (bit === undefined) {
        bit = 1n << BigInt(this.bits.size);
        this.bits.set(label, bit);
        this.bitSizes.push(this.sizes.get(label) ?? 1);
      }
      mask |= bit;
    }
    return mask;
  }

  /** The number of elements of an array with these labels. */
  size(mask: bigint): number {
    let product = this.products.get(mask);
    if (product === undefined) {
      product = 1;
      for (let i = 0, rest = mask; rest !== 0n; i++, rest >>= 1n) if (rest & 1n) product *= this.bitSizes[i];
      this.products.set(mask, product);
    }
    return product;
  }
}

/**
 * The order of contractions with the fewest multiplications, where each contraction of two operands costs the product of the sizes of all their labels.
 */
export function contractionPath(problem: ContractionProblem): ContractionStep[] {
  const count = problem.operands.length;
  if (count === 1) return [[0]];
  if (count === 2) return [[0, 1]];
  const labels = new Labels(problem.sizes);
  const operands = problem.operands.map((operand) => labels.mask(operand));
  const output = labels.mask(problem.output);
  return count <= exactLimit ? exactPath(operands, output, labels) : greedyPath(operands, output, labels);
}

/** Dynamic programming over subsets of operands: the best way to contract a subset splits it in the best way. */
function exactPath(operands: readonly bigint[], output: bigint, labels: Labels): ContractionStep[] {
  const count = operands.length;
  const full = (1 << count) - 1;
  const union = new Array<bigint>(full + 1).fill(0n);
  for (let set = 1; set <= full; set++) {
    const lowest = 31 - Math.clz32(set & -set);
    union[set] = union[set & (set - 1)] | operands[lowest];
  }
  // What a contracted subset still has: labels of the result or of an operand outside.
  const kept = union.map((all, set) => all & (output | union[full & ~set]));
  const cost = new Array<number>(full + 1).fill(0);
  const split = new Array<number>(full + 1).fill(0);
  for (let set = 1; set <= full; set++) {
    if ((set & (set - 1)) === 0) continue;
    cost[set] = Number.POSITIVE_INFINITY;
    // Each split once: the part that has the lowest operand.
    const rest = set & (set - 1);
    for (let other = rest; other > 0; other = (other - 1) & rest) {
      const part = set & ~other;
      const total = cost[part] + cost[other] + labels.size(operandLabels(part) | operandLabels(other));
      if (total < cost[set]) {
        cost[set] = total;
        split[set] = part;
      }
    }
  }
  function operandLabels(set: number): bigint {
    return (set & (set - 1)) === 0 ? union[set] : kept[set];
  }
  return replay(split, full, count);
}

/** Turns the splits of subsets into steps, smallest subsets first. */
function replay(split: readonly number[], full: number, count: number): ContractionStep[] {
  const order: number[] = [];
  const pending = [full];
  while (pending.length > 0) {
    const set = pending.pop() as number;
    if ((set & (set - 1)) === 0) continue;
    order.push(set);
    pending.push(split[set], set & ~split[set]);
  }
  const list = Array.from({ length: count }, (_, i) => 1 << i);
  return order.reverse().map((set) => {
    const step = [list.indexOf(split[set]), list.indexOf(set & ~split[set])].sort((a, b) => a - b);
    list.splice(step[1], 1);
    list.splice(step[0], 1);
    list.push(set);
    return step;
  });
}

/** Contracts, again and again, the pair whose result is smallest next to what it replaces. */
function greedyPath(operands: readonly bigint[], output: bigint, labels: Labels): ContractionStep[] {
  const list = [...operands];
  const steps: ContractionStep[] = [];
  while (list.length > 1) {
    let best = [0, 1];
    let bestResult = 0n;
    let bestGain = Number.POSITIVE_INFINITY;
    let bestCost = Number.POSITIVE_INFINITY;
    const uses = usesOf(list);
    for (let i = 0; i < list.length; i++) {
      for (let j = i + 1; j < list.length; j++) {
        const both = list[i] | list[j];
        const result = both & (output | uses(i, j));
        const gain = labels.size(result) - labels.size(list[i]) - labels.size(list[j]);
        const cost = labels.size(both);
        if (gain < bestGain || (gain === bestGain && cost < bestCost)) {
          best = [i, j];
          bestResult = result;
          bestGain = gain;
          bestCost = cost;
        }
      }
    }
    steps.push(best);
    list.splice(best[1], 1);
    list.splice(best[0], 1);
    list.push(bestResult);
  }
  return steps;
}

/** The labels of all operands but two, in constant time: those used three times or more, or twice and not by both, and so on. */
function usesOf(list: readonly bigint[]): (i: number, j: number) => bigint {
  let once = 0n;
  let twice = 0n;
  let often = 0n;
  for (const mask of list) {
    often |= twice & mask;
    twice |= once & mask;
    once |= mask;
  }
  return (i, j) => {
    const both = list[i] & list[j];
    const either = list[i] | list[j];
    // A label is used outside the pair if its number of uses exceeds those by the pair.
    return (once & ~either) | (twice & either & ~both) | (often & both);
  };
}

/** The cost of a path: multiplications in all, and elements of the largest intermediate. */
export function pathCost(problem: ContractionProblem, path: readonly ContractionStep[]): { multiplications: number; largest: number } {
  const labels = new Labels(problem.sizes);
  const output = labels.mask(problem.output);
  const list = problem.operands.map((operand) => labels.mask(operand));
  let multiplications = 0;
  let largest = 0;
  for (const step of path) {
    const used = step.map((position) => list[position]);
    for (const position of [...step].sort((a, b) => b - a)) list.splice(position, 1);
    const all = used.reduce((a, b) => a | b, 0n);
    const result = all & list.reduce((a, b) => a | b, output);
    multiplications += labels.size(all);
    largest = Math.max(largest, labels.size(result));
    list.push(result);
  }
  return { multiplications, largest };
}
