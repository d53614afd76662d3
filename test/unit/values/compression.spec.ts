import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Compression, isCompressed } from '../../../lib/values/compression.js';
import type { Clock } from '../../../lib/shared/clock.js';
import { FakeClock } from '../../support/fake-clock.js';

const clock = new FakeClock();
const compression = new Compression(clock);

/** No thread is ever in time, least of all with 8 MB. */
const never: Clock = {
  now: () => 0,
  after(_, action) {
    action();
    return { cancel() {} };
  },
};

const TEXT = JSON.stringify(
  Array.from({ length: 500 }, (_, id) => ({ id, name: `Zoë ${id}`, at: `2026-11-${id % 30}` })),
);
const given = (payload: string | Buffer, format = 'json {"at":"D"}') => ({
  payload,
  format,
  bytes: Buffer.byteLength(payload),
});
const MAX = 10 ** 6;
const squeezed = brotliCompressSync(TEXT);

describe('Compression', () => {
  it.each<[string, string | Buffer]>([
    ['text', TEXT],
    ['bytes', Buffer.from(TEXT)],
    ['1 MB', 'x€'.repeat(262_144)],
  ])('gives %s back', async (_, payload) => {
    const written = await compression.compress(given(payload));
    expect(isCompressed(written.format)).toBe(true);
    expect(written.payload.length).toBeLessThan(payload.length / 2);
    const bytes = Buffer.byteLength(payload);
    expect(written.format).toBe(`br+${bytes} json {"at":"D"}`);
    const { payload: back, format } = await compression.decompress(written, bytes);
    expect(format).toBe('json {"at":"D"}');
    expect(back.equals(Buffer.from(payload as string))).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ['random bytes', randomBytes(100_000)],
    ['what is compressed already', squeezed],
    ['what gains a tenth', Buffer.concat([randomBytes(90_000), Buffer.alloc(10_000)])],
    ['a byte', Buffer.from('x')],
  ])('leaves %s as it is', async (_, payload) => {
    const before = given(payload, 'msgpack');
    expect(await compression.compress(before)).toBe(before);
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes what gains a fifth', async () => {
    const payload = Buffer.concat([randomBytes(80_000), Buffer.alloc(20_000)]);
    const written = await compression.compress(given(payload, 'msgpack'));
    expect((await compression.decompress(written, MAX)).payload.equals(payload)).toBe(true);
  });

  it('leaves a payload as it is when no thread is in time', async () => {
    const before = given(randomBytes(2 ** 22).toString('hex'));
    expect(await new Compression(never).compress(before)).toBe(before);
  });

  it('decompresses here when no thread is in time', async () => {
    const written = { payload: squeezed, format: `br+${Buffer.byteLength(TEXT)} json` };
    const { payload } = await new Compression(never).decompress(written, MAX);
    expect(payload.toString()).toBe(TEXT);
    await expect(
      new Compression(never).decompress({ ...written, payload: squeezed.subarray(9) }, MAX),
    ).rejects.toThrow();
  });
});

describe('while no thread is free', () => {
  const directory = mkdtempSync(join(tmpdir(), 'compression-'));
  const pipe = join(directory, 'pipe');
  let busy: Promise<Awaited<ReturnType<typeof open>>[]>;
  beforeEach(() => {
    execFileSync('mkfifo', [pipe]);
    // each holds a thread until somebody opens the other end
    const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
    busy = Promise.all(Array.from({ length: threads }, () => open(pipe)));
  });
  afterEach(async () => {
    const writer = openSync(pipe, 'r+');
    for (const reader of await busy) await reader.close();
    closeSync(writer);
    rmSync(directory, { recursive: true });
  });

  it('decompresses no more than one value in a turn of the event loop', async () => {
    const written = { payload: squeezed, format: `br+${Buffer.byteLength(TEXT)} json` };
    const pressed = new Compression(never);
    let done = 0;
    const all = Array.from({ length: 8 }, () => pressed.decompress(written, MAX).finally(() => (done += 1)));
    for (let turn = 0; turn < 8; turn++) {
      expect(done).toBe(turn);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { payload } of await Promise.all(all)) expect(payload.toString()).toBe(TEXT);
  });
});

describe('what comes out of Redis', () => {
  const bytes = Buffer.byteLength(TEXT);

  it.each<[string, string | Buffer, string]>([
    ['is cut short', squeezed.subarray(0, -1), `br+${bytes} json`],
    ['is empty', Buffer.alloc(0), `br+${bytes} json`],
    ['is not compressed', Buffer.from(TEXT), `br+${bytes} json`],
    ['is random', randomBytes(5_000), `br+${bytes} json`],
    ['was read as text', squeezed.toString(), `br+${bytes} json`],
    ['is longer than stated', squeezed, `br+${bytes - 1} json`],
    ['is shorter than stated', squeezed, `br+${bytes + 1} json`],
    ['states nothing', squeezed, 'br+ json'],
    ['states no number', squeezed, 'br+1e9 json'],
    ['states a negative number', squeezed, 'br+-1 json'],
    ['has no format of its own', squeezed, `br+${bytes}`],
    ['states more than a number holds', squeezed, `br+${'9'.repeat(400)} json`],
  ])('is refused when it %s', async (_, payload, format) => {
    await expect(compression.decompress({ payload, format }, MAX)).rejects.toThrow();
    expect(clock.pendingTimers).toBe(0);
  });

  it('never becomes larger than the limit, nor than it says', async () => {
    const bomb = brotliCompressSync(Buffer.alloc(64 * 1024 ** 2), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
    expect(bomb.length).toBeLessThan(20_000);
    const before = process.memoryUsage().arrayBuffers;
    for (const stated of [1_000, MAX, MAX + 1, 64 * 1024 ** 2]) {
      const written = { payload: bomb, format: `br+${stated} json` };
      await expect(compression.decompress(written, MAX)).rejects.toThrow();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * MAX);
  });
});
