import { expect } from '@jest/globals';
import type { StoredEntry } from '../../../lib/entries/stored-entry.js';
import type { CacheKey } from '../../../lib/keys/cache-key.js';
import type { Keyspace } from '../../../lib/keys/keyspace.js';
import type { ChannelMessage } from '../../../lib/stores/channel.js';
import type {
  EntryArgs,
  FillArgs,
  FillOutcome,
  LeaseArgs,
  PutArgs,
  PutOutcome,
  ReadOrLease,
  RemoteStore,
} from '../../../lib/stores/remote-store.js';
import type { RemoteStoreHarness } from '../remote-store.contract.js';

/** Long enough that it never ends within a test. */
export const LONG_MS = 60_000;

/**
 * Age of a tombstone in tests of versioned puts. Those are refused until the server's own incarnation is older than
 * that (T14), so such tests begin with a wait of `SETTLED_MS`.
 */
export const TOMBSTONE_MS = 150;
export const SETTLED_MS = 153;

/** Where a value stands. */
export interface Place {
  readonly key: CacheKey;
  readonly region: string;
}

type WithKeyspace = { readonly keyspace: Keyspace };

export function placeOf(h: WithKeyspace, identifier = '1', region = 'users'): Place {
  return { key: h.keyspace.key(region, identifier, 'json'), region };
}

/** `count` places of one bucket. */
export function placesOf(h: WithKeyspace, count: number): Place[] {
  const places: Place[] = [];
  for (let n = 0; places.length < count; n++) {
    const place = placeOf(h, `many${n}`);
    if (places.length === 0 || place.key.bucket === places[0]!.key.bucket) places.push(place);
  }
  return places;
}

/** Another place of the same region and bucket. */
export function siblingOf(h: WithKeyspace, place: Place): Place {
  for (let n = 0; ; n++) {
    const sibling = placeOf(h, `sibling${n}`, place.region);
    if (sibling.key.bucket === place.key.bucket) return sibling;
  }
}

let tokens = 0;
export const aToken = (): string => `instance.${(tokens += 1)}.5f0c`;

export const anEntry = (entry: Partial<EntryArgs> = {}): EntryArgs => ({
  payload: '{"name":"Ada"}',
  format: 'json',
  ttlMs: LONG_MS,
  staleMs: LONG_MS,
  tags: [],
  loadMicros: 1_500,
  version: '',
  ...entry,
});

export function ask(store: RemoteStore, place: Place, args: Partial<LeaseArgs> = {}): Promise<ReadOrLease> {
  return store.readOrLease({ ...place, binary: false, token: aToken(), leaseMs: LONG_MS, keepMs: LONG_MS, ...args });
}

/** Takes the lease, or fails the test. @returns its token */
export async function lease(store: RemoteStore, place: Place, args: Partial<LeaseArgs> = {}): Promise<string> {
  const token = args.token ?? aToken();
  const { kind } = await ask(store, place, { ...args, token });
  if (kind !== 'lease') throw new Error(`expected a lease, got ${kind}`);
  return token;
}

export function fill(
  store: RemoteStore,
  place: Place,
  token: string,
  entry: Partial<EntryArgs> = {},
): Promise<FillOutcome> {
  const args: FillArgs = { ...place, token, ...anEntry(entry) };
  return store.fill(args);
}

/** Puts a value in place by the regular way: lease and fill. */
export async function cached(store: RemoteStore, place: Place, entry: Partial<EntryArgs> = {}): Promise<void> {
  const outcome = await fill(store, place, await lease(store, place, { force: true }), entry);
  if (outcome.kind !== 'filled') throw new Error(`expected a fill, got refused for its ${outcome.reason}`);
}

export function put(
  store: RemoteStore,
  place: Place,
  args: Partial<PutArgs> & { fence?: string } = {},
): Promise<PutOutcome> {
  const { fence = '', tombstoneMs = TOMBSTONE_MS, ...entry } = args;
  return store.put({ ...place, ...anEntry(entry), fence, tombstoneMs });
}

/** Sets a fence. @returns its token */
export async function fence(store: RemoteStore, { key }: Place, fenceMs = LONG_MS, token = aToken()): Promise<string> {
  await store.fence({ keys: [key], fence: token, fenceMs, tombstoneMs: TOMBSTONE_MS });
  return token;
}

export const unfence = (store: RemoteStore, { key }: Place, token: string) =>
  store.unfence({ keys: [key], fence: token, tombstoneMs: TOMBSTONE_MS });

export const evict = (store: RemoteStore, { key }: Place, version?: string, tombstoneMs = TOMBSTONE_MS) =>
  store.evict({ keys: [key], ...(version === undefined ? {} : { versions: [version] }), tombstoneMs });

export const softEvict = (store: RemoteStore, { key }: Place) =>
  store.softEvict({ keys: [key], tombstoneMs: TOMBSTONE_MS });

export const poll = (store: RemoteStore, { key }: Place) => store.poll({ bucket: key.bucket, marks: [] });

/** What stands there, without a judgement. */
export async function standing(store: RemoteStore, place: Place, binary = false): Promise<StoredEntry | null> {
  return (await store.read({ ...place, binary })).entry;
}

/** The entry of a hit, or fails the test. */
export async function hit(store: RemoteStore, place: Place, binary = false): Promise<StoredEntry> {
  const answer = await ask(store, place, { binary });
  if (answer.kind !== 'hit') throw new Error(`expected a hit, got ${answer.kind}`);
  return answer.entry;
}

export async function expectHit(store: RemoteStore, place: Place, payload = '{"name":"Ada"}'): Promise<void> {
  expect((await hit(store, place)).payload).toBe(payload);
}

/** Asserts that a load is due and that there is nothing stale to serve either; takes the lease. */
export async function expectNothing(store: RemoteStore, place: Place): Promise<void> {
  expect(await ask(store, place)).toMatchObject({ kind: 'lease', stale: null });
}

/** The messages that arrive because of `action`. */
export async function messagesOf(h: RemoteStoreHarness, action: () => Promise<unknown>): Promise<ChannelMessage[]> {
  const before = (await h.messages()).length;
  await action();
  return (await h.messages()).slice(before);
}
