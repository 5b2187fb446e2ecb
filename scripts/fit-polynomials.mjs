// Prints the polynomials of metal/elementary.h: minimax fits with coefficients that are float32 numbers.
//
// The largest weighted error is made small by Lawson's iteration of weighted least squares at Chebyshev points. Then the
// coefficients are rounded one after the other from the lowest on, and the rest fitted again, so that those that follow
// make up for the rounding.

/** erf by its series 2/√π · exp(-x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, for moderate x. */
function erf(x) {
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc by Lentz's continued fraction, for x ≥ 0.9. */
function erfc(x) {
  let fraction = x;
  for (let k = 400; k > 0; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** erfinv(x) / x where w = -log(1 - x²), by Newton's method on log(erfc). */
function erfinvRatio(w) {
  const x = Math.sqrt(-Math.expm1(-w));
  // 1 - x without cancellation.
  const rest = Math.exp(-w) / (1 + x);
  let y = Math.sqrt(w) * 0.9;
  for (let step = 0; step < 60; step++) {
    const density = (2 / Math.sqrt(Math.PI)) * Math.exp(-y * y);
    if (y < 1) y -= (erf(y) - x) / density;
    else y += (Math.log(erfc(y)) - Math.log(rest)) / (density / erfc(y));
  }
  return y / x;
}

/** (f(x) - x) / x³ as a function of x², for odd f with slope 1. */
const odd = (f) => (t) => (f(Math.sqrt(t)) - Math.sqrt(t)) / Math.sqrt(t) ** 3;
/** Weight for that: relative to f. */
const oddWeight = (f) => (t) => Math.sqrt(t) ** 3 / f(Math.sqrt(t));

/** What is approximated on `interval` by a polynomial of `degree`, and how much an error there counts. */
const fits = {
  'exp(x) = 1 + x + x² · p(x)': {
    interval: [-0.3475, 0.3475],
    degree: 4,
    f: (x) => (Math.expm1(x) - x) / (x * x),
    weight: (x) => (x * x) / Math.exp(x),
  },
  'log(1 + x) = x - x² / 2 + x³ · p(x)': {
    interval: [Math.SQRT1_2 - 1, Math.SQRT2 - 1],
    degree: 8,
    f: (x) => (Math.log1p(x) - x + (x * x) / 2) / x ** 3,
    weight: (x) => x ** 3 / Math.log1p(x),
  },
  'log((1 + s) / (1 - s)) = 2s · (1 + s² · (1/3 + s² · p(s²)))': {
    interval: [1e-6, 0.02945],
    degree: 3,
    f: (t) => (Math.atanh(Math.sqrt(t)) / Math.sqrt(t) - 1 - t / 3) / (t * t),
    weight: (t) => t * t,
  },
  'sin(x) = x + x³ · p(x²)': { interval: [1e-4, 0.632], degree: 2, f: odd(Math.sin), weight: oddWeight(Math.sin) },
  'cos(x) = 1 - x² / 2 + x⁴ · p(x²)': {
    interval: [1e-3, 0.632],
    degree: 2,
    f: (t) => (-2 * Math.sin(Math.sqrt(t) / 2) ** 2 + t / 2) / (t * t),
    weight: (t) => (t * t) / Math.cos(Math.sqrt(t)),
  },
  'sinh(x) = x + x³ · p(x²)': { interval: [1e-4, 1], degree: 3, f: odd(Math.sinh), weight: oddWeight(Math.sinh) },
  'tanh(x) = x + x³ · p(x²)': { interval: [1e-4, 0.64 ** 2], degree: 4, f: odd(Math.tanh), weight: oddWeight(Math.tanh) },
  'arcsin(x) = x + x³ · p(x²)': { interval: [1e-4, 0.25], degree: 4, f: odd(Math.asin), weight: oddWeight(Math.asin) },
  'arctan(x) = x + x³ · p(x²)': { interval: [1e-4, 1], degree: 8, f: odd(Math.atan), weight: oddWeight(Math.atan) },
  'arcsinh(x) = x + x³ · p(x²)': { interval: [1e-4, 0.25], degree: 4, f: odd(Math.asinh), weight: oddWeight(Math.asinh) },
  'arctanh(x) = x + x³ · p(x²)': { interval: [1e-4, 0.25], degree: 5, f: odd(Math.atanh), weight: oddWeight(Math.atanh) },
  'erf(x) = x + x · p(x²)': {
    interval: [1e-9, 0.93 ** 2],
    degree: 6,
    f: (t) => erf(Math.sqrt(t)) / Math.sqrt(t) - 1,
    weight: (t) => Math.sqrt(t) / erf(Math.sqrt(t)),
  },
  'erfc(x) = exp(x · p(x))': {
    interval: [0.92, 4],
    degree: 8,
    f: (x) => Math.log(erfc(x)) / x,
    weight: (x) => x * erfc(x),
  },
  'erfinv(x) = x · p(w - 2.5), w = -log(1 - x²) < 5': {
    interval: [-2.5 + 1e-7, 2.5],
    degree: 10,
    f: (t) => erfinvRatio(t + 2.5),
    weight: (t) => 1 / erfinvRatio(t + 2.5),
  },
  'erfinv(x) = x · p(√w - 3), w ≥ 5': {
    interval: [Math.sqrt(5) - 3, 1.01],
    degree: 10,
    f: (t) => erfinvRatio((t + 3) ** 2),
    weight: (t) => 1 / erfinvRatio((t + 3) ** 2),
  },
};

/** Least squares by Householder reflections: rows of `a`, right sides `b`. */
function leastSquares(a, b) {
  const rows = a.map((row, i) => [...row, b[i]]);
  const n = a[0].length;
  for (let j = 0; j < n; j++) {
    let norm = 0;
    for (let i = j; i < rows.length; i++) norm += rows[i][j] ** 2;
    norm = -Math.sign(rows[j][j] || 1) * Math.sqrt(norm);
    const v = rows.slice(j).map((row) => row[j]);
    v[0] -= norm;
    const length = v.reduce((sum, x) => sum + x * x, 0);
    if (length === 0) continue;
    for (let k = j; k <= n; k++) {
      let dot = 0;
      for (let i = j; i < rows.length; i++) dot += v[i - j] * rows[i][k];
      for (let i = j; i < rows.length; i++) rows[i][k] -= ((2 * dot) / length) * v[i - j];
    }
  }
  const x = new Array(n).fill(0);
  for (let j = n - 1; j >= 0; j--) {
    let sum = rows[j][n];
    for (let k = j + 1; k < n; k++) sum -= rows[j][k] * x[k];
    x[j] = sum / rows[j][j];
  }
  return x;
}

/** The coefficients from degree `fixed.length` on, with those below given; and the largest weighted error. */
function minimax({ points, values, weights }, degree, fixed) {
  const rests = values.map((value, i) => value - fixed.reduce((sum, c, k) => sum + c * points[i] ** k, 0));
  const lawson = new Array(points.length).fill(1);
  let best = { coefficients: [], worst: Infinity };
  for (let iteration = 0; iteration < 40; iteration++) {
    const scale = points.map((_, i) => Math.sqrt(lawson[i]) * weights[i]);
    const rows = points.map((x, i) => Array.from({ length: degree + 1 - fixed.length }, (_, k) => scale[i] * x ** (k + fixed.length)));
    const found = leastSquares(
      rows,
      rests.map((rest, i) => scale[i] * rest),
    );
    const errors = points.map((x, i) =>
      Math.abs(weights[i] * (rests[i] - found.reduce((sum, c, k) => sum + c * x ** (k + fixed.length), 0))),
    );
    const worst = Math.max(...errors);
    if (worst < best.worst) best = { coefficients: found, worst };
    const mean = errors.reduce((sum, e, i) => sum + e * lawson[i], 0) / lawson.reduce((sum, l) => sum + l, 0);
    for (let i = 0; i < lawson.length; i++) lawson[i] = Math.max(lawson[i] * (errors[i] / mean), 1e-12);
  }
  return best;
}

for (const [name, { interval, degree, f, weight }] of Object.entries(fits)) {
  const [low, high] = interval;
  const count = 200;
  const points = Array.from({ length: count }, (_, i) => (low + high) / 2 - ((high - low) / 2) * Math.cos((Math.PI * (i + 0.5)) / count));
  const samples = { points, values: points.map(f), weights: points.map((x) => Math.abs(weight(x))) };
  const exact = minimax(samples, degree, []);
  const rounded = [];
  while (rounded.length < degree) rounded.push(Math.fround(minimax(samples, degree, rounded).coefficients[0]));
  const last = minimax(samples, degree, rounded).coefficients[0];
  rounded.push(Math.fround(last));
  const worst = Math.max(
    ...points.map((x, i) => samples.weights[i] * Math.abs(samples.values[i] - rounded.reduce((sum, c, k) => sum + c * x ** k, 0))),
  );
  console.log(`${name}: within 2^${Math.log2(worst).toFixed(1)} (2^${Math.log2(exact.worst).toFixed(1)} unrounded)`);
  console.log(`  ${rounded.map((c) => `${Number(c.toPrecision(9))}f`).join(', ')}`);
}
