import { transpile, transpileKey } from './transpile.cjs';

/** How jest reads TypeScript. */
export default {
  process: (text, path) => ({ code: transpile(text, path) }),
  getCacheKey: transpileKey,
};
