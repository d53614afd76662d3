import { beforeEach, describe, expect, it } from '@jest/globals';
import { BucketView } from '../../../lib/cache/bucket-view.js';
import type { EntryCall } from '../../../lib/cache/entry-call.js';
import { LoadScopes } from '../../../lib/cache/load-scopes.js';
import { LocalTier } from '../../../lib/cache/local-tier.js';
import { resolveReadPolicy } from '../../../lib/cache/read-policy.js';
import { RegionState } from '../../../lib/cache/region-state.js';
import { JsonCodec } from '../../../lib/codecs/json-codec.js';
import type { CacheKey } from '../../../lib/keys/cache-key.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { LruLocalStore } from '../../../lib/stores/memory/lru-local-store.js';
import { FakeClock } from '../../support/fake-clock.js';

const { defaults } = resolveOptions({ service: 'test' });
const region = new RegionState('users', defaults, new JsonCodec(), silentLogger);
const policy = resolveReadPolicy(defaults, {}, 'test');
const other = resolveReadPolicy(defaults, { mutable: true }, 'test');
const MAX_ENTRIES = 4;
const TTL_MS = 500;

let clock: FakeClock;
let view: BucketView;
let tier: LocalTier;
/** As the memo of a region gives it: the same object for each call. */
let key: CacheKey;

const aPoll = { incarnation: 1, earlierIncarnations: [], sequence: 5, markSequence: 0, stampClock: 5, nowMicros: 0 };
const poll = () => view.adopt({ ...aPoll, stamps: [0, 0] } as never, ['*', 'r:users'], clock.now());

function keep(entry: string, value: string, at: number, tags: readonly string[] = []): void {
  const call: EntryCall = { region, key: { entry, bucket: 0 }, policy, args: [] };
  const read = {
    stamp: 7,
    tags,
    freshUntilMs: clock.now() + TTL_MS,
    at,
    bytes: 10,
    freshUntilMicros: 0,
    loadMicros: 0,
  };
  const ticket = { entry, isPoisoned: false, epoch: view.epoch };
  const decoded = { isShared: true, value } as never;
  tier.keep(call, ticket as never, { incarnation: 1, sequence: 5 } as never, decoded, read);
}
const find = () => tier.find(key, policy.shape)?.value;

beforeEach(() => {
  clock = new FakeClock();
  view = new BucketView();
  const store = new LruLocalStore({ maxEntries: MAX_ENTRIES, maxBytes: 1_000_000 });
  tier = new LocalTier(store, [view], clock, 1_000, new LoadScopes(false));
  key = { entry: 'k', bucket: 0 };
  poll();
  keep('k', 'first', 1, ['team']);
});

describe('what was found once by a key that is remembered', () => {
  beforeEach(() => {
    expect([find(), find()]).toEqual(['first', 'first']);
  });

  it.each<[string, () => unknown]>([
    ['was dropped', () => tier.drop('k')],
    ['was invalidated', () => tier.invalidate('k', 6)],
    ['was cleared with all', () => tier.clear()],
    ['is of before a flush', () => (view.flush(), poll())],
    ['is past its ttl', () => clock.advance(TTL_MS)],
    ['is not proven any more', () => (view.verifiedAtMs -= 1_001)],
    ['has a tag that was evicted', () => view.learn('t:team', 8)],
    ['is of a region that was cleared', () => view.learn('r:users', 8)],
    ['is held back by a lease', () => view.require({ incarnation: 1, sequence: 6 } as never)],
    ['made room for others', () => ['a', 'b', 'c', 'd', 'e'].forEach((name, n) => keep(name, name, 2 + n))],
  ])('is not served when it %s', async (_why, happens) => {
    await happens();
    expect([find(), find()]).toEqual([undefined, undefined]);
  });

  it('is not served to a reader of another shape, and stays with those of its own', () => {
    expect(tier.find(key, other.shape)).toBeUndefined();
    expect(find()).toBe('first');
  });

  it('gives way to what is read after it', () => {
    keep('k', 'second', 2);
    expect([find(), find()]).toEqual(['second', 'second']);
    tier.drop('k');
    expect(find()).toBeUndefined();
    keep('k', 'third', 3);
    expect(find()).toBe('third');
  });

  it('stays while others come and go, as long as it is asked for', () => {
    for (let n = 0; n < 20; n++) {
      keep(`n${n}`, 'x', 2 + n);
      expect(find()).toBe('first');
    }
  });
});
