import * as mx from '../../lib';
import { collectEverything } from '../../lib/runtime/policy';

const megabyte = 2 ** 20;

function evaluated(elements = megabyte / 4): mx.array {
  const x = mx.zeros([elements]).add(1);
  mx.eval(x);
  return x;
}

// Arrays of earlier tests that only the collector can free would otherwise vanish in the middle of a test.
beforeEach(collectEverything);

describe('memory figures', () => {
  test('follow what is made and disposed', () => {
    const before = mx.getActiveMemory();
    const count = mx.getWrappersCount();
    const x = evaluated();
    expect(mx.getActiveMemory() - before).toBeGreaterThanOrEqual(megabyte);
    expect(mx.getWrappersCount()).toBe(count + 1);
    mx.dispose(x);
    expect(mx.getActiveMemory()).toBe(before);
    expect(mx.getWrappersCount()).toBe(count);
  });

  test('the peak is the most that was active, until it is reset', () => {
    mx.resetPeakMemory();
    const start = mx.getPeakMemory();
    const x = evaluated();
    mx.dispose(x);
    expect(mx.getPeakMemory()).toBeGreaterThanOrEqual(start + megabyte);
    mx.resetPeakMemory();
    expect(mx.getPeakMemory()).toBeLessThan(start + megabyte);
  });

  test('freed buffers are cached up to a limit, and given back by clearCache', () => {
    mx.dispose(evaluated());
    expect(mx.getCacheMemory()).toBeGreaterThanOrEqual(megabyte);
    mx.clearCache();
    expect(mx.getCacheMemory()).toBe(0);
    const former = mx.setCacheLimit(0);
    mx.dispose(evaluated());
    expect(mx.getCacheMemory()).toBe(0);
    expect(mx.setCacheLimit(former)).toBe(0);
  });

  test('limits are numbers of bytes, and setting one gives the former', () => {
    const former = mx.setMemoryLimit(2 ** 31);
    expect(mx.setMemoryLimit(former)).toBe(2 ** 31);
    const wired = mx.setWiredLimit(123);
    expect(mx.setWiredLimit(wired)).toBe(123);
    expect(() => mx.setMemoryLimit(-1)).toThrow('[setMemoryLimit] the limit must be at least 0 bytes, not -1');
    expect(() => mx.setCacheLimit('1' as never)).toThrow('[setCacheLimit] the limit must be a number of bytes, not "1"');
  });

  test('what cannot fit is refused before anything is computed', () => {
    const x = evaluated();
    const rows = mx.sort(x).reshape([-1, 1]);
    const [first, result] = [rows.add(1), rows.add(mx.arange(4096))];
    const former = mx.setMemoryLimit(mx.getActiveMemory() + 64 * megabyte);
    mx.resetPeakMemory();
    const before = mx.getPeakMemory();
    try {
      expect(() => mx.eval(first, result)).toThrow(/^\[eval\] \d+ bytes could not be allocated: \d+ of at most \d+ are in use$/);
      expect(mx.getPeakMemory()).toBe(before);
    } finally {
      mx.setMemoryLimit(former);
    }
    mx.eval(first);
    expect(first.index(0, 0).item()).toBe(2);
  });
});

describe('dispose', () => {
  test('takes trees, and using a disposed array is an error', () => {
    const x = evaluated(4);
    const y = evaluated(4);
    mx.dispose({ weights: [x, 'text'] }, y);
    expect(() => x.add(1)).toThrow('[add] the array was disposed');
    expect(() => y.tolist()).toThrow('[tolist] the array was disposed');
    mx.dispose(x);
  });

  test('leaves arrays that are computed from a disposed one what they need', () => {
    const x = evaluated(4);
    const y = x.multiply(2).add(1);
    x.dispose();
    expect(y.tolist()).toEqual([3, 3, 3, 3]);
  });

  test('leaves another array of the same values alone', () => {
    const x = evaluated(4);
    const same = x.reshape(4);
    same.dispose();
    expect(x.tolist()).toEqual([1, 1, 1, 1]);
    const view = x.index(mx.Slice(1, 3));
    mx.eval(view);
    x.dispose();
    expect(view.tolist()).toEqual([1, 1]);
  });

  test('works with using', () => {
    const before = mx.getActiveMemory();
    {
      using x = evaluated();
      expect(x.size).toBe(megabyte / 4);
    }
    expect(mx.getActiveMemory()).toBe(before);
  });
});

describe('tidy', () => {
  test('disposes what was made inside and is not in the result', () => {
    const count = mx.getWrappersCount();
    const before = mx.getActiveMemory();
    let inside: mx.array | undefined;
    const result = mx.tidy(() => {
      inside = evaluated();
      const other = inside.multiply(3);
      mx.eval(other);
      const total = other.sum();
      mx.eval(total);
      return { total, list: [1, 'text'] };
    });
    expect(result.total.item()).toBe((3 * megabyte) / 4);
    expect(() => inside?.add(1)).toThrow('[add] the array was disposed');
    expect(mx.getWrappersCount()).toBe(count + 1);
    result.total.dispose();
    expect(mx.getActiveMemory()).toBe(before);
  });

  test('keeps what a result without a value is computed from', () => {
    const y = mx.tidy(() => evaluated(4).multiply(2));
    expect(y.tolist()).toEqual([2, 2, 2, 2]);
  });

  test('leaves arrays from outside alone, also those that it wrote to', () => {
    const x = evaluated(3);
    mx.tidy(() => {
      const y = x.reshape(3);
      mx.eval(y);
      x.indexPut_(0, evaluated(1).index(0));
      mx.eval(x);
    });
    expect(x.tolist()).toEqual([1, 1, 1]);
    expect(x.add(1).tolist()).toEqual([2, 2, 2]);
  });

  test('nests: the outer one disposes what the inner one returned', () => {
    let returned: mx.array | undefined;
    mx.tidy(() => {
      returned = mx.tidy(() => evaluated(2));
      expect(returned.tolist()).toEqual([1, 1]);
    });
    expect(() => returned?.tolist()).toThrow('[tolist] the array was disposed');
  });

  test('disposes everything when the function throws', () => {
    const count = mx.getWrappersCount();
    expect(() =>
      mx.tidy(() => {
        evaluated(8);
        throw new Error('enough');
      }),
    ).toThrow('enough');
    expect(mx.getWrappersCount()).toBe(count);
    expect(() => mx.tidy(5 as never)).toThrow('[tidy] func must be a function, not 5');
  });

  test('follows an async function and leaves what other code makes meanwhile alone', async () => {
    let inside: mx.array | undefined;
    const running = mx.tidy(async () => {
      inside = evaluated(2);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const late = evaluated(2);
      return late.add(inside);
    });
    const other = evaluated(2);
    const result = await running;
    expect(result.tolist()).toEqual([2, 2]);
    expect(other.tolist()).toEqual([1, 1]);
    expect(() => inside?.tolist()).toThrow('[tolist] the array was disposed');
    await expect(
      mx.tidy(async () => {
        inside = evaluated(2);
        throw new Error('late');
      }),
    ).rejects.toThrow('late');
    expect(() => inside?.tolist()).toThrow('disposed');
  });

  test('works inside a transform', () => {
    const f = (x: mx.array): mx.array =>
      mx.tidy(() => {
        const y = x.exp();
        y.tolist();
        return y.multiply(x).sum();
      });
    const g = mx.grad(f)(mx.array([0, 1]));
    expect((g.tolist() as number[])[1]).toBeCloseTo(2 * Math.E, 4);
  });

  test('leaves a compiled function that was traced inside its constants', () => {
    const f = mx.compile((x: mx.array) => x.multiply(mx.array([1, 2])));
    expect(mx.tidy(() => f(mx.array([3, 4]))).tolist()).toEqual([3, 8]);
    expect(f(mx.array([5, 6])).tolist()).toEqual([5, 12]);
  });

  test('frees gradients too', () => {
    const x = evaluated();
    const loss = (y: mx.array): mx.array => y.square().sum();
    mx.tidy(() => mx.eval(mx.grad(loss)(x)));
    const before = mx.getActiveMemory();
    for (let i = 0; i < 5; i++) mx.tidy(() => mx.eval(mx.grad(loss)(x)));
    expect(mx.getActiveMemory()).toBe(before);
  });

  test('keeps a loop of many steps flat', () => {
    const step = (): void =>
      mx.tidy(() => {
        const y = evaluated(1000).multiply(2).add(1);
        mx.eval(y, y.sum());
      });
    step();
    const before = mx.getWrappersCount();
    for (let i = 0; i < 100; i++) step();
    expect(mx.getWrappersCount()).toBe(before);
  });

  test('leaves the sequence of random keys alone', () => {
    mx.random.seed(3);
    const expected = [mx.random.bits([2]), mx.random.bits([2])].map((x) => x.tolist());
    mx.random.seed(3);
    const first = mx.tidy(() => {
      mx.eval(mx.random.state);
      return mx.random.bits([2]);
    });
    expect([first, mx.random.bits([2])].map((x) => x.tolist())).toEqual(expected);
  });
});
