import type { HeaderFields } from './header-fields.js';

/** What a shared cache decides by of a response. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderFields;
}

/** What it decides by of a request; the method in upper case. */
export interface RequestHead {
  readonly method: string;
  readonly headers: HeaderFields;
}

/** Times of an exchange with the origin, ms since the epoch by this instance's clock (RFC 9111, section 4.2.3). */
export interface ExchangeTimes {
  readonly requestMs: number;
  readonly responseMs: number;
}

/** A response with what its reuse depends on. */
export interface StoredResponse extends ResponseHead, ExchangeTimes {
  readonly body: Uint8Array;
  /** The request's fields that `Vary` names, normalised; null: the request had none. */
  readonly selecting: Readonly<Record<string, string | null>>;
}
