import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Runs it as part of no request: for what outlives the one in which it is made. A timer keeps what AsyncLocalStorage
 * stores there, as does a promise before Node 24: often the request itself, with its user and its body.
 */
export const apart: <Args extends unknown[], T>(run: (...args: Args) => T, ...args: Args) => T =
  AsyncLocalStorage.snapshot();
