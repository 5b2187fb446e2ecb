/** metalgrad: every function by itself, all of them as `core`, and the same namespace as the default export. */

import * as core from './core';

export * from './core';
export { core };
export default core;
