// Lets plain Node (child processes, workers) require the library's TypeScript: require(this file), then require('../../lib').

const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    sourceMaps: false,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  module._compile(code, filename);
};

// As in the suite: the default device is the one that the run is about.
require('../support/default-device.ts');
