import { checkShape } from '../options/check-shape.js';
import { callSchemas } from '../options/operation-schema.js';
import { CacheError, describeValue } from '../shared/errors.js';

const checked = {
  getOrLoad: new WeakSet<object>(),
  write: new WeakSet<object>(),
  evict: new WeakSet<object>(),
};

/**
 * Checks the options of a call by hand, each object once.
 *
 * @param where the region, for messages
 * @throws CacheError RC_INVALID_OPTION
 */
export function checkCallOptions(kind: keyof typeof callSchemas, options: object, where: string): void {
  if (checked[kind].has(options)) return;
  const schema = callSchemas[kind];
  checkShape(schema, options, {
    root: `The options of a call in ${where}`,
    prefix: `A call in ${where}: `,
    namesAt: () => Object.keys(schema.entries),
  });
  checked[kind].add(options);
}

/**
 * @param call the call with the name of the function in it, such as `getOrLoad(key, loader)`
 * @throws CacheError RC_INVALID_OPTION
 */
export function checkCallback(call: string, callback: unknown, where: string): void {
  if (typeof callback === 'function') return;
  throw new CacheError(
    'RC_INVALID_OPTION',
    `${call} in ${where} takes a function that returns a promise, got ${describeValue(callback)}.`,
  );
}
