import * as mx from '../../lib';
import { expectClose } from './support';

describe('large graphs', () => {
  const n = 1_000_000;
  const chain = (x: mx.array) => {
    let y = x;
    for (let i = 0; i < n; i++) y = i % 1000 === 0 ? y.multiply(1) : y.add(1e-6);
    return y;
  };

  test('a chain of 1,000,000 operations differentiates, batches and records without overflowing the stack', () => {
    expectClose(mx.grad(chain)(mx.array(1)), 1);
    expectClose(mx.jvp(chain, [mx.array(1)], [mx.array(2)])[1], [2]);
    expect(mx.vmap(chain)(mx.array([1, 2])).shape).toEqual([2]);
    expectClose(mx.grad(mx.checkpoint(chain))(mx.array(1)), 1);
    expect(mx.makeGraph(mx.compile(chain))(mx.array(1)).outputs).toEqual([{ shape: [], dtype: mx.float32 }]);
  }, 120_000);

  test('a node with many consumers and a wide graph', () => {
    const f = (x: mx.array) => {
      let sum = x;
      for (let i = 0; i < 100_000; i++) sum = sum.add(x);
      return sum;
    };
    expectClose(mx.grad(f)(mx.array(1)), 100_001);
  }, 60_000);
});
