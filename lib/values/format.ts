/** Prints arrays as MLX does: six significant digits, `True` and `False`, long axes cut to three and three. */

import type { Dtype } from '../dtype';
import type { Shape } from '../graph/node';
import type { Element, Elements } from '../runtime/read';

/** An axis longer than twice this shows this many elements at each end. */
const edgeItems = 3;
/** The width of `array(`, and one more for the bracket. */
const indent = 7;

/** A number with six significant digits, as C++ streams print it: `2.36788`, `1e+10`, `1e-05`, `inf`, `nan`, `-0`. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponentText] = sixDigits(value).split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 6) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${withoutTrailingZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  return withoutTrailingZeros(Number(`${mantissa}e${exponent}`).toFixed(5 - exponent));
}

/** `d.ddddde±x`. Unlike toExponential, which rounds ties up, exact ties go to the even digit as in C++. */
function sixDigits(value: number): string {
  const rounded = value.toExponential(5);
  const [mantissa, exponent] = value.toExponential(50).split('e');
  // Digits 1 to 6, then a 5, then only zeros.
  if (!/50{44}$/.test(mantissa)) return rounded;
  const truncated = mantissa.slice(0, mantissa.indexOf('.') + 6);
  return Number(truncated.at(-1)) % 2 === 0 ? `${truncated}e${exponent}` : rounded;
}

function withoutTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** One element as it is printed. */
export function formatItem(value: Element, dtype: Dtype): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 'True' : 'False';
    case 'bigint':
      return value.toString();
    case 'number':
      return dtype.inexact ? formatNumber(value) : String(value);
    default: {
      const { re, im } = value;
      const sign = im >= 0 || Number.isNaN(im) ? '+' : '-';
      return `${formatNumber(re)}${sign}${formatNumber(sign === '-' ? -im : im)}j`;
    }
  }
}

/** The text of an array. Only the elements that are shown are read. */
export function formatArray(elements: Elements, shape: Shape, dtype: Dtype): string {
  const parts: string[] = [];
  if (shape.length === 0) parts.push(formatItem(elements.at(elements.offset), dtype));
  else printAxis(parts, elements, shape, dtype, 0, elements.offset);
  return `array(${parts.join('')}, dtype=${dtype.name})`;
}

function printAxis(parts: string[], elements: Elements, shape: Shape, dtype: Dtype, axis: number, start: number): void {
  const size = shape[axis];
  const last = axis === shape.length - 1;
  const separator = last ? ', ' : `,\n${' '.repeat(indent + axis)}`;
  parts.push('[');
  for (let i = 0; i < size; i++) {
    if (i > 0) parts.push(separator);
    if (i === edgeItems && size > 2 * edgeItems) {
      parts.push('...');
      i = size - edgeItems - 1;
      continue;
    }
    const position = start + i * elements.strides[axis];
    if (last) parts.push(formatItem(elements.at(position), dtype));
    else printAxis(parts, elements, shape, dtype, axis + 1, position);
  }
  parts.push(']');
}
