/** Attention by its definition: all scores of one query, their softmax, and the average of the values. */

import { bool } from '../../../lib/dtype';
import { complex } from '../complex';
import type { RoutineReference } from '.';

/** ints: causal; args: scale; q, k, v and perhaps a mask whose axes of size 1 repeat. */
export const attention: RoutineReference = ([q, k, v, mask], [causal], [scale]) => {
  const [batches, heads, queries, width] = q.shape;
  const [, sharing, keys] = k.shape;
  const columns = v.shape[3];
  const results: number[] = [];
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      const shared = b * sharing + Math.floor(h / (heads / sharing));
      for (let i = 0; i < queries; i++) {
        const scores = Array.from({ length: keys }, (_, j) => {
          let score = 0;
          for (let d = 0; d < width; d++) {
            score += q.elements[((b * heads + h) * queries + i) * width + d].re * k.elements[(shared * keys + j) * width + d].re;
          }
          score *= scale.re;
          if (causal === 1 && j > i + keys - queries) return -Infinity;
          if (mask === undefined) return score;
          const at = [b, h, i, j].reduce((flat, index, axis) => flat * mask.shape[axis] + (mask.shape[axis] === 1 ? 0 : index), 0);
          const value = mask.elements[at].re;
          if (mask.dtype === bool) return value === 0 ? -Infinity : score;
          return score + value;
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => (largest === -Infinity ? 0 : Math.exp(score - largest)));
        const total = weights.reduce((a, w) => a + w, 0);
        for (let d = 0; d < columns; d++) {
          const sum = weights.reduce((a, w, j) => a + w * v.elements[(shared * keys + j) * columns + d].re, 0);
          results.push(total === 0 ? 0 : sum / total);
        }
      }
    }
  }
  return [results.map((x) => complex(x))];
};
