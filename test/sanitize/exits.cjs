// Ends a process, or the workers in it, at an awkward moment: node test/sanitize/exits.cjs <form>. `npm run test:sanitize` looks for what is then left.

const { Worker } = require('node:worker_threads');
const { join } = require('node:path');
const { runInThisContext } = require('node:vm');

const prelude = `
  require(${JSON.stringify(join(__dirname, '..', 'hostile', 'library.cjs'))});
  var mx = require(${JSON.stringify(join(__dirname, '..', '..', 'lib'))});
  var big = mx.random.normal([256, 256], { key: mx.random.key(0) });
  var loss = (w) => mx.mean(mx.square(mx.tanh(big.matmul(w))));
  var flood = () => { for (let i = 0; i < 8; i++) mx.asyncEval(big.matmul(big).add(i), mx.grad(loss)(big)); };
`;

async function terminated(body) {
  for (const delay of [0, 2, 10, 40]) {
    const worker = new Worker(`${prelude} ${body}`, { eval: true });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    await new Promise((resolve) => setTimeout(resolve, delay));
    await worker.terminate();
  }
}

const started = `require('node:worker_threads').parentPort.postMessage(0);`;

const forms = {
  'nothing is disposed': () => {
    for (let i = 0; i < 50; i++) mx.eval(mx.grad(loss)(big));
  },
  'work in flight, the event loop ends': () => flood(),
  'work in flight, process.exit': () => {
    flood();
    process.exit(0);
  },
  'work in flight, process.exit a moment later': () => {
    flood();
    setTimeout(() => process.exit(0), 5);
  },
  'an uncaught error with work in flight': () => {
    process.on('uncaughtException', () => process.exit(0));
    flood();
    throw new Error('uncaught');
  },
  'views of results are held': () => {
    globalThis.held = Array.from({ length: 20 }, (_, i) => big.add(i).toTypedArray());
  },
  'failed evaluations': () => {
    const former = mx.setMemoryLimit(mx.getActiveMemory() + 2 ** 16);
    let refused = 0;
    for (let i = 0; i < 10; i++) {
      try {
        mx.eval(big.matmul(big).add(i));
      } catch (error) {
        if (error.code !== 'METALGRAD_OUT_OF_MEMORY') throw error;
        refused++;
      }
    }
    if (refused === 0) throw new Error('memory did not run out');
    mx.setMemoryLimit(former);
  },
  'routines of all families': () => {
    mx.eval(mx.fft.fft(big), mx.softmax(big), mx.cumsum(big), mx.sort(big), mx.linalg.qr(big), mx.linalg.svd(big), mx.linalg.inv(big));
  },
  'workers are terminated in synchronous work': () => terminated(`${started} for (;;) mx.eval(big.matmul(big));`),
  'workers are terminated with work in flight': () => terminated(`flood(); ${started} setInterval(flood, 5);`),
  'process.exit beside working workers': async () => {
    const workers = [0, 1].map(() => new Worker(`${prelude} flood(); ${started} for (;;) mx.eval(big.matmul(big));`, { eval: true }));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
    process.exit(0);
  },
};

module.exports = Object.keys(forms);

if (require.main === module) {
  // In the main thread, too: an addon that only workers have loaded is unmapped, and its names are then unknown.
  globalThis.require = require;
  runInThisContext(prelude);
  Promise.resolve(forms[process.argv[2]]()).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
