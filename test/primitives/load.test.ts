import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(__dirname, '../../lib/primitives');
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));

// The families import one another in a circle, which must work from wherever it is entered.
test.each(files)('%s can be loaded first', (file) => {
  jest.isolateModules(() => {
    expect(() => require(join(folder, file))).not.toThrow();
  });
});
