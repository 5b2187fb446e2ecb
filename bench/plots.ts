/** A bar chart for each group of lines, drawn by Vega, which `npm install --prefix bench/peers` brings. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Report, Result } from './harness';
import { groupOf } from './page';

/** What is used of Vega and Vega-Lite, which are no dependencies of the project. */
interface Vega {
  parse(spec: unknown): unknown;
  View: new (runtime: unknown, options: { renderer: 'none' }) => { toSVG(): Promise<string> };
}
interface VegaLite {
  compile(spec: unknown): { spec: unknown };
}

function bars(results: readonly Result[]): { line: string; who: string; time: number }[] {
  return results.flatMap(({ name, ours, peers, beside }) => {
    const line = name.slice(name.indexOf(':') + 2);
    return [
      { line, who: 'metalgrad', time: ours },
      ...Object.entries(peers).flatMap(([who, peer]) => ('missing' in peer ? [] : [{ line, who, time: peer.time }])),
      ...Object.entries(beside).map(([who, { time }]) => ({ line, who: `(${who})`, time })),
    ];
  });
}

/** The chart of one group as SVG, on a logarithmic axis. */
export async function plot(report: Report, group: string): Promise<string> {
  const load = createRequire(join(process.cwd(), 'bench', 'peers', 'package.json'));
  const vega = (await import(load.resolve('vega'))) as Vega;
  const vegaLite = (await import(load.resolve('vega-lite'))) as VegaLite;
  const results = report.results.filter((result) => groupOf(result) === group);
  const values = bars(results);
  const times = values.map(({ time }) => time);
  const domain = [Math.min(...times) / 2, Math.max(...times) * 1.2];
  const specification = {
    data: { values },
    mark: 'bar',
    background: 'white',
    width: 560,
    encoding: {
      row: {
        field: 'line',
        type: 'nominal',
        sort: values.map(({ line }) => line),
        title: null,
        header: { labelAngle: 0, labelAlign: 'left', labelLimit: 320 },
      },
      y: { field: 'who', type: 'nominal', sort: null, title: null, axis: { labelLimit: 200 } },
      x: {
        field: 'time',
        type: 'quantitative',
        stack: null,
        scale: { type: 'log', domain },
        title: results[0].unit === 'ms' ? 'milliseconds' : 'nanoseconds an operation',
      },
      x2: { datum: domain[0] },
      color: { condition: { test: "datum.who === 'metalgrad'", value: '#d9480f' }, value: '#adb5bd' },
    },
    resolve: { scale: { y: 'independent' } },
    spacing: 6,
  };
  const view = new vega.View(vega.parse(vegaLite.compile(specification).spec), { renderer: 'none' });
  return `${await view.toSVG()}\n`;
}
