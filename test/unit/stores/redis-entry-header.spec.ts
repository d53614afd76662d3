import { describe, expect, it } from '@jest/globals';
import { labelBytes, MAX_LABEL_BYTES } from '../../../lib/entries/stored-entry.js';
import { escapeText, MAX_HEADER_BYTES, parseEntry, unescapeText } from '../../../lib/stores/redis/entry-header.js';

const whole = '1|7|1790000000000001|1790000300000000|1500|42|org%2c5,b|json x|y\n{"a":1}';

describe('entry header', () => {
  it('is read into an entry; the format may hold what separates the other fields', () => {
    expect(parseEntry(whole)).toEqual({
      payload: '{"a":1}',
      format: 'json x|y',
      stamp: 7,
      incarnation: 1790000000000001,
      freshUntilMicros: 1790000300000000,
      loadMicros: 1500,
      version: '42',
      tags: ['org,5', 'b'],
    });
  });

  it('may hold in its format whatever is no line end', () => {
    const format = 'json {"\u2028":"D","\u2029":"D","\r":"D"}';
    const raw = `1|7|1|0|0|||${format}\n{}`;
    expect(parseEntry(raw)).toMatchObject({ format, payload: '{}' });
    expect(parseEntry(Buffer.from(raw))).toMatchObject({ format });
  });

  it('has room for the longest tags and format that are written, in the form in which they take the most', () => {
    const tags = ['org:5', '%|,\n', 'ü€😀', '\ud800', 'a\udc00b,'];
    for (let n = 0; labelBytes(tags, 'json') < MAX_LABEL_BYTES - 100; n++) tags.push(`tag, ${n} | \ud800 ü`);
    const written = tags.map(escapeText).join(',');
    expect(labelBytes(tags, 'json')).toBeGreaterThanOrEqual(Buffer.byteLength(`${written}|json`));
    const numbers = '9'.repeat(16);
    const head = `1|${numbers}|${numbers}|${numbers}|${numbers}|${'9'.repeat(40)}|`;
    expect(head.length + MAX_LABEL_BYTES + 2).toBeLessThan(MAX_HEADER_BYTES);
    expect(parseEntry(Buffer.from(`${head}${written}|json\n{}`))?.tags).toEqual(tags);
  });

  it('is read the same from bytes, which leave the payload as it is', () => {
    const payload = Buffer.from([0, 10, 255, 124, 10]);
    const entry = parseEntry(Buffer.concat([Buffer.from('1|7|1|0|0|||msgpack\n'), payload]));
    expect(entry).toMatchObject({ format: 'msgpack', version: '', tags: [], freshUntilMicros: 0 });
    expect(payload.equals(entry!.payload as Buffer)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['JSON of another program', '{"a":1}'],
    ['no end', whole.replace('\n', '')],
    ['another format version', whole.replace('1|', '2|')],
    ['a missing field', '1|7|1|0|0|json\n{}'],
    ['a negative stamp', '1|-7|1|0|0|||json\n{}'],
    ['a number too long to be exact', '1|7|17900000000000001|0|0|||json\n{}'],
    ['a version that is no number', '1|7|1|0|0|v2||json\n{}'],
    ['a header cut in the middle', whole.slice(0, 20)],
    ['a header without end, over the bound', `1|7|1|0|0||${'a'.repeat(70_000)}|json\n{}`],
  ])('is not ours: %s', (_, raw) => {
    expect(parseEntry(raw)).toBeNull();
    expect(parseEntry(Buffer.from(raw))).toBeNull();
  });
});

describe('text between separators', () => {
  it.each(['', 'org:5', '100%', 'a|b,c\nd', '%2c', '%u0041', 'ü€😀', '\ud800', 'a\udc00b'])(
    'comes back: %j',
    (text) => {
      const escaped = escapeText(text);
      expect(escaped).not.toMatch(/[|,\n]/);
      expect(Buffer.from(escaped).toString()).toBe(escaped);
      expect(unescapeText(escaped)).toBe(text);
    },
  );

  it('stays as it is when it holds no separator', () => {
    expect(escapeText('org:5 ü {a}')).toBe('org:5 ü {a}');
  });
});
