/**
 * Factorizations by their definitions, for small matrices. Vectors that a definition leaves a sign or a phase are some of those possible: whoever compares
 * them must not count it.
 */

import { abs, add, type Complex, complex, conjugate, divide, multiply, scale, subtract } from '../complex';
import type { RoutineReference } from '.';

type Matrix = Complex[][];

const zero = complex(0);
const one = complex(1);
const zeros = (rows: number, columns: number): Matrix => Array.from({ length: rows }, () => new Array<Complex>(columns).fill(zero));
const identity = (n: number): Matrix => zeros(n, n).map((row, i) => row.map((_, j) => (i === j ? one : zero)));
const dot = (a: readonly Complex[], b: readonly Complex[]): Complex => a.reduce((sum, x, i) => add(sum, multiply(x, b[i])), zero);
const norm = (v: readonly Complex[]): number => Math.hypot(...v.map(abs));
const transposed = (a: Matrix, columns: number): Matrix => Array.from({ length: columns }, (_, j) => a.map((row) => row[j]));
const adjoint = (a: Matrix, columns: number): Matrix => transposed(a, columns).map((row) => row.map(conjugate));
const product = (a: Matrix, b: Matrix, columns: number): Matrix => {
  const right = transposed(b, columns);
  return a.map((row) => right.map((column) => dot(row, column)));
};

/** The matrices of a batch, row by row. */
function matrices(elements: readonly Complex[], shape: readonly number[]): Matrix[] {
  const [m, n] = shape.slice(-2);
  const count = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, k) => Array.from({ length: m }, (_, i) => elements.slice((k * m + i) * n, (k * m + i + 1) * n)));
}

/** Applies `one` to the matrices of a batch; each output is the list of its results. */
function batched(
  inputs: readonly { elements: readonly Complex[]; shape: readonly number[] }[],
  one: (...each: Matrix[]) => Complex[][],
): Complex[][] {
  const lists = inputs.map(({ elements, shape }) => matrices(elements, shape));
  const results = lists[0].map((_, k) => one(...lists.map((list) => list[k])));
  return (results[0] ?? one(...inputs.map(({ shape }) => zeros(shape[shape.length - 2], shape[shape.length - 1])))).map((_, output) =>
    results.flatMap((result) => result[output]),
  );
}

const widthOf = ({ shape }: { shape: readonly number[] }): number => shape[shape.length - 1];

export const lu: RoutineReference = ([x]) => {
  const n = widthOf(x);
  return batched([x], (a) => {
    const f = a.map((row) => [...row]);
    const order = f.map((_, i) => i);
    const pivots: Complex[] = [];
    for (let k = 0; k < Math.min(f.length, n); k++) {
      let best = k;
      const size = ({ re, im }: Complex): number => Math.abs(re) + Math.abs(im);
      for (let i = k + 1; i < f.length; i++) if (size(f[i][k]) > size(f[best][k])) best = i;
      pivots.push(complex(best));
      [f[k], f[best]] = [f[best], f[k]];
      [order[k], order[best]] = [order[best], order[k]];
      if (abs(f[k][k]) === 0) continue;
      for (let i = k + 1; i < f.length; i++) {
        f[i][k] = divide(f[i][k], f[k][k]);
        for (let j = k + 1; j < n; j++) f[i][j] = subtract(f[i][j], multiply(f[i][k], f[k][j]));
      }
    }
    return [f.flat(), pivots, order.map((_, row) => complex(order.indexOf(row)))];
  });
};

/** Solves with one triangle of `a` by substitution. */
function substitute(a: Matrix, b: Matrix, upper: boolean, unit: boolean): Matrix {
  const x = b.map((row) => [...row]);
  const order = a.map((_, i) => (upper ? a.length - 1 - i : i));
  for (const i of order) {
    x[i] = x[i].map((value, column) => {
      let rest = value;
      for (let j = 0; j < a.length; j++) if (upper ? j > i : j < i) rest = subtract(rest, multiply(a[i][j], x[j][column]));
      return unit ? rest : divide(rest, a[i][i]);
    });
  }
  return x;
}

function solveTriangle(a: Matrix, b: Matrix, upper: boolean, isAdjoint: boolean, unit: boolean): Matrix {
  return isAdjoint ? substitute(adjoint(a, a.length), b, !upper, unit) : substitute(a, b, upper, unit);
}

export const triangularSolve: RoutineReference = ([a, b], [upper, isAdjoint, unit]) =>
  batched([a, b], (x, y) => [solveTriangle(x, y, upper === 1, isAdjoint === 1, unit === 1).flat()]);

export const luSolve: RoutineReference = ([, factors, pivots, b], [isAdjoint]) => {
  const rows = { elements: pivots.elements, shape: [...pivots.shape, 1] };
  return batched([factors, rows, b], (f, swaps, right) => {
    let x = right.map((row) => [...row]);
    const swap = (row: number): void => {
      const other = swaps[row][0].re;
      [x[row], x[other]] = [x[other], x[row]];
    };
    if (isAdjoint === 1) {
      x = solveTriangle(f, solveTriangle(f, x, true, true, false), false, true, true);
      for (let row = f.length - 1; row >= 0; row--) swap(row);
      return [x.flat()];
    }
    for (let row = 0; row < f.length; row++) swap(row);
    return [solveTriangle(f, solveTriangle(f, x, false, false, true), true, false, false).flat()];
  });
};

export const cholesky: RoutineReference = ([x]) =>
  batched([x], (a) => {
    const l = zeros(a.length, a.length);
    for (let i = 0; i < a.length; i++) {
      for (let j = 0; j <= i; j++) {
        const rest = subtract(a[i][j], dot(l[i].slice(0, j), l[j].slice(0, j).map(conjugate)));
        l[i][j] = i === j ? complex(Math.sqrt(rest.re)) : divide(rest, l[j][j]);
      }
    }
    return [l.flat()];
  });

/** The part of `v` that is orthogonal to all of `others`, scaled to length 1; null where nothing is left. */
function orthonormal(v: readonly Complex[], others: readonly (readonly Complex[])[]): Complex[] | null {
  let rest = [...v];
  for (let twice = 0; twice < 2; twice++) {
    for (const other of others) {
      const share = dot(other.map(conjugate), rest);
      rest = rest.map((x, i) => subtract(x, multiply(share, other[i])));
    }
  }
  const length = norm(rest);
  return length < 1e-7 * Math.max(1, norm(v)) ? null : rest.map((x) => scale(x, 1 / length));
}

/** Orthonormal vectors until there are as many as components. */
function completed(vectors: Complex[][], order: number): Complex[][] {
  const result = [...vectors];
  for (const candidate of identity(order)) {
    if (result.length >= order) break;
    const next = orthonormal(candidate, result);
    if (next !== null) result.push(next);
  }
  return result;
}

export const qr: RoutineReference = ([x]) => {
  const n = widthOf(x);
  return batched([x], (a) => {
    const k = Math.min(a.length, n);
    const basis: Complex[][] = [];
    for (const column of transposed(a, n).slice(0, k)) {
      basis.push(orthonormal(column, basis) ?? completed(basis, a.length)[basis.length]);
    }
    const r = basis.map((q) => transposed(a, n).map((column) => dot(q.map(conjugate), column)));
    return [transposed(basis, a.length).flat(), r.flatMap((row, i) => row.map((value, j) => (j < i ? zero : value)))];
  });
};

/** Jacobi's rotations: the columns of v diagonalize the Hermitian a. */
function diagonalize(a: Matrix): { w: number[]; v: Matrix } {
  const n = a.length;
  let d = a;
  let v = identity(n);
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const size = abs(d[p][q]);
        if (size < 1e-300) continue;
        const phase = scale(d[p][q], 1 / size);
        const angle = 0.5 * Math.atan2(2 * size, d[q][q].re - d[p][p].re);
        const r = identity(n);
        r[p][p] = complex(Math.cos(angle));
        r[q][q] = complex(Math.cos(angle));
        r[p][q] = scale(phase, Math.sin(angle));
        r[q][p] = scale(conjugate(phase), -Math.sin(angle));
        d = product(adjoint(r, n), product(d, r, n), n);
        v = product(v, r, n);
      }
    }
  }
  const order = d.map((_, i) => i).sort((i, j) => d[i][i].re - d[j][j].re);
  return { w: order.map((i) => d[i][i].re), v: v.map((row) => order.map((i) => row[i])) };
}

export const eigh: RoutineReference = ([x]) =>
  batched([x], (a) => {
    const whole = a.map((row, i) => row.map((value, j) => (j < i ? value : i === j ? complex(value.re) : conjugate(a[j][i]))));
    const { w, v } = diagonalize(whole);
    return [w.map((value) => complex(value)), v.flat()];
  });

export const svd: RoutineReference = ([x]) => {
  const n = widthOf(x);
  return batched([x], (a) => {
    const { w, v } = diagonalize(product(adjoint(a, n), a, n));
    const k = Math.min(a.length, n);
    const right = transposed(v, n).reverse();
    const s = [...w]
      .reverse()
      .slice(0, k)
      .map((value) => Math.sqrt(Math.max(0, value)));
    let left: Complex[][] = [];
    for (let j = 0; j < k; j++) {
      const image = a.map((row) => dot(row, right[j]));
      left.push(orthonormal(image, left) ?? completed(left, a.length)[left.length]);
    }
    left = completed(left, a.length);
    return [s.map((value) => complex(value)), transposed(left, a.length).flat(), right.flatMap((row) => row.map(conjugate))];
  });
};

/** Roots of the characteristic polynomial, by Faddeev and Le Verrier, then Durand and Kerner. */
function characteristicRoots(a: Matrix): Complex[] {
  const n = a.length;
  const coefficients = [one];
  let m = zeros(n, n);
  for (let k = 1; k <= n; k++) {
    const last = coefficients[k - 1];
    m = product(a, m, n).map((row, i) => row.map((value, j) => (i === j ? add(value, last) : value)));
    const trace = product(a, m, n).reduce((sum, row, i) => add(sum, row[i]), zero);
    coefficients.push(scale(trace, -1 / k));
  }
  let roots = Array.from({ length: n }, (_, k) => complex(Math.cos(2.3 * k + 0.4), Math.sin(2.3 * k + 0.4)));
  for (let step = 0; step < 500; step++) {
    roots = roots.map((x, i) => {
      const value = coefficients.reduce((sum, coefficient) => add(multiply(sum, x), coefficient), zero);
      const others = roots.reduce((result, y, j) => (i === j ? result : multiply(result, subtract(x, y))), one);
      return subtract(x, divide(value, others));
    });
  }
  return roots;
}

export const eig: RoutineReference = ([x]) =>
  batched([x], (a) => {
    const roots = characteristicRoots(a);
    const vectors = roots.map((root) => {
      // Inverse iteration, next to the root.
      const near = a.map((row, i) => row.map((value, j) => (i === j ? subtract(value, add(root, complex(1e-9))) : value)));
      let v: Matrix = a.map((_, i) => [complex(1 / (i + 1), 0.1 * i)]);
      for (let step = 0; step < 3; step++) {
        const [factors, pivots] = lu([{ elements: near.flat(), shape: [a.length, a.length], dtype: x.dtype }], [], [], null as never);
        const [f] = matrices(factors, [a.length, a.length]);
        pivots.forEach(({ re }, row) => {
          [v[row], v[re]] = [v[re], v[row]];
        });
        v = solveTriangle(f, solveTriangle(f, v, false, false, true), true, false, false);
        const length = norm(v.map(([value]) => value));
        v = v.map(([value]) => [scale(value, 1 / length)]);
      }
      const column = v.map(([value]) => value);
      const largest = column.reduce((best, value) => (abs(value) > abs(best) ? value : best));
      return column.map((value) => multiply(value, scale(conjugate(largest), 1 / abs(largest))));
    });
    return [roots, transposed(vectors, a.length).flat()];
  });
