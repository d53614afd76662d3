import type { Codec, Decoded, Encoded } from '../codecs/codec.js';
import type { HeaderFields } from './gateway/header-fields.js';
import { type BodyForm, type CachedResponse, isNotShared, NOT_SHARED } from './cached-response.js';

const FORMS: readonly string[] = ['json', 'text', 'bytes', 'none'];
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * A line of JSON, `[status, headers, form, ttlMs, requestMs, responseMs, selecting]`, and the body after it as it goes
 * over the wire: a hit parses the line alone, however long the body is.
 *
 * What does not read as a response, a header field that would break out of its line among it, is refused, and so a
 * miss.
 */
export class ResponseCodec implements Codec {
  readonly id = 'http';
  readonly binary = false;

  encode(value: unknown): Encoded {
    if (isNotShared(value)) return { payload: '\n', meta: '', lostClass: null };
    const { status, headers, form, body, ttlMs, requestMs, responseMs, selecting } = value as CachedResponse;
    const head = JSON.stringify([status, headers, form, ttlMs, requestMs, responseMs, selecting]);
    return { payload: `${head}\n${body}`, meta: '', lostClass: null };
  }

  decode(payload: string | Buffer): Decoded {
    const text = typeof payload === 'string' ? payload : payload.toString();
    const end = text.indexOf('\n');
    if (end === 0) return { value: NOT_SHARED, freezable: true };
    const [status, headers, form, ttlMs, requestMs, responseMs, selecting] = JSON.parse(
      text.slice(0, end),
    ) as unknown[];
    if (!isStatus(status) || !FORMS.includes(form as string) || !areFields(headers)) throw new Error('no response');
    if (![ttlMs, requestMs, responseMs].every(Number.isFinite) || typeof selecting !== 'object')
      throw new Error('no times');
    const value: CachedResponse = {
      status,
      headers,
      form: form as BodyForm,
      body: text.slice(end + 1),
      ttlMs: ttlMs as number,
      requestMs: requestMs as number,
      responseMs: responseMs as number,
      selecting: (selecting ?? {}) as CachedResponse['selecting'],
    };
    return { value, freezable: true };
  }
}

export function isStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599;
}

/** True for what Node writes as header fields, and nobody reads as more than that. */
export function areFields(headers: unknown): headers is HeaderFields {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return false;
  return Object.entries(headers).every(
    ([name, value]) =>
      FIELD_NAME.test(name) &&
      (Array.isArray(value) ? value : [value]).every((line) => typeof line === 'string' && FIELD_VALUE.test(line)),
  );
}
