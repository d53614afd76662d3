import { checkTags } from '../entries/tags.js';
import { canonicalVersion } from '../entries/version.js';
import type { CacheKey } from '../keys/cache-key.js';
import type { CallPlan } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { dropPromise, optionFailure } from '../shared/option-function.js';
import type { CallSteps, EvictStep, PutStep, ReadStep } from './call-steps.js';

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
  return (instance, args) => {
    let key: CacheKey;
    try {
      key = keyOf(args, instance);
    } catch (error) {
      return Promise.reject(error);
    }
    return region.read(key, policy, args, async () => original.apply(instance, args) as unknown);
  };
}

/**
 * All operations of a method. The order is a public contract:
 *
 *     evict before -> read through: a hit ends here, else -> strict fences and puts -> the method
 *     -> evict after (after a hit as well)
 *
 * Conditions and keys of evictions are taken before anything runs: a key that cannot be made stops the call before it has
 * written. When the method throws, nothing is evicted after, and its error passes through.
 */
async function run({ before, reads, writes, after }: CallSteps, call: Call, invoke: Invoke): Promise<unknown> {
  const early = evictionsOf(before, call);
  const late = evictionsOf(after, call);
  if (early.length > 0) await evictAll(early, undefined, call.args);
  const result = await readThrough(reads, 0, call, () => writeThrough(writes, 0, call, invoke));
  if (late.length > 0) await evictAll(late, result, call.args);
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

async function writeThrough(
  writes: readonly (EvictStep | PutStep)[],
  index: number,
  call: Call,
  invoke: Invoke,
): Promise<unknown> {
  const step = writes[index];
  if (step === undefined) return invoke();
  const next = async () => writeThrough(writes, index + 1, call, invoke);
  if (!applies(step, call)) return next();
  const { region } = step;
  if (step.kind === 'put')
    return region.writeThrough(step.keyOf(call.args, call.instance), step.policy, call.args, next);
  return region.evictStrict(keysOf(step, call), next);
}

function applies({ condition }: ReadStep | EvictStep, { args, instance }: Call): boolean {
  return condition === null || condition(args, instance);
}

/** An eviction that is to happen, with its keys. */
interface Eviction {
  readonly step: EvictStep;
  readonly keys: readonly CacheKey[];
}

function evictionsOf(steps: readonly EvictStep[], call: Call): Eviction[] {
  return steps.filter((step) => applies(step, call)).map((step) => ({ step, keys: keysOf(step, call) }));
}

function keysOf({ region, identifyAll }: EvictStep, { args, instance }: Call): CacheKey[] {
  return identifyAll === null ? [] : identifyAll(args, instance).map((identifier) => region.keyOf(identifier));
}

/** Resolves when all were acknowledged or queued; rejects with the first error, after all were tried. */
async function evictAll(evictions: readonly Eviction[], result: unknown, args: readonly unknown[]): Promise<void> {
  const outcomes = await Promise.allSettled(evictions.flatMap((eviction) => evict(eviction, result, args)));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

function evict({ step, keys }: Eviction, result: unknown, args: readonly unknown[]): Promise<void>[] {
  const { region, tags, clears, version } = step;
  const evictions: Promise<void>[] = [];
  if (keys.length > 0)
    evictions.push(version === null ? region.evictKeys(keys) : evictVersion(step, keys, result, args));
  if (tags !== null) evictions.push(evictTags(step, result, args));
  if (clears) evictions.push(region.clear());
  return evictions;
}

/** Without a usable version the entry is evicted whatever its version, which is never wrong, and the fault is reported. */
async function evictVersion(
  step: EvictStep,
  keys: readonly CacheKey[],
  result: unknown,
  args: readonly unknown[],
): Promise<void> {
  let version: string;
  try {
    const given: unknown = step.version!(result, ...args);
    dropPromise(given);
    version = canonicalVersion(given, step.where);
  } catch (cause) {
    await step.region.evictKeys(keys);
    throw optionFailure('version', `@CacheEvict on ${step.where}`, 'after', cause);
  }
  await step.region.evictKeys(keys, { version });
}

async function evictTags({ cache, tags, where }: EvictStep, result: unknown, args: readonly unknown[]): Promise<void> {
  const place = `@CacheEvict on ${where}`;
  let list: readonly string[];
  try {
    const given: unknown = typeof tags === 'function' ? tags(result, ...args) : tags;
    dropPromise(given);
    list = checkTags(given, place);
  } catch (cause) {
    throw optionFailure('tags', place, 'after', cause);
  }
  await cache.evictTags(list);
}
