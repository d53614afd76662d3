import { describe, expect, it } from '@jest/globals';
import type { Codec, Decoded, Encoded } from '../../lib/codecs/codec.js';
import { JsonCodec } from '../../lib/codecs/json-codec.js';
import { MsgpackCodec } from '../../lib/codecs/msgpack-codec.js';
import { codecTests } from './codec.contract.js';

/** A codec that breaks one promise; the rest is as it should be. */
type Sabotage = Partial<{
  encode(value: unknown, good: Codec): Encoded;
  decode(payload: string | Buffer, meta: string, good: Codec): Decoded;
}>;

const parsed = (payload: string | Buffer): unknown => JSON.parse(payload.toString());

/** By the name of the test that has to catch it. */
const jsonSabotages: Record<string, Sabotage> = {
  'keeps Dates from the earliest to the latest': { decode: (payload) => ({ value: parsed(payload), freezable: true }) },
  'keeps undefined as a field, as an item and alone in an object': {
    encode: (value) => ({ payload: JSON.stringify(value), meta: '' }),
  },
  'keeps NaN, both infinities and -0': {
    encode: (value, good) => good.encode(mapLeaves(value, (leaf) => (Object.is(leaf, -0) ? 0 : leaf))),
  },
  'keeps names that objects inherit': {
    decode: (payload, meta, good) => ({
      ...good.decode(payload, meta),
      value: assigned(good.decode(payload, meta).value),
    }),
  },
  'keeps text with control characters and lone surrogates': {
    encode: (value, good) => ({
      ...good.encode(value),
      payload: good
        .encode(value)
        .payload.toString()
        .replace(/\\ud[89a-f]../g, '\ufffd'),
    }),
  },
  'keeps texts that look like special values': {
    decode: (payload, meta, good) => ({
      value: mapLeaves(good.decode(payload, meta).value, (leaf) =>
        /^\d{4}-.*Z$/.test(String(leaf)) ? new Date(String(leaf)) : leaf,
      ),
      freezable: false,
    }),
  },
  'keeps rows whose columns are Date, null or undefined': {
    decode: (payload, meta, good) => ({
      value: meta.startsWith('["*"')
        ? (parsed(payload) as Record<string, never>[]).map((row) => ({ ...row, gone: new Date(row['gone']!) }))
        : good.decode(payload, meta).value,
      freezable: false,
    }),
  },
  'refuses a function, naming its path': { encode: (value) => ({ payload: JSON.stringify(value), meta: '' }) },
  'refuses a cycle through an object, naming its path': {
    encode: (value, good) => {
      try {
        return { payload: JSON.stringify(value), meta: '' };
      } catch {
        return good.encode(null);
      }
    },
  },
  'refuses a symbol, naming its path': {
    encode: (value, good) => {
      try {
        return good.encode(value);
      } catch {
        throw new Error('cannot encode');
      }
    },
  },
  'says that Date, Map, Set and bytes cannot be frozen, however deep': {
    decode: (payload, meta, good) => ({ ...good.decode(payload, meta), freezable: true }),
  },
  'says that plain data, undefined and numbers can be frozen': {
    decode: (payload, meta, good) => ({ ...good.decode(payload, meta), freezable: false }),
  },
  'makes a new value with bytes of its own at each decode': (() => {
    const kept = new Map<string, Decoded>();
    return {
      decode: (payload, meta, good) => {
        const key = `${meta}\n${payload.toString()}`;
        if (!kept.has(key)) kept.set(key, good.decode(payload, meta));
        return kept.get(key)!;
      },
    } satisfies Sabotage;
  })(),
  'throws at a payload that ends early': {
    decode: (payload, meta, good) => {
      try {
        return good.decode(payload, meta);
      } catch {
        return { value: undefined, freezable: true };
      }
    },
  },
  'throws at a meta that is not one': {
    decode: (payload, meta, good) => {
      try {
        return good.decode(payload, meta);
      } catch {
        return good.decode(payload, '');
      }
    },
  },
  'does not pollute a prototype by notes that name one': {
    decode: (payload, meta, good) => {
      if (meta.includes('polluted')) (Object.prototype as { polluted?: number }).polluted = 1;
      return good.decode(payload, meta);
    },
  },
  'writes a short meta without line ends and without characters that UTF-8 lacks': {
    encode: (value, good) => ({ ...good.encode(value), meta: `${good.encode(value).meta}\n` }),
  },
  'notes a column of a thousand rows once': {
    encode: (value, good) => ({ ...good.encode(value), meta: 'x'.repeat(200) }),
  },
  'names the class of an instance that comes back as something else': {
    encode: (value, good) => ({ payload: good.encode(value).payload, meta: good.encode(value).meta }),
  },
  'says what becomes of an instance, and whether type makes it again': {
    encode: (value, good) => {
      const { lostClass, ...encoded } = good.encode(value);
      return { ...encoded, lostClass: lostClass && { ...lostClass, isRevivable: true } };
    },
  },
  'names the path where reading the value fails, and the class of what was thrown, not its text': {
    encode: (value, good) => good.encode(JSON.parse(JSON.stringify(value))),
  },
  'refuses a URLSearchParams, naming its path': { encode: (value) => ({ payload: JSON.stringify(value), meta: '' }) },
  'passes what a getter throws on as the cause': {
    encode: (value, good) => good.encode(JSON.parse(JSON.stringify(value))),
  },
  'writes the kind of payload that it says': {
    encode: (value, good) => ({ ...good.encode(value), payload: Buffer.from(good.encode(value).payload as string) }),
  },
  'keeps any value of any kinds': {
    encode: (value, good) => good.encode(mapLeaves(value, (leaf) => (leaf === '' ? undefined : leaf))),
  },
  'takes an object with toJSON as its result': {
    encode: (value, good) => good.encode(mapLeaves(value, (leaf) => (typeof leaf === 'function' ? undefined : leaf))),
  },
};

const msgpackSabotages: Record<string, Sabotage> = {
  'makes a new value with bytes of its own at each decode': {
    decode: (payload, meta, good) => {
      const { value, freezable } = good.decode(payload, meta);
      const bytes = payload as Buffer;
      const at = bytes.indexOf('content');
      if (at >= 0) (value as { bytes: Buffer }).bytes = bytes.subarray(at, at + 7);
      return { value, freezable };
    },
  },
  'keeps names that objects inherit': {
    encode: (value) => ({ payload: new MsgpackCodec()['packr'].pack(value), meta: '' }),
  },
};

describe('Codec contract', () => {
  it.each(Object.entries(jsonSabotages))('catches a json codec that breaks: %s', async (name, sabotage) => {
    await expect(runTest(name, new JsonCodec(), sabotage)).rejects.toThrow();
  });

  it.each(Object.entries(msgpackSabotages))('catches a msgpack codec that breaks: %s', async (name, sabotage) => {
    await expect(runTest(name, new MsgpackCodec(), sabotage)).rejects.toThrow();
  });
});

async function runTest(name: string, good: Codec, sabotage: Sabotage): Promise<void> {
  const test = codecTests.find((candidate) => candidate.name === name);
  if (test === undefined) return; // no such test: nothing throws, and the caller fails
  const codec: Codec = {
    id: good.id,
    binary: good.binary,
    encode: (value) => (sabotage.encode ? sabotage.encode(value, good) : good.encode(value)),
    decode: (payload, meta) => (sabotage.decode ? sabotage.decode(payload, meta, good) : good.decode(payload, meta)),
  };
  try {
    await test.run({ codec, close: () => Promise.resolve() });
  } finally {
    delete (Object.prototype as { polluted?: number }).polluted;
  }
}

/** A copy of plain objects and arrays with other leaves. */
function mapLeaves(value: unknown, map: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, map));
  if (typeof value !== 'object' || value === null || value instanceof Date) return map(value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, mapLeaves(field, map)]));
}

/** Copied by assignment, as careless code does: a field named __proto__ becomes the prototype. */
function assigned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) copy[name] = assigned(field);
  return copy;
}
