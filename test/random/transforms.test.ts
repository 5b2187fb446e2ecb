import * as mx from '../../lib';

const { random } = mx;

describe('random numbers inside transforms', () => {
  test('a draw without a key inside vmap is shared by all lanes', () => {
    const f = mx.vmap((x: mx.array) => x.add(random.uniform(0, 1, [2])));
    const rows = f(mx.zeros([3, 2])).tolist() as number[][];
    expect(rows[1]).toEqual(rows[0]);
    expect(rows[2]).toEqual(rows[0]);
  });

  test('with mapped keys each lane has its own', () => {
    const keys = random.split(random.key(1), 3);
    const rows = mx.vmap((key: mx.array) => random.normal([2], { key }))(keys);
    const expected = [0, 1, 2].map((i) => random.normal([2], { key: keys.index(i) }).tolist());
    expect(rows.tolist()).toEqual(expected);
  });

  test('compile captures the sequence: every call draws anew, and seed repeats it', () => {
    const f = mx.compile((x: mx.array) => x.add(random.uniform(0, 1, [2])));
    const draws = (): unknown[] => [f(mx.zeros([2])), f(mx.zeros([2])), random.uniform(0, 1, [2])].map((x) => x.tolist());
    random.seed(5);
    const first = draws();
    expect(first[1]).not.toEqual(first[0]);
    random.seed(5);
    expect(draws()).toEqual(first);
    random.seed(5);
    expect([0, 1, 2].map(() => random.uniform(0, 1, [2]).tolist())).toEqual(first);
  });

  test('gradients flow to the parameters of a distribution', () => {
    const key = random.key(2);
    const noise = random.normal([3], { key }).tolist() as number[];
    const loss = (loc: mx.array, scale: mx.array): mx.array => random.normal([3], mx.float32, loc, scale, key).sum();
    const [loc, scale] = mx.grad(loss, [0, 1])(mx.array(1), mx.array(2)) as unknown as mx.array[];
    expect(loc.item()).toBe(3);
    expect(scale.item()).toBeCloseTo(
      noise.reduce((a, b) => a + b, 0),
      5,
    );
    const draw = random.uniform(0, 1, [3], mx.float32, key).sum().item() as number;
    const width = mx.grad((high: mx.array) => random.uniform(0, high, [3], mx.float32, key).sum())(mx.array(1));
    expect(width.item()).toBeCloseTo(draw, 5);
  });

  test('a loop of draws keeps no growing graph', () => {
    random.seed(1);
    const f = mx.compile((x: mx.array) => x.add(random.uniform()));
    f(mx.array(0)).item();
    for (let i = 0; i < 50; i++) random.uniform().item();
    expect(random.state[0].tolist()).toHaveLength(2);
  });
});
