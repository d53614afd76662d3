import { deferred, type Deferred } from '../../shared/deferred.js';
import type { FunctionReply } from './function-reply.js';
import { redirectOf } from './redis-errors.js';

/** What a batch asks of its node. */
export interface Polled<Call> {
  invoke(call: Call): Promise<FunctionReply>;
  /** Per bucket the reply of a poll, or null where it has to be polled by itself. */
  survey(buckets: readonly number[]): Promise<readonly (FunctionReply | null)[]>;
}

interface PendingPoll<Call> {
  readonly call: Call;
  readonly answer: Deferred<FunctionReply>;
}

/**
 * Collects the polls of one turn and server, and sends them as one call. A bucket of which the server knows something
 * new is polled by itself after that: another incarnation is made, and told, by that poll alone.
 */
export class PollBatch<Call extends { readonly bucket: number }> {
  private waiting = new Map<number, PendingPoll<Call>>();

  constructor(private readonly node: Polled<Call>) {}

  add(call: Call): Promise<FunctionReply> {
    let poll = this.waiting.get(call.bucket);
    if (poll === undefined) this.waiting.set(call.bucket, (poll = { call, answer: deferred() }));
    return poll.answer.promise;
  }

  /** Sends what was collected; the node calls it at the end of each turn. */
  flush(): void {
    if (this.waiting.size === 0) return;
    const polls = [...this.waiting.values()];
    this.waiting = new Map();
    if (polls.length === 1) return this.pollOne(polls[0]!);
    this.node.survey(polls.map(({ call }) => call.bucket)).then(
      (replies) =>
        polls.forEach((poll, n) => {
          const reply = replies[n];
          if (reply) poll.answer.resolve(reply);
          else this.pollOne(poll);
        }),
      (error: unknown) => {
        // the bucket that led the call there has moved, and perhaps no other
        if (redirectOf(error) !== null) for (const poll of polls) this.pollOne(poll);
        else for (const { answer } of polls) answer.reject(error as Error);
      },
    );
  }

  private pollOne({ call, answer }: PendingPoll<Call>): void {
    this.node.invoke(call).then(answer.resolve, answer.reject);
  }
}
