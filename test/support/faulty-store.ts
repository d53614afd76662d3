import type { PollReply, RemoteStore } from '../../lib/stores/remote-store.js';
import { CacheError } from '../../lib/shared/errors.js';
import { type Gate, gate } from './fake-clock.js';

type Operation = Exclude<
  { [K in keyof RemoteStore]: RemoteStore[K] extends (...args: never[]) => unknown ? K : never }[keyof RemoteStore],
  undefined
>;

/** A store that fails and waits when the test says so, and counts its calls. */
export interface Faults {
  /** Calls by operation since the start. */
  readonly calls: Record<string, number>;
  /** Every call rejects until `heal`. */
  breakDown(): void;
  /** Every call for this bucket rejects until `heal`. */
  breakDownBucket(bucket: number): void;
  heal(): void;
  /** The next call of this operation rejects, as without Redis unless something is given; the store does not see it. */
  failNext(operation: Operation, ...thrown: [unknown?]): void;
  /** The next call of this operation runs on the store, and its answer is lost. */
  loseNextReply(operation: Operation): void;
  /** The next call of this operation waits for the gate before it reaches the store. */
  holdNext(operation: Operation): Gate<void>;
  /**
   * From now on polls of this bucket tell another time, as of a server whose clock is wrong by `ms`. Entries keep the
   * store's.
   */
  shiftClock(bucket: number, ms: number): void;
  /** The next call of this operation runs on the store at once; its answer waits for the gate. */
  holdNextReply(operation: Operation): Gate<void>;
}

export function faulty(inner: RemoteStore): { store: RemoteStore; faults: Faults } {
  const calls: Record<string, number> = {};
  const clockShifts = new Map<number, number>();
  let isBroken = false;
  const brokenBuckets = new Set<number>();
  const plans = new Map<string, (() => Promise<void>)[]>();
  const replies = new Map<string, (() => Promise<void>)[]>();
  const shifted = (name: string, [args]: unknown[], answer: unknown) => {
    const shiftMs = name === 'poll' ? (clockShifts.get((args as { bucket: number }).bucket) ?? 0) : 0;
    if (shiftMs === 0) return answer;
    const reply = answer as PollReply;
    return { ...reply, nowMicros: reply.nowMicros + shiftMs * 1_000 };
  };
  const rejects = async (thrown: unknown) => {
    throw thrown;
  };
  const unavailable = () => rejects(new CacheError('RC_STORE_UNAVAILABLE', 'the test says so'));
  const add = (to: typeof plans, operation: string, plan: () => Promise<void>) =>
    to.set(operation, [...(to.get(operation) ?? []), plan]);
  const faults: Faults = {
    calls,
    breakDown: () => (isBroken = true),
    breakDownBucket: (bucket) => void brokenBuckets.add(bucket),
    heal() {
      isBroken = false;
      brokenBuckets.clear();
    },
    failNext: (operation, ...thrown) =>
      void add(plans, operation, () => (thrown.length === 0 ? unavailable() : rejects(thrown[0]))),
    loseNextReply: (operation) => void add(replies, operation, () => unavailable()),
    holdNext(operation) {
      const held = gate();
      add(plans, operation, () => held.promise);
      return held;
    },
    shiftClock: (bucket, ms) => void clockShifts.set(bucket, ms),
    holdNextReply(operation) {
      const held = gate();
      add(replies, operation, () => held.promise);
      return held;
    },
  };
  const store = new Proxy(inner, {
    get(target, name, receiver) {
      const member = Reflect.get(target, name, receiver) as unknown;
      // what is known in the process needs no server
      if (typeof member !== 'function' || name === 'endpoints' || name === 'witnesses') return member;
      return async (...args: unknown[]) => {
        calls[String(name)] = (calls[String(name)] ?? 0) + 1;
        if ((isBroken || brokenBuckets.has(bucketOf(args[0]))) && name !== 'open' && name !== 'close')
          await unavailable();
        await plans.get(String(name))?.shift()?.();
        const answer = shifted(String(name), args, (await member.apply(target, args)) as unknown);
        await replies.get(String(name))?.shift()?.();
        return answer;
      };
    },
  });
  return { store, faults };
}

/** -1 where a call is for no bucket. */
function bucketOf(args: unknown): number {
  const { bucket, key, keys } = (args ?? {}) as {
    bucket?: number;
    key?: { bucket: number };
    keys?: { bucket: number }[];
  };
  return bucket ?? key?.bucket ?? keys?.[0]?.bucket ?? -1;
}
