import { expect } from '@jest/globals';
import { deferred } from '../../lib/shared/deferred.js';
import type { Channel, ChannelMessage } from '../../lib/stores/channel.js';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import type { Keyspace } from '../../lib/keys/keyspace.js';
import { type ContractTest, describeContract, type DriverLimits } from './contract-test.js';
import { ask, evict, fill, lease, placeOf, placesOf, poll, put } from './remote-store/actions.js';

/** A server of its own with one store, which publishes. Channels are made by the test, at most four. */
export interface ChannelHarness {
  /** Open. */
  readonly store: RemoteStore;
  readonly keyspace: Keyspace;
  /** Another channel of the same server, not open yet. */
  channel(): Channel;
  /** Everything published before has arrived at all channels that stand. */
  settled(): Promise<void>;
  /** The server's data is served by another process from now on. In Redis: HSET M b to something else. */
  restart(): Promise<void>;
  /** Publishes on the channel's name, past the store. */
  publishRaw(message: string | Buffer): Promise<void>;
  /** Closes the store and all channels, also those that were closed. */
  close(): Promise<void>;
}

/** Opens a channel. @returns what it receives, growing */
async function listening(h: ChannelHarness, channel = h.channel()): Promise<ChannelMessage[]> {
  const received: ChannelMessage[] = [];
  await channel.open((message) => received.push(message));
  return received;
}

const NOT_MESSAGES: readonly (string | Buffer)[] = [
  '',
  'hello',
  '||||',
  '0|1|2',
  '0|x|2|E|key',
  '0|1|2|Q|key',
  '999999|1|1|E|key',
  '-1|1|1|E|key',
  '0|1|1|T|tag|x',
  '{"kind":"flush"}',
  Buffer.from([0xff, 0x7c, 0x80, 0x00]),
];

export const channelTests: readonly ContractTest<ChannelHarness>[] = [
  {
    name: 'everything that happens after open resolved is received, and nothing from before',
    async run(h) {
      const place = placeOf(h);
      await evict(h.store, place);
      await h.settled();
      const received = await listening(h);
      const { incarnation, sequence } = await evict(h.store, place);
      await h.settled();
      const { bucket, entry } = place.key;
      expect(received).toEqual([{ kind: 'entry', bucket, incarnation, sequence, entry }]);
    },
  },
  {
    name: 'all kinds of messages arrive with all they say',
    async run(h) {
      const place = placeOf(h);
      const { bucket, entry } = place.key;
      const { incarnation, sequence } = await poll(h.store, place);
      const received = await listening(h);
      const token = await lease(h.store, place);
      await ask(h.store, place);
      await h.store.release({ key: place.key, token });
      await evict(h.store, place);
      const { stamp } = await h.store.stamp({ bucket, marks: ['t:a|b,c%:\nd'] });
      const region = await h.store.stamp({ bucket, marks: ['r:users'] });
      const all = await h.store.stamp({ bucket, marks: ['*'] });
      await h.restart();
      const after = await poll(h.store, place);
      await h.settled();
      expect(received).toEqual([
        { kind: 'wake', bucket, entry },
        { kind: 'entry', bucket, incarnation, sequence: sequence + 1, entry },
        { kind: 'mark', bucket, incarnation, sequence: sequence + 2, mark: 't:a|b,c%:\nd', stamp },
        { kind: 'mark', bucket, incarnation, sequence: sequence + 3, mark: 'r:users', stamp: region.stamp },
        { kind: 'mark', bucket, incarnation, sequence: sequence + 4, mark: '*', stamp: all.stamp },
        { kind: 'flush', bucket, incarnation: after.incarnation, sequence: sequence + 5 },
      ]);
    },
  },
  {
    name: 'a key with awkward characters arrives as it was',
    async run(h) {
      const received = await listening(h);
      const places = ['a|b', 'a,b', '%7c', 'ключ 😀', 'nul\u0000', 'x'.repeat(500)].map((id) => placeOf(h, id));
      for (const place of places) await evict(h.store, place);
      await h.settled();
      // the buckets of a Cluster have connections of their own, and so no order among themselves
      const expected = places.map(({ key: { bucket, entry } }) => ({ kind: 'entry', bucket, entry }));
      expect(received).toHaveLength(expected.length);
      expect(received).toEqual(expect.arrayContaining(expected.map((one) => expect.objectContaining(one))));
    },
  },
  {
    name: 'messages arrive in the order in which they were published, without a gap in the sequence',
    async run(h) {
      const places = placesOf(h, 3);
      const received = await listening(h);
      const { sequence } = await poll(h.store, places[0]!);
      await Promise.all(
        Array.from({ length: 150 }, (_, n) =>
          n % 3 === 0
            ? evict(h.store, places[n % 2]!)
            : n % 3 === 1
              ? put(h.store, places[2]!, { version: `${n}` })
              : h.store.stamp({ bucket: places[0]!.key.bucket, marks: [`t:${n}`] }),
        ),
      );
      await h.settled();
      expect(received.map((message) => (message.kind === 'wake' ? null : message.sequence))).toEqual(
        Array.from({ length: 150 }, (_, n) => sequence + 1 + n),
      );
    },
  },
  {
    name: 'every channel receives everything',
    async run(h) {
      const one = await listening(h);
      const two = await listening(h);
      const token = await lease(h.store, placeOf(h));
      await ask(h.store, placeOf(h));
      await fill(h.store, placeOf(h), token);
      await evict(h.store, placeOf(h));
      await h.settled();
      expect(one.map(({ kind }) => kind)).toEqual(['wake', 'entry']);
      expect(two).toEqual(one);
    },
  },
  {
    name: 'the listener is called later, never within the call that publishes',
    async run(h) {
      const received = await listening(h);
      const eviction = evict(h.store, placeOf(h));
      expect(received).toEqual([]);
      await eviction;
      await h.settled();
      expect(received).toHaveLength(1);
    },
  },
  {
    name: 'nothing arrives after close, and other channels go on',
    async run(h) {
      const channel = h.channel();
      const closed = await listening(h, channel);
      const open = await listening(h);
      await channel.close();
      await evict(h.store, placeOf(h));
      await h.settled();
      expect(closed).toEqual([]);
      expect(open).toHaveLength(1);
    },
  },
  {
    name: 'close may be called twice, and before open',
    async run(h) {
      const channel = h.channel();
      await listening(h, channel);
      await channel.close();
      await channel.close();
      await h.channel().close();
    },
  },
  {
    name: 'a listener may close its own channel',
    async run(h) {
      const channel = h.channel();
      const done = deferred<void>();
      await channel.open(() => void channel.close().then(done.resolve, done.reject));
      await evict(h.store, placeOf(h));
      await done.promise;
      const received = await listening(h);
      await evict(h.store, placeOf(h));
      await h.settled();
      expect(received).toHaveLength(1);
    },
  },
  {
    name: 'what is not a message is dropped, and what follows arrives',
    async run(h) {
      const received = await listening(h);
      for (const message of NOT_MESSAGES) await h.publishRaw(message);
      await evict(h.store, placeOf(h));
      await h.settled();
      expect(received).toMatchObject([{ kind: 'entry', entry: placeOf(h).key.entry }]);
    },
  },
];

export function describeChannel(driver: string, open: () => Promise<ChannelHarness>, limits: DriverLimits = {}): void {
  describeContract(`Channel contract: ${driver}`, channelTests, open, limits);
}
