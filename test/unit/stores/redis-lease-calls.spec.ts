import { describe, expect, it } from '@jest/globals';
import { Keyspace } from '../../../lib/keys/keyspace.js';
import type { FunctionReply } from '../../../lib/stores/redis/function-reply.js';
import { LeaseCalls } from '../../../lib/stores/redis/lease-calls.js';
import type { StoreCall } from '../../../lib/stores/redis/store-calls.js';
import type { FillArgs, LeaseArgs } from '../../../lib/stores/remote-store.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

const keyspace = new Keyspace({ service: 'user', bucketCount: 2, maxKeyLength: 200 });
/** Of the bucket, one key after another. */
function keysOf(bucket: number) {
  const keys = Array.from({ length: 40 }, (_, n) => keyspace.key('profile', String(n), 'json'));
  return keys.filter((key) => key.bucket === bucket);
}
const KEYS = keysOf(0);

const aLease = (n: number, args: Partial<LeaseArgs> = {}): LeaseArgs => ({
  ...{ key: KEYS[n]!, region: 'profile', binary: false, token: `t${n}`, leaseMs: 2_000, keepMs: 1_000 },
  ...args,
});
const aFill = (n: number, args: Partial<FillArgs> = {}): FillArgs => ({
  ...{ key: KEYS[n]!, region: 'profile', token: `t${n}`, payload: '1', format: 'json', ttlMs: 1_000, staleMs: 0 },
  ...{ tags: [], loadMicros: 1, version: '', ...args },
});

/** Calls that are answered as the test says, or never. */
function leaseCalls(reply?: FunctionReply) {
  const made: StoreCall[] = [];
  const calls = new LeaseCalls(
    {
      isClosed: false,
      invoke: async (call, read) => {
        made.push(call);
        return read(reply ?? (await new Promise<never>(() => {})));
      },
    },
    new FakeClock(),
  );
  const released = () => made.filter(({ verb }) => verb === 'release').map(({ args: [token] }) => token);
  return { calls, made, released };
}

describe('what is asked for at once', () => {
  it.each<[string, Partial<LeaseArgs>]>([
    ['the time of the lease', { leaseMs: 3_000 }],
    ['the time that it is kept', { keepMs: 3_000 }],
    ['what a failover leaves', { onFailover: 'stale' }],
    ['the bucket', { key: keysOf(1)[0]! }],
  ])('is a call of its own where it differs in %s, and one with what it does not differ from', async (_, other) => {
    const { calls, made } = leaseCalls();
    for (const args of [{}, other, {}, other]) void calls.ask(aLease(0, args));
    await settle();
    const said = ({ key, leaseMs, keepMs, onFailover = 'flush' }: LeaseArgs) => [
      key.bucket,
      leaseMs,
      keepMs,
      onFailover,
    ];
    expect(made.map(({ bucket, args }) => [bucket, ...args.slice(1, 4)])).toEqual([
      said(aLease(0)),
      said(aLease(0, other)),
    ]);
    expect(made.map(({ keys }) => keys.length)).toEqual([4, 4]);
  });

  it('leaves at once where a call is full', async () => {
    const { calls, made } = leaseCalls();
    for (let n = 0; n < 33; n++) {
      void calls.ask(aLease(0, { token: `t${n}` }));
      void calls.fill(aFill(0, { token: `t${n}` }));
    }
    await settle();
    expect(made.map(({ verb, keys, leavesAtOnce }) => [verb, keys.length, leavesAtOnce])).toEqual([
      ['getl', 64, true],
      ['fill', 64, true],
      ['getl', 2, false],
      ['fill', 2, false],
    ]);
  });

  it('is, where it is filled, a call for each bucket', async () => {
    const { calls, made } = leaseCalls();
    for (const n of [0, 1, 2, 3]) void calls.fill(aFill(n, { key: keysOf(n % 2)[n]! }));
    await settle();
    expect(made.map(({ bucket, keys }) => [bucket, keys.length])).toEqual([
      [0, 4],
      [1, 4],
    ]);
  });

  it('says its region, and that it is forced, where that changes only', async () => {
    const { calls, made } = leaseCalls();
    const all = [{}, {}, { force: true }, { force: true }, { force: true, region: 'a|b' }, { region: 'a|b' }, {}];
    all.forEach((args, n) => void calls.ask(aLease(n, args)));
    await settle();
    const [{ args }] = made as [StoreCall];
    const told = ['>profile', 't0', 't1', '!profile', 't2', 't3', '!a%7cb', 't4', '>a%7cb', 't5', '>profile', 't6'];
    expect(args.slice(4)).toEqual(told);
  });

  it('says what several are filled by where that changes only', async () => {
    const { calls, made } = leaseCalls();
    const all = [{}, { ttlMs: 2_000 }, { tags: ['a'] }, { tags: ['a'] }, { version: '1' }, { staleMs: 1 }, {}];
    all.forEach((args, n) => void calls.fill(aFill(n, args)));
    await settle();
    const [{ args }] = made as [StoreCall];
    const said = args.filter((arg) => typeof arg === 'string' && /^(>|t\d$)/.test(arg));
    const labels = ['>0||a|profile', 't2', 't3', '>0|1||profile', 't4', '>1|||profile', 't5', '>0|||profile', 't6'];
    expect(said).toEqual(['>0|||profile', 't0', 't1', ...labels]);
  });
});

describe('a reply that does not say one thing of each', () => {
  it.each<[string, ...unknown[]]>([
    ['N', 4],
    ['NNN', 4, 5, 6],
    ['NX', 4],
    ['NH', 4],
  ])('is none to fills: %s', async (...told) => {
    const { calls } = leaseCalls([7, 3, 1, ...told]);
    const fills = await Promise.allSettled([calls.fill(aFill(0)), calls.fill(aFill(1))]);
    expect(fills.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it.each<[string, ...unknown[]]>([['L'], ['LLL'], ['LX', '', 5], ['LN', '', 5]])(
    'is none to leases: %s',
    async (...told) => {
      const { calls } = leaseCalls([7, 3, 1, ...told]);
      const asked = await Promise.allSettled([calls.ask(aLease(0)), calls.ask(aLease(1))]);
      expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    },
  );
});

describe('leases that nobody waits for any more', () => {
  /** Three that were asked for at once, whose callers gave up. */
  async function threeLost() {
    const { calls, made, released } = leaseCalls();
    for (const n of [0, 1, 2]) void calls.ask(aLease(n));
    await settle();
    const [call] = made as [StoreCall];
    call.onUnknown!();
    return { calls, call, released };
  }

  it('are released when their server answers, each', async () => {
    const { calls, released } = await threeLost();
    calls.releaseLost(1);
    expect(released()).toEqual([]);
    calls.releaseLost(0);
    expect(released()).toEqual(['t0', 't1', 't2']);
  });

  it.each<[string, string[]]>([
    ['HlL', ['t1', 't2']],
    ['WwB', []],
  ])('are released where the late reply grants them, and not sought any more: %s', async (letters, granted) => {
    const { calls, call, released } = await threeLost();
    call.onLateReply!([7, 3, 1, Buffer.from(letters)]);
    calls.releaseLost(0);
    expect(released()).toEqual(granted);
  });

  it.each(['LL', 'LLLL'])('are not released by a reply that says nothing of each: %s', async (letters) => {
    const { call, released } = await threeLost();
    call.onLateReply!([7, 3, 1, letters]);
    expect(released()).toEqual([]);
  });
});
