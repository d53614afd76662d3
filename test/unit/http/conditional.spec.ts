import { describe, expect, it } from '@jest/globals';
import { isNotModified } from '../../../lib/http/conditional.js';

const etag = '"a,b\\"';
const has = (request: Record<string, string | string[]>, response: Record<string, string> = { etag }) =>
  isNotModified(request, response);

describe('whether a client has the response', () => {
  it.each([etag, `W/${etag}`, `"x", ${etag}`, `"x",,${etag},`, ' * ', `bad, "x", W/${etag}`, `""  ,  ${etag}`])(
    'is so by If-None-Match: %s',
    (tags) => {
      expect(has({ 'if-none-match': tags })).toBe(true);
    },
  );

  it.each(['"a', 'a,b', '"b\\"', `w/${etag}`, `"x"${etag}`, `${etag}x`, '', ',', '"', '**', '*, "x"'])(
    'is not by If-None-Match: %s',
    (tags) => {
      expect(has({ 'if-none-match': tags })).toBe(false);
    },
  );

  it('reads several lines as one, and a weak tag of its own as well', () => {
    expect(has({ 'if-none-match': ['"x"', etag] })).toBe(true);
    expect(has({ 'if-none-match': '"a"' }, { etag: 'W/"a"' })).toBe(true);
    expect(has({ 'if-none-match': '"a"' }, {})).toBe(false);
  });

  it('is so by date, where no tag is asked for', () => {
    const since = (date: string, response = {}) => has({ 'if-modified-since': date }, response);
    const modified = { 'last-modified': 'Thu, 01 Jan 2026 12:00:00 GMT' };
    expect(since('Thu, 01 Jan 2026 12:00:00 GMT', modified)).toBe(true);
    expect(since('Thu, 01 Jan 2026 11:59:59 GMT', modified)).toBe(false);
    expect(since('soon', modified)).toBe(false);
    expect(has({ 'if-modified-since': 'Thu, 01 Jan 2026 12:00:00 GMT', 'if-none-match': '"x"' }, modified)).toBe(false);
  });

  it('is not so by date without Last-Modified: the date proves nothing of when the client got what', () => {
    expect(
      has({ 'if-modified-since': 'Thu, 01 Jan 2099 12:00:00 GMT' }, { date: 'Thu, 01 Jan 2026 12:00:00 GMT' }),
    ).toBe(false);
  });
});
