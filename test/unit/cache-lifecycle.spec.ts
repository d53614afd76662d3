import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CacheLifecycle } from '../../lib/cache-lifecycle.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { gate } from '../support/fake-clock.js';

describe('a boot for which Redis is too late', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  async function bootLate() {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const opening = gate();
    const cache = {
      open: () => opening.promise,
      close: async () => {},
      inspect: async () => [],
      status: () => ({
        name: 'default',
        enabled: true,
        disabledRegions: [],
        l1: null,
        endpoints: [],
        incarnations: 0,
        evictions: 0,
        evictionsFailed: 0,
        pendingEvictions: 0,
        oldestPendingEvictionMs: null,
        readsInFlight: 0,
        regions: {},
      }),
    };
    const lifecycle = new CacheLifecycle(
      cache,
      resolveOptions({ service: 'user' }),
      () => 3,
      { log: write, warn: write, error: write, debug: write },
      async () => {},
    );
    const boot = lifecycle.onModuleInit();
    await jest.advanceTimersByTimeAsync(5_000);
    await boot;
    return { lifecycle, lines, opening };
  }

  it('goes on without, and does not say that Redis answers only because the cache was opened', async () => {
    const { lines, opening } = await bootLate();
    expect(lines).toEqual([
      'Redis has not answered yet. The application starts without it: calls load until it answers.',
    ]);
    opening.open();
    await jest.advanceTimersByTimeAsync(0);
    expect(lines.slice(1)).toEqual([expect.stringMatching(/^Cache of service "user" starts: .* 3 cached methods/)]);
  });

  it('says nothing more once it is closed', async () => {
    const { lifecycle, lines, opening } = await bootLate();
    await lifecycle.onApplicationShutdown();
    opening.open();
    await jest.advanceTimersByTimeAsync(0);
    expect(lines).toHaveLength(1);
  });
});
