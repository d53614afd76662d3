import { canonicalVersion } from '../entries/version.js';
import type { CacheKey } from '../keys/cache-key.js';
import type { CallPlan } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { CacheError } from '../shared/errors.js';
import type { CallSteps, EvictStep, PutStep, ReadStep } from './call-steps.js';

type Invoke = () => Promise<unknown>;

/** The plan of a method: as short as its operations allow. */
export function planOfSteps(steps: CallSteps, original: AnyFunction): CallPlan {
  const { before, reads, writes, after } = steps;
  const [read] = reads;
  if (reads.length === 1 && read!.condition === null && before.length + writes.length + after.length === 0) {
    return plainRead(read!, original);
  }
  return (instance, args) => run(steps, args, async () => original.apply(instance, args) as unknown);
}

/** The hot path: one `@Cacheable` and nothing else. The region's promise is the call's. */
function plainRead({ region, keyOf, policy }: ReadStep, original: AnyFunction): CallPlan {
  return (instance, args) => {
    let key: CacheKey;
    try {
      key = keyOf(args);
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
async function run({ before, reads, writes, after }: CallSteps, args: unknown[], invoke: Invoke): Promise<unknown> {
  const early = evictionsOf(before, args);
  const late = evictionsOf(after, args);
  if (early.length > 0) await evictAll(early, undefined, args);
  const result = await readThrough(reads, 0, args, () => writeThrough(writes, 0, args, invoke));
  if (late.length > 0) await evictAll(late, result, args);
  return result;
}

function readThrough(reads: readonly ReadStep[], index: number, args: unknown[], rest: Invoke): Promise<unknown> {
  const step = reads[index];
  if (step === undefined) return rest();
  const next = async () => readThrough(reads, index + 1, args, rest);
  const { region, keyOf, policy, condition } = step;
  if (condition !== null && !condition(args)) {
    region.countBypass();
    return next();
  }
  return region.read(keyOf(args), policy, args, next);
}

async function writeThrough(
  writes: readonly (EvictStep | PutStep)[],
  index: number,
  args: unknown[],
  invoke: Invoke,
): Promise<unknown> {
  const step = writes[index];
  if (step === undefined) return invoke();
  const next = async () => writeThrough(writes, index + 1, args, invoke);
  const { region, condition } = step;
  if (condition !== null && !condition(args)) return next();
  if (step.kind === 'put') return region.writeThrough(step.keyOf(args), step.policy, args, next);
  return region.evictStrict(keysOf(step, args), next);
}

/** An eviction that is to happen, with its keys. */
interface Eviction {
  readonly step: EvictStep;
  readonly keys: readonly CacheKey[];
}

function evictionsOf(steps: readonly EvictStep[], args: readonly unknown[]): Eviction[] {
  return steps
    .filter(({ condition }) => condition === null || condition(args))
    .map((step) => ({ step, keys: keysOf(step, args) }));
}

function keysOf({ region, identifyAll }: EvictStep, args: readonly unknown[]): CacheKey[] {
  return identifyAll === null ? [] : identifyAll(args).map((identifier) => region.keyOf(identifier));
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
    version = canonicalVersion(step.version!(result, ...args), step.where);
  } catch (cause) {
    await step.region.evictKeys(keys);
    throw optionFailure('version', step.where, cause);
  }
  await step.region.evictKeys(keys, { version });
}

async function evictTags({ cache, tags, where }: EvictStep, result: unknown, args: readonly unknown[]): Promise<void> {
  let list: readonly string[];
  try {
    list = typeof tags === 'function' ? tags(result, ...args) : (tags ?? []);
  } catch (cause) {
    throw optionFailure('tags', where, cause);
  }
  await cache.evictTags(list);
}

function optionFailure(option: string, where: string, cause: unknown): unknown {
  if (cause instanceof CacheError) return cause;
  return new CacheError(
    'RC_OPTION_FUNCTION',
    `The function '${option}' of @CacheEvict on ${where} failed after the method had run: ${String(cause)}. Make it total: it gets (result, ...args).`,
    { cause },
  );
}
