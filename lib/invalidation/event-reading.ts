import { CacheError } from '../shared/errors.js';

/** An event, taken out of its message. */
export interface ReadEvent {
  readonly event: object;
  /** Null: none of the places where it may stand has one. */
  readonly type: string | null;
  /** When it happened, as it says itself; null: it does not say. */
  readonly timestampMs: number | null;
}

/** Where envelopes keep the event: CloudEvents, Debezium, outboxes, and what people write. */
const INSIDE = ['data', 'payload', 'event', 'message', 'body', 'detail'];
const TIMES = ['timestamp', 'occurredAt', 'time', 'createdAt', 'ts'];

/**
 * Reads a message's payload: parsed, text or bytes of JSON; the event itself, or an envelope with the event inside.
 *
 * What has a type of its own is the event, whatever else it holds. Else the event is the first object inside that has
 * one.
 *
 * @param typeField where the type stands, such as `type` or `meta.name`
 * @throws CacheError RC_INVALID_EVENT, without any of its content
 */
export function readEvent(payload: unknown, typeField: string): ReadEvent {
  const message = objectOf(payload);
  const type = textAt(message, typeField);
  if (type !== null) return { event: message, type, timestampMs: timeOf(message) };
  for (const name of INSIDE) {
    const inner = innerOf((message as Record<string, unknown>)[name]);
    const innerType = inner && textAt(inner, typeField);
    if (inner && innerType !== null) {
      return { event: inner, type: innerType, timestampMs: timeOf(inner) ?? timeOf(message) };
    }
  }
  return { event: message, type: null, timestampMs: timeOf(message) };
}

function objectOf(payload: unknown): object {
  const parsed = typeof payload === 'string' || payload instanceof Uint8Array ? parsedOf(payload) : payload;
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw invalid(`is ${kindOf(parsed)}, not an object`);
}

function parsedOf(payload: string | Uint8Array): unknown {
  const text = typeof payload === 'string' ? payload : Buffer.from(payload).toString('utf8');
  if (text.trim() === '') throw invalid('is empty');
  try {
    return JSON.parse(text);
  } catch {
    // the parser's error quotes the content
    throw invalid(`is not JSON (${text.length} characters)`);
  }
}

function innerOf(value: unknown): object | null {
  try {
    return value == null ? null : objectOf(value);
  } catch {
    return null;
  }
}

function textAt(message: object, path: string): string | null {
  let value: unknown = message;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as Record<string, unknown>)[name];
  }
  return typeof value === 'string' && value !== '' ? value : null;
}

function timeOf(message: object): number | null {
  for (const name of TIMES) {
    const value = (message as Record<string, unknown>)[name];
    const ms = typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? value : NaN;
    // a number of seconds, or a count, is no time in ms
    if (Number.isFinite(ms) && ms > FIRST_MS && ms < LAST_MS) return ms;
  }
  return null;
}

const FIRST_MS = Date.UTC(2000, 0);
const LAST_MS = Date.UTC(3000, 0);

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? `an array of ${value.length}` : `a ${typeof value}`;
}

function invalid(what: string): CacheError {
  return new CacheError('RC_INVALID_EVENT', `The message ${what}. Send one event per message, as a JSON object.`);
}
