/**
 * TypeScript as JavaScript with an inline source map, without a look at its types: `npm run typecheck` is for that.
 *
 * @param path for messages and the source map; from the root of the repository, or absolute
 * @throws Error when it is not TypeScript
 */
export function transpile(text: string, path: string): string;

/** A text that differs wherever the output may. */
export function transpileKey(text: string, path: string): string;
