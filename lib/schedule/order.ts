/** The order of steps: that of the user's program, each after what it needs. */

import { assembleItem, type Item, scatterItem } from './items';
import type { Step } from './steps';

/** Steps in the order of creation, what they need (composites are expanded late) pulled in front of them. */
export function orderSteps(steps: Step[]): Step[] {
  const ordered: Step[] = [];
  const stack: { step: Step; needs: Step[]; next: number }[] = [];
  const enter = (step: Step): void => {
    if (step.visited) {
      if (step.position < 0) throw new Error('internal error: a step needs what needs it');
      return;
    }
    step.visited = true;
    stack.push({ step, needs: needsOf(step), next: 0 });
  };
  for (const step of steps.slice().sort((a, b) => a.id - b.id || a.items[0].index - b.items[0].index)) {
    enter(step);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.needs.length) enter(top.needs[top.next++]);
      else {
        top.step.position = ordered.length;
        ordered.push(top.step);
        stack.pop();
      }
    }
  }
  return ordered;
}

/** The steps that must be done before `step`. */
export function needsOf(step: Step): Step[] {
  const needs: Step[] = [];
  for (const ref of step.reads) addWriters(needs, ref.item);
  for (const item of step.after) addWriters(needs, item);
  for (const item of step.items) if (item.kind === scatterItem) addWriters(needs, item.parts[0]);
  return needs.sort((a, b) => a.id - b.id);
}

/** The steps that write an item last; those before them are needed by these. */
function addWriters(needs: Step[], item: Item): void {
  let last = item;
  while (last.kind === assembleItem && last.baseFirst && last.parts.length === 1) last = last.parts[0];
  if (last.kind !== assembleItem) {
    if (last.step !== null) needs.push(last.step);
    return;
  }
  for (let i = last.baseFirst ? 1 : 0; i < last.parts.length; i++) {
    const { step } = last.parts[i];
    if (step !== null) needs.push(step);
  }
}
