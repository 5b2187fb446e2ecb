/** Why a line misses an aim, as far as it is known, by the line's name. The page of the benchmarks prints them. */

const memory =
  'bound by memory. A loop in C over the same arrays, with stores that pass the caches, takes 4 to 6 ms for 64 MB read and 64 MB written, and 3.4 to 5.2 ms for 64 MB read, on both cores of this machine.';
const survivors =
  'building itself takes 60 to 120 ns an operation (`node --max-semi-space-size=64`); the rest is V8 copying a graph that outgrows its young generation.';
const unknown = 'not profiled yet.';

export const reasons: Readonly<Record<string, string>> = {
  'vectorize: naive list of 4096 slices':
    'a third is V8’s collector copying live nodes; reading indices, handing out 4096 buffers and walking the graph share the rest (`node --cpu-prof`).',
  'vectorize: vmap': 'bound by memory, like the sum without vmap beside it; building the graph takes 5 µs.',
  'graph: x.add(y), one graph of 100,000': survivors,
  'graph: mixed operations, one graph of 100,000': survivors,
  'chain: 10,000 ops on one element, eager': 'building the graph and V8 copying it; the program itself takes a twentieth.',
  'chain: 10,000 ops on one element, compiled': unknown,
  'elementwise: gelu (tanh) of 16M':
    'bound by arithmetic: 15 ms of processor time on each of the two threads, two fifths of them in tanh (`perf record`).',
  'elementwise: exp of 16M': memory,
  'elementwise: x + x of 16M': memory,
  'elementwise: Adam-like update of 16M': memory,
  'reduce: sum over axis 0 of [4096, 4096]': memory,
  'reduce: sum over axis 1 of [4096, 4096]': memory,
  'reduce: sum of [4096, 4096]': memory,
  'reduce: mean(square(w * x - y)) of 16M': memory,
  'reduce: softmax of [4096, 4096]': '10 to 14 ms when nothing else runs; memory is read once and written once.',
  'reduce: argmax over axis 0 of [4096, 4096]': memory,
  'reduce: argmax over axis 1 of [4096, 4096]':
    '4.2 ms of processor time on each of the two threads, of which 3.5 are reading memory: that is what the sum over the same axis takes.',
  'reduce: sort of 1M':
    'half is Highway’s sort (1.0.3), a third distributing keys among its buckets: 4.0 ms of processor time on each of the two threads (`perf record`).',
  'reduce: argsort of 1M': 'half is Highway’s sort of 64-bit keys with positions, a third making and distributing them (`perf record`).',
  'matmul: 1024': unknown,
  'matmul: 2048': unknown,
  'matmul: batched 64 of 128': unknown,
  'matmul: [1, 4096] by [4096, 4096]': 'bound by reading the 64 MB of the matrix: their plain sum takes hardly less (5 to 10 %).',
  'matmul: 1024 with bias and relu': 'bias and relu are a pass of their own after the product.',
  'training: MLP 784-512-512-10 with Adam, eager': unknown,
  'training: MLP 784-512-512-10 with Adam, compiled':
    'not understood: beside the eager line, in the same process, the same step takes half of this.',
  'training: the same, eval(params) and then loss.item()': unknown,
  'per-example gradients: 784-128-10, batch 256':
    'bound by writing 104 MB of gradients past the caches: most of the time is spent in the outer products that do so (`perf record`).',
  'quantized: [1, 4096] by [4096, 4096] of 4 bits': 'not profiled yet: 0.47 of the time in float32 when nothing else runs between.',
  'start-up: require to first result':
    '40 to 60 ms when nothing else runs: reading and parsing the library’s file is the larger part, loading the addon a tenth (`node --cpu-prof`).',
};
