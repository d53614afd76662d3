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
  /** It bears credentials: Authorization, a cookie, or a user whom a guard has found. */
  readonly isPersonal: boolean;
}

/** Times of an exchange with the origin, ms since the epoch by this instance's clock (RFC 9111, section 4.2.3). */
export interface ExchangeTimes {
  readonly requestMs: number;
  readonly responseMs: number;
}
