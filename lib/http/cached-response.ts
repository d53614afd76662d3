import type { HeaderFields } from './gateway/header-fields.js';

/**
 * How a body is kept. `json`: the text that serialises what the handler returned; `text`: a string that it returned;
 * `bytes`: in base64; `none`: it returned nothing.
 */
export type BodyForm = 'json' | 'text' | 'bytes' | 'none';

/** A response as it is kept: what it takes to send it again. */
export interface CachedResponse {
  readonly status: number;
  /** By lower-case name; nothing that belongs to one request or one connection. */
  readonly headers: HeaderFields;
  readonly form: BodyForm;
  readonly body: string;
  /** How long it was to be fresh when it was made, ms. */
  readonly ttlMs: number;
  /** When the handler began and ended, ms since the epoch by that instance's clock. */
  readonly requestMs: number;
  readonly responseMs: number;
  /** Request fields that the response's own Vary names, beyond the key; see gateway/selection.ts. */
  readonly selecting: Readonly<Record<string, string | null>>;
}

/** The handler has answered with what is not for others: whoever waited for it runs a handler of their own. */
export const NOT_SHARED = Object.freeze({ '~not-shared': true });

export function isNotShared(value: unknown): boolean {
  return (value as Partial<typeof NOT_SHARED> | null)?.['~not-shared'] === true;
}

/** The body as bytes of the wire. */
export function bytesOf({ form, body }: Pick<CachedResponse, 'form' | 'body'>): Buffer {
  return Buffer.from(body, form === 'bytes' ? 'base64' : 'utf8');
}
