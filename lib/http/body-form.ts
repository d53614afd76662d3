import { StreamableFile } from '@nestjs/common';
import type { BodyForm } from './cached-response.js';
import type { Exchange } from './exchange.js';
import { combined, type HeaderFields } from './gateway/header-fields.js';

/** A body as it is kept; `contentType` where the adapter would add one. */
export interface KeptBody {
  readonly form: BodyForm;
  readonly body: string;
  readonly contentType?: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const NONE: KeptBody = { form: 'none', body: '' };

/**
 * The bytes that the adapter would send for what a handler returned; null where they cannot be known, or come by and
 * by.
 */
export function wireBodyOf(value: unknown, exchange: Exchange, fields: HeaderFields): KeptBody | null {
  const isFastify = exchange.response.serialize !== undefined;
  // Fastify sends the JSON of null
  if (value === undefined || (value === null && !isFastify)) return NONE;
  if (typeof value === 'string') return { form: 'text', body: value };
  if (typeof value === 'function' || typeof value === 'symbol' || isStreaming(value)) return null;
  try {
    return isFastify ? fastifyBody(value, exchange, fields) : expressBody(value, exchange);
  } catch {
    // the adapter will fail as well, and say why
    return null;
  }
}

/**
 * The JSON of what a handler returned, for those who may change it on its way out; null for what JSON does not give
 * back.
 */
export function valueBodyOf(value: unknown): KeptBody | null {
  if (value === undefined) return NONE;
  if (value === null) return { form: 'json', body: 'null' };
  if (typeof value === 'string') return { form: 'text', body: value };
  return isPlain(value, 0) ? { form: 'json', body: JSON.stringify(value) } : null;
}

function expressBody(value: unknown, { response }: Exchange): KeptBody | null {
  if (typeof value !== 'object') return { form: 'text', body: String(value) };
  // something between Nest and the client changes what is sent
  if (Object.hasOwn(response, 'json')) return null;
  const setting = (name: string) => response.app?.get(name);
  const text = JSON.stringify(value, setting('json replacer') as undefined, setting('json spaces') as undefined);
  if (typeof text !== 'string') return null;
  return { form: 'json', body: setting('json escape') ? escaped(text) : text, contentType: JSON_TYPE };
}

function fastifyBody(value: unknown, { response }: Exchange, fields: HeaderFields): KeptBody | null {
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { form: 'bytes', body: bytes.toString('base64'), contentType: 'application/octet-stream' };
  }
  const type = combined(fields, 'content-type');
  if (type !== undefined && !type.includes('json')) return null;
  if (hasBodyHooks(response)) return null;
  const text = response.serialize!(value);
  return typeof text === 'string' ? { form: 'json', body: text, contentType: JSON_TYPE } : null;
}

/** Hooks of Fastify that change what is serialised (`preSerialization`), and never see a text. */
function hasBodyHooks(response: object): boolean {
  let symbol: symbol | undefined;
  for (let level: object | null = response; level && !symbol; level = Object.getPrototypeOf(level) as object | null) {
    symbol = Object.getOwnPropertySymbols(level).find(({ description }) => description === 'fastify.context');
  }
  const route = symbol && (response as Record<symbol, { preSerialization?: unknown } | undefined>)[symbol];
  return route?.preSerialization != null;
}

/** As Express does by its setting `json escape`. */
function escaped(text: string): string {
  return text.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** Sent piece by piece, or by somebody who knows how: files, streams, responses of fetch, iterators. */
function isStreaming(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  if (value instanceof StreamableFile || value instanceof Response || value instanceof Blob) return true;
  const shape = value as { pipe?: unknown; getReader?: unknown; getStream?: unknown; subscribe?: unknown };
  if ([shape.pipe, shape.getReader, shape.getStream, shape.subscribe].some((one) => typeof one === 'function'))
    return true;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}

const MAX_DEPTH = 1_000;

/** Plain objects, arrays, dates and primitives: what a serializer further out would get the same from JSON. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null || value instanceof Date) return true;
  if (depth >= MAX_DEPTH || 'toJSON' in value) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((child) => isPlain(child, depth + 1));
}
