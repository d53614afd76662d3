import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../shared/clock.js';
import { Backoff } from './backoff.js';
import { isPermissionDenied, messageOf, redirectOf } from './redis-errors.js';

/**
 * How often it subscribes anew, on shard channels to one of them in turn: the answer shows that the connection lives (a
 * dead socket shows no other sign), and the server is still the right one.
 */
const HEARTBEAT_MS = 2_000;
const RETRY_AFTER_MS = 250;
const REFUSED_RETRY_MS = 5_000;

export interface SubscriptionOptions {
  /** Makes the connection, not yet connected. */
  readonly connect: () => Redis;
  /** True for shard channels of a Cluster, each of which is subscribed by itself. */
  readonly isSharded: boolean;
  readonly onMessage: (text: string) => void;
  /** After each attempt: null when every channel is listened to, else why not. */
  readonly onOutcome: (error: Error | null) => void;
  /** The server does not own a channel's slot (any more). */
  readonly onMoved: () => void;
  /** The connection ended and will not come back. */
  readonly onEnd: () => void;
  readonly clock: Clock;
}

/** One connection, and the channels it listens to, again after each reconnect. */
export class Subscription {
  private readonly connection: Redis;
  private timer: Timer | null = null;
  private isStopped = false;
  private heartbeats = 0;
  private readonly backoff = new Backoff();

  constructor(
    private channels: readonly string[],
    private readonly options: SubscriptionOptions,
  ) {
    const { isSharded, onMessage, onOutcome, onMoved } = options;
    this.connection = options.connect();
    this.backoff.guide(this.connection);
    this.connection.on(isSharded ? 'smessage' : 'message', (_channel: string, text: string) => {
      if (!this.isStopped) onMessage(text);
    });
    this.connection.on('ready', () => void this.subscribe());
    this.connection.on('error', onOutcome);
    // a slot moved away, and the server ended its subscriptions
    this.connection.on('moved', onMoved);
    this.connection.on('end', () => {
      if (!this.isStopped) options.onEnd();
    });
    this.connection.connect().catch(() => {});
  }

  /** Listens to these from now on. Those that are left out have moved: their server has ended them. */
  follow(channels: readonly string[]): void {
    const isKnown = channels.every((channel) => this.channels.includes(channel));
    this.channels = channels;
    if (!isKnown) void this.subscribe();
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
    this.connection.disconnect();
  }

  private async subscribe(channels = this.channels): Promise<void> {
    const { connection, options } = this;
    if (this.isStopped || connection.status !== 'ready') return;
    try {
      if (options.isSharded) await Promise.all(channels.map((channel) => connection.ssubscribe(channel)));
      else await connection.subscribe(...channels);
      options.onOutcome(null);
      this.backoff.accepted();
      this.schedule(HEARTBEAT_MS, () => void this.subscribe(this.heartbeat()));
    } catch (error) {
      options.onOutcome(error instanceof Error ? error : new Error(messageOf(error)));
      if (redirectOf(error) !== null) {
        options.onMoved();
        this.schedule(RETRY_AFTER_MS, () => void this.subscribe());
      } else if (isPermissionDenied(error)) {
        // the server may have left what was subscribed before; a new connection would be refused as well
        this.schedule(REFUSED_RETRY_MS, () => void this.subscribe());
      } else this.schedule(RETRY_AFTER_MS, () => connection.disconnect(true));
    }
  }

  private heartbeat(): readonly string[] {
    if (!this.options.isSharded) return this.channels;
    const channel = this.channels[this.heartbeats++ % this.channels.length];
    return channel === undefined ? [] : [channel];
  }

  private schedule(delayMs: number, action: () => void): void {
    this.timer?.cancel();
    this.timer = this.isStopped ? null : this.options.clock.after(delayMs, action);
  }
}
