/** Why a line misses an aim, as far as it is known, by the line's name. The page of the benchmarks prints them. */

/** Measured on the machine of the page, with vectors, and stores past the caches where it writes. */
const memory =
  'bound by memory. Loops in C over the same arrays take 1.7 to 1.9 ms for 64 MB read, 2.9 for 64 MB read and 64 MB written, and 6.4 for 192 MB read on both threads; 2.2, 3.4 and 7.5 on one, which is what a peer with one thread pays.';
const survivors =
  'building itself takes 30 to 60 ns an operation, as in graphs of 1,000; the rest is V8 copying a graph that outgrows its young generation: two minor collections of 5 to 15 ms for 100,000 operations (`node --trace-gc`).';
const varying =
  'bound by arithmetic, and the processor’s speed changes by two while this runs: 0.92 to 1.85 ms on one thread, 0.48 to 0.75 on both, where nothing else runs. The peer waits for memory and notices less. Each multiply-add is one instruction on registers.';
const step =
  'beside products and copies a step has the softmax, reductions, and square roots and divisions of Adam. Of the samples in the addon and the C library, OpenBLAS has seven tenths, Adam’s and the activations’ chains a sixth, threads that wait for one another a twentieth (`perf record`); a minor collection takes 0.3 to 0.5 ms every few steps (`node --trace-gc`).';

export const reasons: Readonly<Record<string, string>> = {
  'vectorize: naive list of 4096 slices':
    'a third is the program: 4096 additions, and as many buffers with weak references; a sixth V8’s collector copying live nodes; the rest is reading indices and walking the graph (`node --cpu-prof`).',
  'vectorize: vmap':
    'it computes xs.T + ys, which misses the aim by itself; vmap adds 5 to 10 µs of building the graph, and more where the caches are cold. xs.add(ys.T) has rows of 100 numbers, whose transposed operand is read in squares; rows of 4096 are read in strips, which moves the other operand and the result as well.',
  'graph: x.add(y), one graph of 100,000': survivors,
  'graph: mixed operations, one graph of 100,000': survivors,
  'chain: 10,000 ops on one element, eager': 'building the graph and V8 copying it; the program itself takes a twentieth.',
  'elementwise: gelu (tanh) of 16M':
    'bound by arithmetic, half of it in tanh: a division, a polynomial and an exponential a number (`perf record`).',
  'elementwise: exp of 16M': memory,
  'elementwise: x + x of 16M': memory,
  'elementwise: 100-op multiply-add chain on 1M': varying,
  'elementwise: Adam-like update of 16M': memory,
  'reduce: sum over axis 0 of [4096, 4096]': memory,
  'reduce: sum over axis 1 of [4096, 4096]': memory,
  'reduce: sum of [4096, 4096]': memory,
  'reduce: mean(square(w * x - y)) of 16M': memory,
  'reduce: max over axis 0 of [4096, 4096]': memory,
  'reduce: argmax over axis 1 of [4096, 4096]': memory,
  'matmul: 2048':
    'the peer has the same OpenBLAS, which has nearly all samples of both (`perf record`); runs of this page gave ratios of 0.95 and 1.24 within an hour.',
  'matmul: [1, 4096] by [4096, 4096]':
    'bound by reading the 64 MB of the matrix, as its plain sum is: the two take the same time within 10 %.',
  'matmul: 1024 with bias and relu':
    'OpenBLAS has 96 % of the addon’s samples (`perf record`), and the peer has the same one: only the pass of bias and relu is saved.',
  'training: MLP 784-512-512-10 with Adam, eager': step,
  'training: MLP 784-512-512-10 with Adam, compiled': step,
  'per-example gradients: 784-128-10, batch 256':
    'bound by writing 104 MB of gradients past the caches, which takes four fifths of the time by itself: 58 % of the samples are in the outer products that do so (`perf record`).',
  'start-up: require to first result':
    '45 to 66 ms from run to run: two fifths are V8 compiling the library’s file, a tenth loading the addon (`node --cpu-prof`).',
};
