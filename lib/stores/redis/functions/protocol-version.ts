/**
 * Part of the names of the library and its functions. Raise it with **every** change of the library's text: a server
 * keeps what it has under a name, and replacing a library would reset its identity and so empty the cache. A test pins
 * the text to this number.
 */
export const PROTOCOL_VERSION = 8;

export const LIBRARY_NAME = `nestjs_redis_cache_${PROTOCOL_VERSION}`;

export type FunctionVerb =
  | 'getl'
  | 'fill'
  | 'evict'
  | 'soft_evict'
  | 'fence'
  | 'unfence'
  | 'put'
  | 'mark'
  | 'release'
  | 'renew'
  | 'poll'
  | 'survey'
  | 'probe';

/** The name under which a function is called, on every server. */
export function functionName(verb: FunctionVerb): string {
  return `nrc${PROTOCOL_VERSION}_${verb}`;
}
