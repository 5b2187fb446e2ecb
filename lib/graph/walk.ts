/** Numbers for graph walks, so that a walk marks nodes instead of keeping a set of them. */

let visits = 0;

/** A number that no walk used before: nodes whose `visit` equals it were met in this walk. */
export function nextVisit(): number {
  return ++visits;
}
