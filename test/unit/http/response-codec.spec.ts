import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NOT_SHARED } from '../../../lib/http/cached-response.js';
import { ResponseCodec } from '../../../lib/http/response-codec.js';

const codec = new ResponseCodec();
const response = {
  status: 200,
  headers: { 'content-type': 'text/plain', link: ['<a>', '<b>'] },
  form: 'text',
  body: 'line 1\nline 2',
  ttlMs: 60_000,
  requestMs: 1,
  responseMs: 2,
  selecting: { accept: null },
};
const head = (changes: object) => {
  const { payload } = codec.encode({ ...response, ...changes });
  return payload as string;
};

describe('a response in the store', () => {
  it('comes back as it was, also beside what is not kept', () => {
    const { payload, lostClass } = codec.encode({ ...response, tagsOf: () => [] });
    expect(codec.decode(payload)).toEqual({ value: response, freezable: true });
    expect(codec.decode(Buffer.from(payload as string)).value).toEqual(response);
    expect(lostClass).toBeNull();
    expect(payload).toMatch(/\nline 1\nline 2$/);
  });

  it('comes back with any body', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (body) => {
        const text = body.toWellFormed();
        expect((codec.decode(head({ body: text })).value as { body: string }).body).toBe(text);
      }),
    );
  });

  it('is the mark of what is not shared', () => {
    expect(codec.decode(codec.encode(NOT_SHARED).payload).value).toBe(NOT_SHARED);
  });

  it.each<[string, object]>([
    ['a field that breaks out of its line', { headers: { 'x-a': 'b\r\nSet-Cookie: admin=1' } }],
    ['a name that does', { headers: { 'x-a: b\r\nx-c': 'd' } }],
    ['a field with NUL', { headers: { 'x-a': '\0' } }],
    ['a line among several', { headers: { link: ['<a>', 'b\nc'] } }],
    ['a field that is no text', { headers: { 'x-a': 1 } }],
    ['a name in upper case', { headers: { 'X-A': 'b' } }],
    ['fields that are a list', { headers: [] }],
    ['a status that is none', { status: 99 }],
    ['a status that is text', { status: '200' }],
    ['an unknown form', { form: 'html' }],
    ['no times', { responseMs: null }],
  ])('is refused with %s', (_what, changes) => {
    const text = head({}).split('\n').slice(1).join('\n');
    const line = JSON.stringify(
      Object.values({ ...response, ...changes, body: undefined }).filter((one) => one !== undefined),
    );
    expect(() => codec.decode(`${line}\n${text}`)).toThrow();
  });

  it.each(['', 'x', '{}\nbody', '[]\nbody', 'null\nbody'])('is refused where it reads %j', (payload) => {
    expect(() => codec.decode(payload)).toThrow();
  });
});
