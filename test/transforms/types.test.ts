/** The types of transformed functions follow the trees: this file is checked by tsc; running it only shows that it exists. */

import * as mx from '../../lib';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
function expectType<_T extends true>(): void {}

type array = mx.array;
interface Params {
  w: array;
  b: array;
}

declare const loss: (p: { w: array; b: array }) => array;
declare const three: (a: array, p: Params, n: number) => array;
declare const auxiliary: (p: Params) => [array, { loss: array; name: string }];
declare const pair: (x: array, y: array) => [array, array];
declare const tree: (p: Params) => { y: array; rest: [array] };

function checked(): void {
  const g = mx.grad(loss);
  expectType<Equal<typeof g, (p: { w: array; b: array }) => { w: array; b: array }>>();

  const second = mx.grad(three, 1);
  expectType<Equal<typeof second, (a: array, p: Params, n: number) => { w: array; b: array }>>();
  const number = mx.grad(three, 2);
  expectType<Equal<ReturnType<typeof number>, array>>();
  const list = mx.grad(three, [1, 0]);
  expectType<Equal<ReturnType<typeof list>, [{ w: array; b: array }, array]>>();
  const one = mx.grad(three, [1]);
  expectType<Equal<ReturnType<typeof one>, { w: array; b: array }>>();
  const nested = mx.grad(mx.grad(three));
  expectType<Equal<typeof nested, (a: array, p: Params, n: number) => array>>();

  const vag = mx.valueAndGrad(loss);
  expectType<Equal<typeof vag, (p: { w: array; b: array }) => [value: array, gradient: { w: array; b: array }]>>();
  const withAux = mx.valueAndGrad(auxiliary);
  expectType<Equal<ReturnType<typeof withAux>[0], [array, { loss: array; name: string }]>>();

  const mapped = mx.vmap(pair, [0, null]);
  expectType<Equal<typeof mapped, (x: array, y: array) => [array, array]>>();
  const compiled = mx.compile(tree, { shapeless: true });
  expectType<Equal<typeof compiled, (p: Params) => { y: array; rest: [array] }>>();
  const checkpointed = mx.checkpoint(three);
  expectType<Equal<typeof checkpointed, (a: array, p: Params, n: number) => array>>();

  const pushed = mx.jvp(pair, [mx.array(1), mx.array(2)], [mx.array(1), 2]);
  expectType<Equal<typeof pushed, [outputs: [array, array], tangents: [array, array]]>>();
  const pulled = mx.vjp(loss, [{ w: mx.array(1), b: mx.array(2) }], [mx.array(1)]);
  expectType<Equal<(typeof pulled)[0], [array]>>();
  expectType<Equal<(typeof pulled)[1], [{ w: array; b: array }]>>();
  const ofTree = mx.vjp(tree, [{ w: mx.array(1), b: mx.array(2) }], [{ y: mx.array(1), rest: [mx.array(1)] }]);
  expectType<Equal<(typeof ofTree)[0], [{ y: array; rest: [array] }]>>();

  const jacobian = mx.jacrev(tree);
  expectType<Equal<ReturnType<typeof jacobian>['y'], { w: array; b: array }>>();
  const hessian = mx.hessian(loss);
  expectType<Equal<ReturnType<typeof hessian>['w'], { w: array; b: array }>>();

  const custom = mx.customFunction(pair).vjp(([x, y], [cx, cy], [ox]) => [x.multiply(cx), y.multiply(cy).add(ox)]);
  expectType<Equal<Parameters<typeof custom>, [x: array, y: array]>>();
  mx.customFunction((x: array) => x).jvp((x, t) => x.multiply(t));

  // @ts-expect-error a gradient of a function that returns no array
  mx.grad((_: array) => 'text');
  // @ts-expect-error the primal is a tree
  mx.jvp(loss, [mx.array(1)], [mx.array(1)]);
  // @ts-expect-error the loss takes a tree
  g(mx.array(1));
  // @ts-expect-error one cotangent is missing
  mx.vjp(pair, [mx.array(1), mx.array(2)], [mx.array(1)]);
}

test('the types of transforms are checked by the compiler', () => {
  expect(typeof checked).toBe('function');
});
