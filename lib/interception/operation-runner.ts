import type { FencedKey } from '../cache/call-fences.js';
import type { EntryCall } from '../cache/entry-call.js';
import type { CacheWriter } from '../cache/writer.js';
import type { CacheKey } from '../keys/cache-key.js';
import type { CallPlan } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import type { CallSteps, EvictStep, PutStep, ReadStep } from './call-steps.js';
import { LateEvictions, type PlannedEviction } from './late-evictions.js';

type Invoke = () => Promise<unknown>;

interface Call {
  readonly instance: unknown;
  readonly args: unknown[];
}

/** The plan of a method: as short as its operations allow. */
export function planOfSteps(steps: CallSteps, original: AnyFunction): CallPlan {
  const { before, reads, writes, after } = steps;
  const [read] = reads;
  if (reads.length === 1 && read!.condition === null && before.length + writes.length + after.length === 0) {
    return plainRead(read!, original);
  }
  return (instance, args) => {
    const running = run(steps, { instance, args }, async () => original.apply(instance, args) as unknown);
    // what is written before the application closes is evicted before its caches close
    return after.reduce((tracked, { region }) => region.tracked(tracked), running);
  };
}

/** The hot path: one `@Cacheable` and nothing else. The region's promise is the call's. */
function plainRead({ region, keyOf, policy }: ReadStep, original: AnyFunction): CallPlan {
  // apart: a function with a closure in it allocates what the closure sees at each call, whether it makes it or not
  const readBehind = (key: CacheKey, instance: unknown, args: unknown[]) =>
    region.readBehind(key, policy, args, async () => original.apply(instance, args) as unknown);
  return (instance, args) => {
    let key: CacheKey;
    try {
      key = keyOf(args, instance);
    } catch (error) {
      return Promise.reject(error);
    }
    return region.answerLocal(key, policy) ?? readBehind(key, instance, args);
  };
}

/**
 * All operations of a method. The order is a public contract:
 *
 *     evict before -> read through: a hit ends here, else -> fences of strict evictions and puts -> the method
 *     -> evict after (after a hit as well) -> puts, and ends of strict evictions
 *
 * What one moment evicts goes as one group, whatever the order of the decorators. Conditions and keys of evictions are
 * taken before anything runs: a key that cannot be made stops the call before it has written. When the method throws,
 * what is strict or put is evicted, since the write may have reached the source; nothing else is evicted after it, and
 * its error passes through.
 */
async function run({ before, reads, writes, after }: CallSteps, call: Call, invoke: Invoke): Promise<unknown> {
  const early = new LateEvictions(evictionsOf(before, call), call.args);
  const late = new LateEvictions(evictionsOf(after, call), call.args);
  if (!early.areNone) await evictNow(early, undefined);
  const method = writes.length === 0 ? invoke : () => writeThrough(writes, late, call, invoke);
  const result = await readThrough(reads, 0, call, method);
  // else they went with what the method wrote
  if (!late.areTold) await evictNow(late, result);
  return result;
}

function readThrough(reads: readonly ReadStep[], index: number, call: Call, rest: Invoke): Promise<unknown> {
  const step = reads[index];
  if (step === undefined) return rest();
  const next = async () => readThrough(reads, index + 1, call, rest);
  const { region, keyOf, policy } = step;
  if (!applies(step, call)) {
    region.countBypass();
    return next();
  }
  return region.read(keyOf(call.args, call.instance), policy, call.args, next);
}

/**
 * The method with its fences and puts, and the evictions after it. Whatever fails once it has returned, all the rest is
 * sent.
 */
async function writeThrough(
  writes: readonly (EvictStep | PutStep)[],
  late: LateEvictions,
  call: Call,
  invoke: Invoke,
): Promise<unknown> {
  const failures: unknown[] = [];
  let hasReturned = false;
  let next: Invoke = async () => {
    const result = await invoke();
    hasReturned = true;
    return result;
  };
  const plans = plansOf(writes, call);
  // what one cache puts may be made of what another is about to void
  const evictsNothing = late.areNone && plans.size === 1;
  for (const [writer, { strict, puts }] of plans) {
    const run = next;
    next = async () => {
      let result: unknown;
      const ran = async () => (result = await run());
      const after = (value: unknown) => late.of(writer, value);
      try {
        return await writer.writeAll({ strict, puts, evictsNothing, after }, ran);
      } catch (error) {
        if (!hasReturned) throw error;
        failures.push(error);
        return result;
      }
    };
  }
  const result = await next();
  const others = late.writers.filter((writer) => !plans.has(writer));
  failures.push(...(await evictBy(others, late, result)));
  throwFirst(late, failures);
  return result;
}

interface CacheWrites {
  readonly strict: FencedKey[];
  readonly puts: EntryCall[];
}

/** By cache: a method may write into several. */
function plansOf(writes: readonly (EvictStep | PutStep)[], call: Call): Map<CacheWriter, CacheWrites> {
  const plans = new Map<CacheWriter, CacheWrites>();
  for (const step of writes) {
    if (!applies(step, call)) continue;
    const { region } = step;
    const plan = plans.get(region.writer) ?? { strict: [], puts: [] };
    plans.set(region.writer, plan);
    if (step.kind === 'evict') plan.strict.push(...region.fencedKeys(keysOf(step, call)));
    else plan.puts.push(region.entryCall(step.keyOf(call.args, call.instance), step.policy, call.args));
  }
  return plans;
}

function applies({ condition }: ReadStep | EvictStep, { args, instance }: Call): boolean {
  return condition === null || condition(args, instance);
}

function evictionsOf(steps: readonly EvictStep[], call: Call): PlannedEviction[] {
  return steps.filter((step) => applies(step, call)).map((step) => ({ step, keys: keysOf(step, call) }));
}

function keysOf({ region, identifyAll }: EvictStep, { args, instance }: Call): CacheKey[] {
  return identifyAll === null ? [] : identifyAll(args, instance).map((identifier) => region.keyOf(identifier));
}

/** Resolves when all were acknowledged or queued; rejects with the first error, after all were tried. */
async function evictNow(evictions: LateEvictions, result: unknown): Promise<void> {
  throwFirst(evictions, await evictBy(evictions.writers, evictions, result));
}

/** @returns why some were not acknowledged, where the caches' options want that thrown */
async function evictBy(writers: readonly CacheWriter[], evictions: LateEvictions, result: unknown): Promise<unknown[]> {
  const all = writers.map((writer) => writer.evictAll(evictions.of(writer, result)));
  const settled = await Promise.allSettled(all);
  return settled.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
}

function throwFirst({ error }: LateEvictions, failures: readonly unknown[]): void {
  if (error !== undefined) throw error;
  if (failures.length > 0) throw failures[0];
}
