/** Complex arithmetic in double precision, for the reference interpreter. */

export interface Complex {
  readonly re: number;
  readonly im: number;
}

export const complex = (re: number, im = 0): Complex => ({ re, im });
export const i = complex(0, 1);
const one = complex(1);

export const add = (a: Complex, b: Complex): Complex => complex(a.re + b.re, a.im + b.im);
export const subtract = (a: Complex, b: Complex): Complex => complex(a.re - b.re, a.im - b.im);
export const negative = (a: Complex): Complex => complex(-a.re, -a.im);
export const conjugate = (a: Complex): Complex => complex(a.re, -a.im);
export const multiply = (a: Complex, b: Complex): Complex => complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
export const scale = (a: Complex, factor: number): Complex => complex(a.re * factor, a.im * factor);
export const abs = (a: Complex): number => Math.hypot(a.re, a.im);
export const equal = (a: Complex, b: Complex): boolean => a.re === b.re && a.im === b.im;
/** Lexicographic, as NumPy orders complex numbers. */
export const less = (a: Complex, b: Complex): boolean => a.re < b.re || (a.re === b.re && a.im < b.im);

/** Smith's division, which neither overflows nor underflows on the way. */
export function divide(a: Complex, b: Complex): Complex {
  if (Math.abs(b.re) >= Math.abs(b.im)) {
    const ratio = b.re === 0 ? 0 : b.im / b.re;
    const denominator = b.re + b.im * ratio;
    return complex((a.re + a.im * ratio) / denominator, (a.im - a.re * ratio) / denominator);
  }
  const ratio = b.re / b.im;
  const denominator = b.re * ratio + b.im;
  return complex((a.re * ratio + a.im) / denominator, (a.im * ratio - a.re) / denominator);
}

export const reciprocal = (a: Complex): Complex => divide(one, a);
export const square = (a: Complex): Complex => multiply(a, a);

export function exp(a: Complex): Complex {
  const radius = Math.exp(a.re);
  return a.im === 0 ? complex(radius, 0) : complex(radius * Math.cos(a.im), radius * Math.sin(a.im));
}

export const log = (a: Complex): Complex => complex(Math.log(abs(a)), Math.atan2(a.im, a.re));

export function sqrt(a: Complex): Complex {
  if (a.re === 0 && a.im === 0) return complex(0, a.im);
  const s = Math.sqrt((Math.abs(a.re) + abs(a)) / 2);
  if (a.re >= 0) return complex(s, a.im / (2 * s));
  return complex(Math.abs(a.im) / (2 * s), a.im < 0 ? -s : s);
}

export function power(a: Complex, b: Complex): Complex {
  if (b.re === 0 && b.im === 0) return one;
  if (a.re === 0 && a.im === 0) return complex(0);
  return exp(multiply(b, log(a)));
}

export const sinh = (a: Complex): Complex => complex(Math.sinh(a.re) * Math.cos(a.im), Math.cosh(a.re) * Math.sin(a.im));
export const cosh = (a: Complex): Complex => complex(Math.cosh(a.re) * Math.cos(a.im), Math.sinh(a.re) * Math.sin(a.im));
export const tanh = (a: Complex): Complex => divide(sinh(a), cosh(a));
export const sin = (a: Complex): Complex => complex(Math.sin(a.re) * Math.cosh(a.im), Math.cos(a.re) * Math.sinh(a.im));
export const cos = (a: Complex): Complex => complex(Math.cos(a.re) * Math.cosh(a.im), -Math.sin(a.re) * Math.sinh(a.im));
export const tan = (a: Complex): Complex => divide(sin(a), cos(a));

const timesI = (a: Complex): Complex => complex(-a.im, a.re);
const overI = (a: Complex): Complex => complex(a.im, -a.re);

export function arcsinh(a: Complex): Complex {
  // log(a + sqrt(a² + 1)), by symmetry in the half plane where nothing cancels.
  if (a.re < 0) return negative(arcsinh(negative(a)));
  return log(add(a, multiply(sqrt(add(one, timesI(a))), sqrt(subtract(one, timesI(a))))));
}

export const arcsin = (a: Complex): Complex => overI(arcsinh(timesI(a)));
export const arccos = (a: Complex): Complex => subtract(complex(Math.PI / 2), arcsin(a));
export const arccosh = (a: Complex): Complex => log(add(a, multiply(sqrt(add(a, one)), sqrt(subtract(a, one)))));
export const arctanh = (a: Complex): Complex => scale(subtract(log(add(one, a)), log(subtract(one, a))), 0.5);
export const arctan = (a: Complex): Complex => overI(arctanh(timesI(a)));
