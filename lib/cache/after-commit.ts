import { identifierOf, type KeyValue } from '../keys/key-segment.js';
import { CacheError, describeValue } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest-name.js';
import type { CacheChanges } from './cache-changes.js';
import type { CacheEngine } from './cache-engine.js';
import { checkCallback } from './check-call.js';
import type { FencedKey } from './call-fences.js';
import { evictionsOf, evictQueues, type Queue, type QueuedChanges, sendQueue, throwFirst } from './queued-changes.js';
import { isOutcomeUnknown } from './unknown-outcome.js';

/** @publicApi */
export interface AfterCommitOptions {
  /**
   * Keys by region that are fenced before the transaction begins, and evicted when it has ended, however it ends: from
   * its first statement on, nobody is given their old value, nor can fill it, also when this process dies right after
   * the commit.
   */
  strict?: Readonly<Record<string, readonly KeyValue[]>>;
}

/**
 * Runs a transaction, then what it queued. @internal
 *
 * @throws CacheError RC_FENCE_FAILED, before `run`; RC_INVALID_OPTION, RC_INVALID_KEY
 */
export async function runAfterCommit<R>(
  engine: CacheEngine,
  queued: QueuedChanges,
  changes: CacheChanges,
  run: (changes: CacheChanges) => Promise<R>,
  options: AfterCommitOptions,
): Promise<R> {
  checkCallback('afterCommit(run)', run, `cache "${engine.name}"`);
  const fenced = strictKeys(engine, options);
  let committed: { readonly result: R; readonly others: Promise<PromiseSettledResult<void>[]> } | undefined;
  let unknown: Promise<void> | undefined;
  let own: Queue = { wanted: [], given: [] };
  const transaction = async () => {
    const result = await run(changes);
    const queues = queued.takeIfOpen();
    own = queues.get(engine) ?? own;
    queues.delete(engine);
    committed = { result, others: Promise.allSettled([...queues].map(sendQueue)) };
  };
  // its own part goes with the fences that end: one group (R19)
  const afterError = (error: unknown) => {
    if (!isOutcomeUnknown(error)) return [];
    const queues = queued.takeIfOpen();
    const mine = queues.get(engine);
    queues.delete(engine);
    unknown = evictQueues(queues);
    return mine === undefined ? [] : evictionsOf(mine);
  };
  const plan = {
    afterError,
    strict: fenced,
    puts: [],
    evictsNothing: false,
    after: () => own.wanted,
    given: () => own.given,
  };
  const [outcome] = await Promise.allSettled([engine.writer.writeAll(plan, transaction)]);
  if (committed === undefined) {
    const { reason } = outcome as PromiseRejectedResult;
    await giveUp(queued, reason);
    await unknown;
    throw reason;
  }
  throwFirst([outcome!, ...(await committed.others)]);
  return committed.result;
}

/** Rolled back: nothing of it is sent. Where that is not certain, everything is evicted. Never rejects. */
async function giveUp(queued: QueuedChanges, reason: unknown): Promise<void> {
  const queues = queued.takeIfOpen();
  if (isOutcomeUnknown(reason)) await evictQueues(queues);
}

/** @throws CacheError RC_INVALID_OPTION, RC_INVALID_KEY */
function strictKeys(engine: CacheEngine, options: AfterCommitOptions): FencedKey[] {
  for (const name of Object.keys(options)) {
    if (name !== 'strict') throw invalid(`has no option '${name}'.${didYouMean(name, ['strict'])}`);
  }
  const { strict = {} } = options;
  if (typeof strict !== 'object' || strict === null) {
    throw invalid(`takes as 'strict' arrays of keys by the name of their region, got ${describeValue(strict)}.`);
  }
  return Object.entries(strict).flatMap(([name, keys]) => {
    if (!Array.isArray(keys)) throw invalid(`takes as 'strict.${name}' an array of keys, got ${describeValue(keys)}.`);
    const region = engine.region(name);
    return region.fencedKeys(keys.map((key) => region.keyOf(identifierOf(key, `region "${name}"`))));
  });
}

const invalid = (what: string) => new CacheError('RC_INVALID_OPTION', `afterCommit ${what}`);
