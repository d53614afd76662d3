import type { BodyForm } from './cached-response.js';
import { valueBodyOf, wireBodyOf } from './body-form.js';
import type { Exchange } from './exchange.js';
import type { HeaderFields } from './gateway/header-fields.js';

/** What a handler answered: status, fields and body, before anything is sent. */
export interface CollectedResponse {
  readonly status: number;
  /** All fields that are set on the response by now. */
  readonly fields: HeaderFields;
  /** Of these what the handler, or an interceptor inside, has set. */
  readonly own: HeaderFields;
  readonly form: BodyForm;
  readonly body: string;
}

/** What stood on the response before the handler ran. */
export interface Before {
  readonly status: number;
  readonly fields: HeaderFields;
}

export function before(exchange: Exchange): Before {
  return { status: exchange.response.statusCode, fields: exchange.responseFields() };
}

/**
 * @param value what the handler returned
 * @param isAnswered the response is sent already, with something else: what stands on it says nothing of this value
 * @returns null for a stream, and what else is not there yet
 */
export function collectResponse(
  exchange: Exchange,
  value: unknown,
  since: Before,
  answer: 'bytes' | 'value',
  isAnswered: boolean,
): CollectedResponse | null {
  const fields = isAnswered ? since.fields : exchange.responseFields();
  const kept = answer === 'value' ? valueBodyOf(value) : wireBodyOf(value, exchange, fields);
  if (kept === null) return null;
  const own: Record<string, string | readonly string[]> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (String(since.fields[name]) !== String(field)) own[name] = field!;
  }
  const { form, body, contentType } = kept;
  if (contentType !== undefined && fields['content-type'] === undefined) own['content-type'] = contentType;
  const status = isAnswered ? since.status : exchange.response.statusCode;
  return { status, fields: { ...fields, ...own }, own, form, body };
}
