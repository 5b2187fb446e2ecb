import * as mx from '../../lib';

describe('makeGraph', () => {
  const loss = (w: mx.array, x: mx.array) => mx.mean(mx.square(w.multiply(x)));

  test('prints as readable text', () => {
    const graph = mx.makeGraph(loss)(mx.ones([3]), mx.ones([3]));
    expect(String(graph)).toBe(
      [
        'loss(a: float32[3], b: float32[3]) {',
        '  c: float32[3] = multiply a b',
        '  d: float32[3] = square c',
        ...String(graph).split('\n').slice(3, -2),
        `  return ${String(graph).match(/return (\w+)/)?.[1]}`,
        '}',
      ].join('\n'),
    );
    expect(String(graph)).toContain('axes=[0]');
    expect(graph.inputs).toEqual([
      { shape: [3], dtype: mx.float32 },
      { shape: [3], dtype: mx.float32 },
    ]);
    expect(graph.outputs).toEqual([{ shape: [], dtype: mx.float32 }]);
    expect(`${graph}`).toBe(require('node:util').inspect(graph));
  });

  test('shows transforms, captured arrays and functions inside calls', () => {
    const captured = mx.array([1, 2, 3]);
    const text = String(
      mx.makeGraph(
        mx.grad((x: mx.array) =>
          mx
            .checkpoint((y: mx.array) => mx.sin(y.multiply(captured)))(x)
            .sum(),
        ),
      )(mx.ones([3])),
    );
    expect(text).toContain('captured data');
    expect(text).toContain('cos');
    const call = String(mx.makeGraph((x: mx.array) => mx.checkpoint((y: mx.array) => mx.sin(y))(x))(mx.ones([3])));
    expect(call).toContain('checkpoint');
    expect(call).toMatch(/where\(a: float32\[3\]\) \{\n\s+\w+: float32\[3\] = /);
  });

  test('names go on after z', () => {
    const many = (x: mx.array) => {
      let y = x;
      for (let i = 0; i < 30; i++) y = mx.sin(y);
      return y;
    };
    expect(String(mx.makeGraph(many)(mx.array(1)))).toContain('ae: float32[] = sin ad');
  });

  test('draws as SVG, before and after fusion', () => {
    const graph = mx.makeGraph(loss)(mx.ones([3]), mx.ones([3]));
    const before = graph.toSVG();
    const after = graph.toSVG({ fused: true });
    expect(before).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(before).toContain('multiply');
    expect(before.match(/<rect/g)?.length).toBeGreaterThan(4);
    const boxes = (svg: string) => svg.match(/<rect/g)?.length ?? 0;
    expect(boxes(after)).toBeLessThan(boxes(before));
    expect(after).toContain('kernel');
    for (const svg of [before, after]) {
      expect(svg.trimEnd().endsWith('</svg>')).toBe(true);
      expect(svg).not.toMatch(/NaN|undefined/);
    }
  });
});
