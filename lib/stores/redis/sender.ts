import type { Redis } from 'ioredis';
import { AnswerDeadlines, type Wait } from './answer-deadlines.js';
import type { Circuit } from './circuit.js';
import type { Gathering } from './gathering.js';
import type { NodeContext } from './node-context.js';
import { OneWrite } from './one-write.js';
import type { SentBatch } from './read-batch.js';
import { isSilence } from './redis-errors.js';

export interface SendOptions<T> {
  /** Sent also while the circuit is open, to find out whether the server is back. */
  readonly isProbe?: boolean;
  /** The server may work on it for a while. */
  readonly isLong?: boolean;
  /** With all that was sent in this turn before it. */
  readonly leavesAtOnce?: boolean;
  /** Gets what was answered after the deadline. */
  readonly onLateAnswer?: ((answer: T) => void) | undefined;
}

/** When a connection on which nothing is heard counts as dead, ms. */
const deadAfter = (timeoutMs: number): number => Math.max(1_000, 4 * timeoutMs);

/**
 * The one way to a connection: what a turn of the event loop sends leaves in one write, each answer has its deadline
 * from then on, and while the server's circuit is open nothing leaves at all.
 */
export class Sender {
  private readonly deadlines: AnswerDeadlines;
  private readonly circuit: Circuit;
  private readonly endOpenings: () => void;
  private isInTurn = false;
  /** What is held back; the client may have another by the end of the turn. */
  private corked: Redis['stream'] | null = null;

  /** @param beforeTurnEnds sends what is to leave in the write of this turn */
  constructor(
    private readonly client: Redis,
    { endpoints, clock, timeoutMs }: NodeContext,
    private readonly beforeTurnEnds: () => void,
  ) {
    this.circuit = endpoints.circuitOf(client);
    this.deadlines = new AnswerDeadlines({
      clock,
      timeoutMs,
      deadAfterMs: deadAfter(timeoutMs),
      onDead: () => this.client.disconnect(true),
    });
    this.endOpenings = this.circuit.onOpen(() => this.deadlines.giveUp());
  }

  /** Why a command would be refused at once because the server has been silent, or null. */
  get refusal(): Error | null {
    return this.circuit.refusal;
  }

  /** Rejects at once when the client cannot send, and while the server's circuit is open. */
  send<T>(
    commands: (client: Redis) => Promise<T>,
    { isProbe = false, isLong = false, leavesAtOnce = false, onLateAnswer }: SendOptions<T> = {},
  ): Promise<T> {
    return this.circuit.run(() => {
      this.beginTurn();
      const answer = this.deadlines.bound(commands(this.client), onLateAnswer, isLong);
      if (leavesAtOnce) this.writeNow();
      return answer;
    }, isProbe);
  }

  private writeNow(): void {
    this.corked?.uncork();
    this.corked?.cork();
  }

  /**
   * As `send`, for what settles its answers by itself: in one write, without promises of its own.
   *
   * @param nowMs local ms
   * @param gathered by what the reads of the batch were gathered
   */
  sendReads(nowMs: number, batch: SentBatch, gathered: Gathering): void {
    const { circuit, deadlines } = this;
    if (circuit.refusal !== null) return batch.fail(circuit.refusal);
    const onLate = (reason: Error) => {
      circuit.wasSilent(reason);
      batch.fail(reason);
    };
    const wait = deadlines.start(onLate, nowMs);
    const write = new OneWrite(this.client);
    try {
      batch.write(write, nowMs, this.readsEnded.bind(this, gathered, wait));
    } catch (error) {
      if (deadlines.end(wait, false)) batch.fail(error as Error);
    } finally {
      write.send();
    }
  }

  private readsEnded(gathered: Gathering, wait: Wait, error?: Error): void {
    gathered.answered();
    const isAnswer = error === undefined || !isSilence(error);
    if (!this.deadlines.end(wait, isAnswer)) return;
    if (isAnswer) this.circuit.answered();
    else this.circuit.wasSilent(error);
  }

  /** Holds back what is written until this callback of the event loop ends. */
  beginTurn(): void {
    if (this.isInTurn) return;
    this.isInTurn = true;
    this.corked = this.client.stream ?? null;
    this.corked?.cork();
    process.nextTick(() => {
      try {
        this.beforeTurnEnds();
      } finally {
        this.corked?.uncork();
        this.corked = null;
        this.isInTurn = false;
      }
    });
  }

  /** The circuit outlives this connection. */
  dispose(): void {
    this.endOpenings();
  }
}
