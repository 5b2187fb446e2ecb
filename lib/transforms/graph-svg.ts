/** Draws graphs as SVG: boxes in columns by level, edges between them, and frames around boxes that run together. */

/** A box: what it says, and the boxes before it. */
export interface Box {
  readonly lines: readonly string[];
  readonly inputs: readonly number[];
  readonly kind: 'input' | 'captured' | 'node' | 'output';
}

const fills = { input: '#dbeafe', captured: '#e5e7eb', node: '#ffffff', output: '#dcfce7' };
const characterWidth = 7;
const lineHeight = 16;
const padding = 8;
const columnGap = 48;
const rowGap = 20;

function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** The length of the longest way to each box. Inputs stand before their consumers. */
function levels(boxes: readonly Box[]): number[] {
  const level: number[] = [];
  for (const { inputs } of boxes) level.push(inputs.reduce((highest, input) => Math.max(highest, level[input] + 1), 0));
  return level;
}

/** An SVG document. Boxes must stand after their inputs. */
export function drawBoxes(title: string, boxes: readonly Box[]): string {
  const level = levels(boxes);
  const width = boxes.map(({ lines }) => Math.max(...lines.map((line) => line.length)) * characterWidth + 2 * padding);
  const height = boxes.map(({ lines }) => lines.length * lineHeight + 2 * padding);
  const columns: number[][] = [];
  boxes.forEach((_, i) => {
    while (columns.length <= level[i]) columns.push([]);
    columns[level[i]].push(i);
  });
  const x = new Array<number>(boxes.length).fill(0);
  const y = new Array<number>(boxes.length).fill(0);
  let left = padding;
  let bottom = 0;
  for (const column of columns) {
    let top = padding + 2 * lineHeight;
    for (const i of column) {
      x[i] = left;
      y[i] = top;
      top += height[i] + rowGap;
    }
    left += column.reduce((widest, i) => Math.max(widest, width[i]), 0) + columnGap;
    bottom = Math.max(bottom, top);
  }
  const parts: string[] = [];
  boxes.forEach(({ inputs }, i) => {
    for (const input of new Set(inputs)) {
      const [x1, y1] = [x[input] + width[input], y[input] + height[input] / 2];
      const [x2, y2] = [x[i], y[i] + height[i] / 2];
      const bend = (x1 + x2) / 2;
      parts.push(`<path d="M${x1},${y1} C${bend},${y1} ${bend},${y2} ${x2},${y2}" fill="none" stroke="#6b7280" marker-end="url(#arrow)"/>`);
    }
  });
  boxes.forEach(({ lines, kind }, i) => {
    parts.push(`<rect x="${x[i]}" y="${y[i]}" width="${width[i]}" height="${height[i]}" rx="6" fill="${fills[kind]}" stroke="#374151"/>`);
    lines.forEach((line, k) => {
      parts.push(`<text x="${x[i] + padding}" y="${y[i] + padding + lineHeight * (k + 0.75)}">${escapeText(line)}</text>`);
    });
  });
  const total = Math.max(left - columnGap + padding, title.length * characterWidth + 2 * padding);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${bottom}" font-family="monospace" font-size="12">`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#6b7280"/></marker></defs>',
    `<text x="${padding}" y="${padding + lineHeight}" font-weight="bold">${escapeText(title)}</text>`,
    ...parts,
    '</svg>',
  ].join('\n');
}
