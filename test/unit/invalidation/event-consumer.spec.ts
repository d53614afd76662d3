import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Delivery } from '../../../lib/invalidation/delivery.js';
import type { EventRule, RedisCacheEventsOptions } from '../../../lib/invalidation/events-options.js';
import { CacheConfig, Cacheable, InvalidateOn } from '../../../lib/index.js';
import type { EventInfo } from '../../../lib/operations/invalidation-rule.js';
import { World } from '../../support/a-cache.js';
import { Consumer, NOW, topics } from './a-consumer.js';

interface UserEvent {
  type: string;
  userId: number;
  timestamp?: string;
}

const updated = (userId: unknown, timestamp?: string) => ({
  type: 'UserUpdated',
  userId,
  ...(timestamp && { timestamp }),
});

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.end();
});

async function consumerOf(rules: readonly EventRule[], options: ConstructorParameters<typeof Consumer>[3] = {}) {
  const instance = await world.start({ regions: { profile: { staleWhileRevalidate: '1m' } } });
  const consumer = new Consumer(world, instance, rules, options);
  const profile = instance.cache.region<string>('profile');
  let loads = 0;
  const read = (key: number | string, value = `load ${++loads}`, options?: { version: number; tags?: string[] }) =>
    profile.getOrLoad(key, async () => value, options);
  return { instance, consumer, profile, read };
}

const byUserId: EventRule<UserEvent> = {
  on: 'UserUpdated',
  region: 'profile',
  map: (event) => ({ key: event.userId, version: event.timestamp }),
};

describe('an event', () => {
  it('evicts the key that its rule names, and nothing else', async () => {
    const { consumer, read } = await consumerOf([byUserId]);
    await read(9876, 'old');
    await read(1, 'other');
    await consumer.give(updated(9876));
    expect(await read(9876, 'new')).toBe('new');
    expect(await read(1, 'new')).toBe('other');
    expect(consumer.counts).toMatchObject({ received: 1, applied: 1, deadLetters: 0 });
  });

  it('does as all rules for its type and for its channel say', async () => {
    const { consumer, read } = await consumerOf([
      byUserId,
      { on: 'user-events', region: 'profile', map: () => ({ keys: ['list', 'count'] }) },
    ]);
    for (const key of [1, 'list', 'count']) await read(key, 'old');
    await consumer.give(updated(1));
    expect(await Promise.all([read(1, 'new'), read('list', 'new'), read('count', 'new')])).toEqual([
      'new',
      'new',
      'new',
    ]);
  });

  it('evicts tags, and whole regions', async () => {
    const { consumer, read } = await consumerOf([
      { on: 'OrgUpdated', map: (event: { org: number }) => ({ tags: [`org:${event.org}`] }) },
      { on: 'Reset', map: () => ({ region: 'profile', allEntries: true }) },
    ]);
    await read(1, 'old', { version: 1, tags: ['org:7'] });
    await read(2, 'old');
    await consumer.give({ type: 'OrgUpdated', org: 7 });
    expect([await read(1, 'new'), await read(2, 'new')]).toEqual(['new', 'old']);
    await consumer.give({ type: 'Reset' });
    expect(await read(2, 'newer')).toBe('newer');
  });

  it('of which no rule knows, or that its rule answers with null, is counted', async () => {
    const { consumer } = await consumerOf([byUserId, { on: 'Seen', map: () => null }]);
    await consumer.give({ type: 'OrderPlaced', userId: 1 });
    await consumer.give({ type: 'Seen' });
    expect(consumer.counts).toMatchObject({ ignored: 2, applied: 0, deadLetters: 0 });
  });

  it('goes by a header of the name of the field, where it has no type itself', async () => {
    const { consumer, read } = await consumerOf([{ ...byUserId, on: 'Changed' }], { typeField: 'eventType' });
    await read(1, 'old');
    await consumer.give({ userId: 1 }, { headers: { eventType: 'Changed' } });
    expect(await read(1, 'new')).toBe('new');
  });

  it('takes what is negative with it: the insert comes after "no such user"', async () => {
    const { consumer, profile } = await consumerOf([{ ...byUserId, on: 'UserCreated' }]);
    await profile.getOrLoad(5, async () => null as never);
    await consumer.give({ type: 'UserCreated', userId: 5, timestamp: '2026-03-16T08:45:12Z' });
    expect(await profile.getOrLoad(5, async () => 'created')).toBe('created');
  });
});

describe('the version of an event', () => {
  const at = (n: number) => new Date(NOW + n).toISOString();

  it('keeps what is newer: a duplicate, and one that comes late', async () => {
    const { consumer, read } = await consumerOf([byUserId]);
    await read(1, 'newer', { version: NOW + 5 });
    await consumer.give(updated(1, at(5)));
    await consumer.give(updated(1, at(1)));
    expect(await read(1, 'again')).toBe('newer');
    await consumer.give(updated(1, at(6)));
    expect(await read(1, 'newest', { version: NOW + 6 })).toBe('newest');
  });

  it('keeps older values out after it', async () => {
    const { consumer, profile } = await consumerOf([byUserId]);
    await consumer.give(updated(1, at(5)));
    await profile.put(1, 'late', { version: NOW + 4 });
    expect(await profile.get(1)).toBeUndefined();
  });

  it.each([
    ['none at all', 'yesterday'],
    ['before 1970', '1969-07-20T20:17:40Z'],
    ['years ahead', '2099-01-01T00:00:00Z'],
    ['years ahead, in ms', Date.UTC(2099, 0)],
    ['years ahead, in ms as text', String(Date.UTC(2099, 0))],
    ['at the end of time, in ms', Date.UTC(9999, 11, 31)],
    ['negative', -1],
    ['broken', Number.NaN],
  ])('that is %s evicts whatever stands, and is counted', async (_name, timestamp) => {
    const { consumer, read } = await consumerOf([byUserId]);
    await read(1, 'old', { version: NOW + 1_000 });
    await consumer.give({ type: 'UserUpdated', userId: 1, timestamp });
    expect(await read(1, 'new', { version: NOW + 1_000 })).toBe('new');
    expect(consumer.counts).toMatchObject({ badVersions: 1, applied: 1, deadLetters: 0 });
  });

  it('may lie a little ahead: clocks differ', async () => {
    const { consumer } = await consumerOf([byUserId]);
    await consumer.give(updated(1, at(60_000)));
    await consumer.give({ type: 'UserUpdated', userId: 1, timestamp: NOW + 120_000 });
    expect(consumer.counts.badVersions).toBe(0);
  });

  it.each([
    ['a row', 7],
    ['a row, at most', 999_999_999_999],
    ['microseconds', 1_773_650_712_000_000],
    ['what a bigint says', 4_070_908_800_000n],
  ])('may be a counter: of %s', async (_name, timestamp) => {
    const { consumer } = await consumerOf([byUserId]);
    await consumer.give({ type: 'UserUpdated', userId: 1, timestamp });
    expect(consumer.counts.badVersions).toBe(0);
  });

  it('is a counter where it is small, also on a machine whose clock stands at 1970', async () => {
    const { consumer } = await consumerOf([byUserId]);
    consumer.nowMs = 0;
    await consumer.give({ type: 'UserUpdated', userId: 1, timestamp: 999_999_999_999 });
    expect(consumer.counts.badVersions).toBe(0);
  });
});

describe('put', () => {
  const put: EventRule = {
    on: 'UserUpdated',
    region: 'profile',
    map: (event: { userId: number; name: string; version: number }) => ({
      key: event.userId,
      version: event.version,
      put: event.name,
    }),
  };
  const named = (name: string, version: number) => ({ type: 'UserUpdated', userId: 1, name, version });

  it('refreshes what is cached, in any order', async () => {
    const { consumer, profile } = await consumerOf([put]);
    // a server that has just come has lost the tombstones of before
    await world.clock.advance(600_001);
    await consumer.give(named('second', 2));
    await consumer.give(named('first', 1));
    await consumer.give(named('second', 2));
    expect(await profile.get(1)).toBe('second');
  });

  it('evicts where the event is older than tombstones live', async () => {
    const { consumer, profile } = await consumerOf([put]);
    await consumer.give(named('old', 2), { timestampMs: NOW - 86_400_000 });
    expect(await profile.get(1)).toBeUndefined();
    expect(consumer.counts).toMatchObject({ applied: 1, deadLetters: 0 });
  });

  it('evicts in a region that uses tags', async () => {
    const { consumer, profile, read } = await consumerOf([put]);
    await read(1, 'old', { version: 1, tags: ['a'] });
    await consumer.give(named('new', 2));
    expect(await profile.get(1)).toBeUndefined();
  });

  it('without a version is a dead letter', async () => {
    const { consumer } = await consumerOf([{ ...put, map: () => ({ key: 1, put: 'x' }) }]);
    await consumer.give(named('x', 1));
    expect(consumer.reasons).toEqual(['RC_INVALID_EVENT']);
  });
});

describe('soft', () => {
  it('serves what stands once more, while it is reloaded', async () => {
    const { consumer, profile, instance } = await consumerOf([
      { on: 'UserUpdated', region: 'profile', map: (event: UserEvent) => ({ key: event.userId, soft: true }) },
    ]);
    await profile.getOrLoad(1, async () => 'old');
    await consumer.give(updated(1));
    expect(await profile.getOrLoad(1, async () => 'new')).toBe('old');
    await instance.engine.settled();
    expect(await profile.getOrLoad(1, async () => 'newest')).toBe('new');
  });

  it('removes where the event removes other keys too', async () => {
    const { consumer, profile } = await consumerOf([
      { on: 'UserUpdated', region: 'profile', map: () => [{ key: 1, soft: true }, { key: 2 }] },
    ]);
    await profile.getOrLoad(1, async () => 'old');
    await consumer.give(updated(1));
    expect(await profile.getOrLoad(1, async () => 'new')).toBe('new');
  });
});

describe('a message that cannot be understood or mapped', () => {
  const rule = (map: EventRule['map']): EventRule => ({ on: 'UserUpdated', region: 'profile', map });

  it.each<[string, unknown, EventRule, string]>([
    ['is empty', '', byUserId, 'RC_INVALID_EVENT'],
    ['is broken JSON', '{"type":', byUserId, 'RC_INVALID_EVENT'],
    ['misses its id', { type: 'UserUpdated' }, byUserId, 'RC_INVALID_KEY'],
    ['has null as its id', updated(null), byUserId, 'RC_INVALID_KEY'],
    ['has an object as its id', updated({ id: 1 }), byUserId, 'RC_INVALID_KEY'],
    ['has NaN as its id', updated(Number.NaN), byUserId, 'RC_INVALID_KEY'],
    ['meets a rule that throws', updated(1), rule((event) => event.no.such.field), 'RC_OPTION_FUNCTION'],
    [
      'meets a rule that returns a promise',
      updated(1),
      rule((async () => ({ key: 1 })) as never),
      'RC_OPTION_FUNCTION',
    ],
    ['meets a rule that returns nothing', updated(1), rule((() => {}) as never), 'RC_INVALID_EVENT'],
    [
      'meets a rule that returns a bare key',
      updated(1),
      rule(((e: UserEvent) => e.userId) as never),
      'RC_INVALID_EVENT',
    ],
    ['meets a rule that names nothing', updated(1), rule(() => ({})), 'RC_INVALID_EVENT'],
    ['meets a rule with a misspelt name', updated(1), rule((() => ({ keey: 1 })) as never), 'RC_INVALID_EVENT'],
    ['meets a rule with bad tags', updated(1), rule(() => ({ tags: [''] })), 'RC_INVALID_TAG'],
    ['meets a rule of no region', updated(1), { on: 'UserUpdated', map: () => ({ key: 1 }) }, 'RC_INVALID_EVENT'],
    ['meets a rule of no cache', updated(1), rule(() => ({ cache: 'other', key: 1 })), 'RC_MODULE_MISSING'],
    ['names a region with a separator', updated(1), rule(() => ({ region: 'a:b', key: 1 })), 'RC_INVALID_OPTION'],
  ])('because it %s is a dead letter, and handled', async (_name, payload, bad, code) => {
    const { consumer } = await consumerOf([bad]);
    await consumer.give(payload, { held: true });
    expect(consumer.reasons).toEqual([code]);
    expect(consumer.counts).toMatchObject({ received: 1, deadLetters: 1 });
  });

  it('still does what another rule makes of it', async () => {
    const { consumer, read } = await consumerOf([rule((event) => event.no.such), byUserId]);
    await read(1, 'old');
    await consumer.give(updated(1));
    expect(await read(1, 'new')).toBe('new');
    expect(consumer.counts).toMatchObject({ applied: 1, deadLetters: 1 });
  });

  it('is written as it came', async () => {
    const { consumer } = await consumerOf([byUserId]);
    await consumer.give('{"type":', { key: 'k', headers: { h: 'x' }, channel: 'users', place: 'offset 7' });
    await consumer.give({ type: 'UserUpdated' });
    expect(consumer.letters).toEqual([
      expect.objectContaining({
        channel: 'users',
        place: 'offset 7',
        key: 'k',
        headers: { h: 'x' },
        value: '{"type":',
      }),
      expect.objectContaining({ value: '{"type":"UserUpdated"}' }),
    ]);
    expect(consumer.log.join()).not.toContain('{"type"');
  });

  it('goes to the topic, with its reason in headers', async () => {
    const { consumer } = await consumerOf([byUserId], { deadLetters: 'users.dead' });
    const { sent, send } = topics();
    await consumer.give('{"type":', { send, key: 'k', headers: { h: 'x' } });
    await consumer.give('x'.repeat(2_000_000), { send });
    expect(sent.map(({ topic }) => topic)).toEqual(['users.dead', 'users.dead']);
    expect(sent[0]!.message).toMatchObject({ key: 'k', value: '{"type":' });
    expect(sent[0]!.message.headers).toMatchObject({ h: 'x', 'rc-error': 'RC_INVALID_EVENT', 'rc-place': 'a place' });
    expect(sent[1]!.message.headers['rc-cut']).toBe('first 900000 of 2000000 bytes');
  });

  it.each([
    ['that refuses', { send: () => Promise.reject(new Error('too large')) }],
    ['of another transport', {}],
  ])('is in the log where a topic %s', async (_name, delivery) => {
    const { consumer } = await consumerOf([byUserId], { deadLetters: 'users.dead' });
    await consumer.give('{', delivery);
    expect(consumer.counts).toMatchObject({ deadLetters: 1, deadLettersLost: 1 });
    expect(consumer.log).toHaveLength(2);
  });

  it('holds the bytes that the deserializer has read', async () => {
    const { consumer } = await consumerOf([byUserId]);
    const raw = Buffer.from([0, 1, 2]);
    await consumer.give({ type: 'UserUpdated' }, { raw });
    expect(consumer.letters[0]!.value).toEqual(raw);
  });

  it.each<[string, RedisCacheEventsOptions['deadLetters'], Partial<Delivery>]>([
    ['function', () => new Promise(() => {}), {}],
    ['broker', 'users.dead', { send: () => new Promise(() => {}) }],
  ])('is lost where a %s does not answer for 10 s, with heartbeats meanwhile', async (_name, deadLetters, delivery) => {
    const { consumer } = await consumerOf([byUserId], { deadLetters });
    let isHandled = false;
    const handled = consumer.give('{', { held: true, ...delivery }).then(() => (isHandled = true));
    await world.clock.advance(9_900);
    expect({ isHandled, heartbeats: consumer.heartbeats }).toEqual({ isHandled: false, heartbeats: 9 });
    await world.clock.advance(100);
    await handled;
    expect(consumer.counts).toMatchObject({ deadLetters: 1, deadLettersLost: 1 });
    expect(consumer.log[1]).toBe('The dead letter, a place, was not taken: nothing was heard of it for 10 s');
  });

  it('is left where a heartbeat says that its message is with somebody else', async () => {
    const { consumer } = await consumerOf([byUserId], { deadLetters: () => new Promise(() => {}) });
    const hold = { heartbeat: () => Promise.reject(new Error('rebalancing')) };
    const failed = expect(consumer.give('{', { hold })).rejects.toThrow('rebalancing');
    await world.clock.advance(1_000);
    await failed;
  });

  it('does not go round where a RegExp matches the dead-letter topic', async () => {
    const { consumer } = await consumerOf([byUserId], { deadLetters: 'users.dead' });
    const { sent, send } = topics();
    await consumer.give('{', { send, channel: 'users.dead' });
    expect(sent).toEqual([]);
    expect(consumer.counts).toMatchObject({ ignored: 1, deadLetters: 0 });
  });
});

describe('ids', () => {
  it.each(['a:b', '*', 'user:profile:1', '{x}', '~m', ' ', 'x'.repeat(2 ** 20)])(
    '%.20s reach their own key only',
    async (id) => {
      const { consumer, read } = await consumerOf([byUserId]);
      await read(id, 'old');
      await read(1, 'other');
      await consumer.give(updated(id));
      expect([await read(id, 'new'), await read(1, 'new')]).toEqual(['new', 'other']);
    },
  );
});

it('makes no more than a hundred regions of what events say', async () => {
  const { consumer, instance } = await consumerOf([
    { on: 'Any', map: (event: { region: string }) => ({ region: event.region, key: 1 }) },
  ]);
  for (let n = 0; n < 120; n++) await consumer.give({ type: 'Any', region: `r${n}` });
  expect(Object.keys(instance.cache.status().regions)).toHaveLength(101);
  expect(consumer.counts).toMatchObject({ applied: 100, deadLetters: 20 });
});

describe('a message without a value', () => {
  it('goes to rules for tombstones, with its key', async () => {
    const tombstone = ({ key }: EventInfo) => ({ key: Number(key) });
    const { consumer, read } = await consumerOf([{ on: 'users', region: 'profile', map: () => null, tombstone }]);
    await read(1, 'old');
    await consumer.give(null, { channel: 'users', key: '1' });
    expect(await read(1, 'new')).toBe('new');
    expect(consumer.counts).toMatchObject({ applied: 1, tombstones: 0 });
  });

  it('is counted where there is none', async () => {
    const { consumer } = await consumerOf([byUserId]);
    await consumer.give(null, { key: '1' });
    expect(consumer.counts).toMatchObject({ tombstones: 1, deadLetters: 0 });
  });
});

describe('while Redis is away', () => {
  it('a message that its transport keeps waits until its eviction is acknowledged, with heartbeats', async () => {
    const { consumer, instance, read } = await consumerOf([byUserId]);
    await read(1, 'old');
    instance.faults.breakDown();
    let isHandled = false;
    const handled = consumer.give(updated(1), { held: true, timestampMs: NOW }).then(() => (isHandled = true));
    await world.clock.advance(10_000);
    expect({ isHandled, waiting: consumer.room.size }).toEqual({ isHandled: false, waiting: 1 });
    expect(consumer.room.longestMs).toBeGreaterThan(9_000);
    expect(consumer.heartbeats).toBeGreaterThanOrEqual(9);
    instance.faults.heal();
    await world.clock.advance(5_000);
    await handled;
    expect(consumer.room.size).toBe(0);
    expect(consumer.counts.applied).toBe(1);
    expect(consumer.log).toHaveLength(2);
  });

  it('another is queued in the journal', async () => {
    const { consumer, instance, profile } = await consumerOf([byUserId]);
    await profile.getOrLoad(1, async () => 'old');
    instance.faults.breakDown();
    await consumer.give(updated(1));
    expect(consumer.counts).toMatchObject({ queued: 1, applied: 1 });
    instance.faults.heal();
    await world.clock.advance(5_000);
    expect(instance.cache.status().pendingEvictions).toBe(0);
  });

  it('a heartbeat that fails gives the message back', async () => {
    const { consumer, instance } = await consumerOf([byUserId]);
    instance.faults.breakDown();
    let isBack = false;
    const hold = { heartbeat: () => Promise.reject(new Error('rebalancing')) };
    const handled = consumer.give(updated(1), { hold, giveBack: () => (isBack = true) });
    const failed = expect(handled).rejects.toThrow('rebalancing');
    await world.clock.advance(1_500);
    await failed;
    expect(isBack).toBe(true);
    instance.faults.heal();
    await world.clock.advance(5_000);
  });

  it('closing lets go of what waits, unanswered, and takes nothing more', async () => {
    const { consumer, instance } = await consumerOf([byUserId]);
    instance.faults.breakDown();
    let answered = 0;
    // a broker gives at once what is given back to it, to the same consumer
    const answer = { acknowledge: () => (answered += 1), giveBack: () => (answered += 1) };
    const handled = consumer.give(updated(1), { held: true, ...answer });
    const failed = expect(handled).rejects.toMatchObject({ code: 'RC_CLOSED' });
    await world.clock.advance(100);
    consumer.room.end();
    await failed;
    await expect(consumer.give(updated(2), answer)).rejects.toMatchObject({ code: 'RC_CLOSED' });
    expect(answered).toBe(0);
    instance.faults.heal();
    await world.clock.advance(5_000);
  });
});

describe('@InvalidateOn', () => {
  @CacheConfig({ region: 'profile' })
  @InvalidateOn('OrgDeleted', () => ({ allEntries: true }))
  class Users {
    @InvalidateOn('UserRenamed', (event: UserEvent) => ({ key: event.userId }))
    @InvalidateOn('UserUpdated', (event: UserEvent) => ({ key: event.userId, version: event.timestamp }))
    @Cacheable({ region: 'summary', key: (id: number) => id })
    async summary(id: number) {
      return `summary of ${id}`;
    }

    @InvalidateOn('UserUpdated', (event: UserEvent) => ({ key: event.userId }))
    find(id: number) {
      return id;
    }
  }
  class Admins extends Users {}

  it.each([
    ['UserUpdated', ['summary', 'profile']],
    ['UserRenamed', ['summary']],
    ['OrgDeleted', ['profile']],
  ])('evicts by %s where the method, or the class, has its region', async (type, regions) => {
    const { consumer, instance } = await consumerOf([], { prototypes: [Admins.prototype] });
    const all = ['summary', 'profile'];
    for (const name of all) await instance.cache.region(name).getOrLoad(1, async () => 'old');
    await consumer.give({ type, userId: 1 });
    const values = await Promise.all(all.map((name) => instance.cache.region(name).get(1)));
    expect(all.filter((_, n) => values[n] === undefined)).toEqual(regions);
    expect(consumer.reasons).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['no name', () => InvalidateOn('', () => null)],
    ['no function', () => InvalidateOn('A', undefined as never)],
    ['an unknown option', () => InvalidateOn('A', () => null, { regoin: 'a' } as never)],
    ['a region with a separator', () => InvalidateOn('A', () => null, { region: 'a:b' })],
  ])('refuses %s', (_name, decorate) => {
    expect(() => (decorate() as ClassDecorator)(class Named {})).toThrow(/RC_INVALID_OPTION/);
  });
});
