import { createRequire } from 'node:module';
import { describe, expect, it, jest } from '@jest/globals';
import * as msgpackr from 'msgpackr';
import { loadMsgpackr } from '../../../lib/codecs/load-msgpackr.js';
import { MsgpackCodec } from '../../../lib/codecs/msgpack-codec.js';

describe('MsgpackCodec', () => {
  it('names the package and its cures when it is absent', () => {
    expect(() => loadMsgpackr(['/'])).toThrow(
      expect.objectContaining({
        code: 'RC_INVALID_OPTION',
        message: expect.stringMatching(/npm install msgpackr.*new MsgpackCodec\(msgpackr\)/),
      }),
    );
  });

  it('looks from one place after the other', () => {
    expect(loadMsgpackr(['/', import.meta.url])).toHaveProperty('Packr');
  });

  it('is found beside the package, wherever the program was started', () => {
    const { argv } = process;
    const cwd = jest.spyOn(process, 'cwd').mockReturnValue('/');
    process.argv = [argv[0]!];
    try {
      expect(loadMsgpackr()).toHaveProperty('Packr');
    } finally {
      process.argv = argv;
      cwd.mockRestore();
    }
  });

  it('takes the package from the application', () => {
    const codec = new MsgpackCodec(msgpackr);
    const { payload, meta } = codec.encode({ a: [1n] });
    expect(new MsgpackCodec().decode(payload, meta).value).toEqual({ a: [1n] });
  });

  it('writes what any MessagePack reader with record support reads, for plain values', () => {
    const { Unpackr } = createRequire(import.meta.url)('msgpackr') as typeof import('msgpackr');
    const { payload, meta } = new MsgpackCodec().encode([{ a: 1 }, { a: 'b' }]);
    expect(meta).toBe('');
    expect(new Unpackr().unpack(payload as Buffer)).toEqual([{ a: 1 }, { a: 'b' }]);
  });

  it('reads what another instance of it wrote', () => {
    const value = [
      { id: 1, at: new Date(5), big: 2n ** 70n },
      { id: 2, at: null, big: 3n },
    ];
    const { payload, meta } = new MsgpackCodec().encode(value);
    expect(new MsgpackCodec().decode(payload, meta).value).toEqual(value);
  });

  it('keeps notes that are too long for a header in the payload', () => {
    const value = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field-${i}`, i % 2 ? new Date(i) : -0]));
    const codec = new MsgpackCodec();
    const { payload, meta } = codec.encode(value);
    expect(meta).toBe('@');
    expect(codec.decode(payload, meta).value).toEqual(value);
  });

  it('refuses text as a payload', () => {
    expect(() => new MsgpackCodec().decode('{}', '')).toThrow();
  });
});
