import type { Clock } from '../../shared/clock.js';
import { CacheError } from '../../shared/errors.js';
import { withTimeout } from './deadline.js';
import type { FunctionReply } from './function-reply.js';
import { OutageReasons } from './outage-reason.js';
import { failureOf, isMistake, isOutOfMemory, isSilence, redirectOf, unavailable } from './redis-errors.js';
import type { FunctionCall } from './node-functions.js';
import type { RedisNode } from './redis-node.js';
import type { RedisTopology } from './redis-topology.js';

/** How often a function is sent again while its slot is on the way, and how long between. */
const LATER_ATTEMPTS = 4;
const LATER_MS = 25;

export interface StoreCall extends FunctionCall {
  /** The call was sent and not answered: it may have run, or may yet run. */
  readonly onUnknown?: () => void;
}

/** A call that is being made. */
interface Attempt<T> {
  readonly call: StoreCall;
  readonly read: (reply: FunctionReply) => T;
  /** From 1 on. */
  readonly attempt: number;
  /** It was sent to another owner once. */
  readonly hasMoved: boolean;
}

/** Brings a call to the server that owns its bucket, and says what it means when that fails. */
export class StoreCalls {
  isClosed = false;
  private readonly reasons = new OutageReasons();

  constructor(
    private readonly options: {
      readonly topology: RedisTopology;
      /** More than one: slots may be on their way. */
      readonly bucketCount: number;
      /** Bound of one step, ms. */
      readonly timeoutMs: number;
      readonly clock: Clock;
    },
  ) {}

  /**
   * Sends again only what is known not to have run: a call that was redirected.
   *
   * @param read takes the reply apart
   * @throws CacheError RC_STORE_UNAVAILABLE also for a reply that no function of ours gives; a mistake of the program
   * as it is
   */
  invoke<T>(call: StoreCall, read: (reply: FunctionReply) => T): Promise<T> {
    return this.attempt({ call, read, attempt: 1, hasMoved: false });
  }

  /** On the path of every miss: without promises of its own but one. */
  private attempt<T>(tried: Attempt<T>): Promise<T> {
    const { call, read } = tried;
    const { verb, bucket, args } = call;
    let node: RedisNode;
    try {
      node = this.nodeOf(bucket, verb);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const failed = (error: unknown) => this.failed(tried, node, error);
    let answer: Promise<FunctionReply>;
    try {
      answer = verb === 'poll' && args.length === 0 ? node.poll(call) : node.invoke(call);
    } catch (error) {
      return failed(error);
    }
    return answer.then((reply) => {
      try {
        return read(reply);
      } catch (error) {
        return failed(error);
      }
    }, failed);
  }

  /** Tries again, or says what it means. */
  private async failed<T>(tried: Attempt<T>, node: RedisNode, error: unknown): Promise<T> {
    const { call, attempt, hasMoved } = tried;
    const { clock, bucketCount } = this.options;
    if (isSilence(error)) call.onUnknown?.();
    const redirect = redirectOf(error);
    if (redirect !== null) node.distrust(call.bucket);
    if (redirect === 'owner' && !hasMoved && (await this.isRefreshed())) {
      return this.attempt({ ...tried, attempt: attempt + 1, hasMoved: true });
    }
    if (redirect === 'later' && attempt < LATER_ATTEMPTS && bucketCount > 1) {
      await new Promise<void>((resolve) => clock.after(LATER_MS * attempt, resolve));
      return this.attempt({ ...tried, attempt: attempt + 1 });
    }
    throw failureOf(call.verb, this.reasonOf(error, node));
  }

  /** @throws CacheError RC_CLOSED, RC_STORE_UNAVAILABLE when there is no connection, or its server was silent */
  nodeOf(bucket: number, operation: string): RedisNode {
    if (this.isClosed) throw new CacheError('RC_CLOSED', `The cache was closed; ${operation} came after that.`);
    const { topology } = this.options;
    const node = topology.nodeOf(bucket);
    if (node === null || node.isDown) {
      throw unavailable(operation, this.reasonOf(node?.lastError ?? null, node));
    }
    // the poll goes on: it is what finds out that the server is back
    if (operation !== 'poll' && node.refusal !== null) throw unavailable(operation, this.reasonOf(node.refusal, node));
    return node;
  }

  /** A slow refresh goes on, and the call without it. */
  private async isRefreshed(): Promise<boolean> {
    const { topology, timeoutMs } = this.options;
    return withTimeout(topology.refresh(), timeoutMs).catch(() => false);
  }

  /** What the store itself tells apart is thrown as it is. */
  private reasonOf(error: unknown, node: RedisNode | null): unknown {
    if (error instanceof CacheError || isOutOfMemory(error) || isMistake(error)) return error;
    return this.reasons.of(error, node?.client ?? null, node?.lastError ?? this.options.topology.lastError);
  }
}
