import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../shared/clock.js';
import { CacheError } from '../../shared/errors.js';
import type { LoggerPort } from '../../shared/logger.js';
import type { Channel, ChannelMessage } from '../channel.js';
import { parseChannelMessage } from './channel-message.js';
import type { Incarnations } from './incarnations.js';
import { isLoginRefused, isPermissionDenied, messageOf } from './redis-errors.js';

const OPEN_PATIENCE_MS = 3_000;
const RECONNECT_AFTER_MS = 250;

/** How often a quiet subscription is asked whether it lives: a dead socket shows no other sign. */
const HEARTBEAT_MS = 2_000;

export interface RedisChannelOptions {
  /** Makes a connection of the channel's own, not yet connected. Called anew when the last one ended. */
  readonly connect: () => Redis;
  readonly channel: string;
  readonly bucketCount: number;
  readonly incarnations: Incarnations;
  readonly clock: Clock;
  readonly logger: LoggerPort;
}

/**
 * The coherence channel on Redis pub/sub, on a connection of its own. It subscribes again after every reconnect; what was
 * published meanwhile is lost, which the engine's poll finds out.
 */
export class RedisChannel implements Channel {
  /** Messages that could not be understood, since the start. */
  malformed = 0;
  private connection: Redis | null = null;
  private listener: (message: ChannelMessage) => void = () => {};
  private timer: Timer | null = null;
  private isClosed = false;
  private onOutcome: (error: Error | null) => void = () => {};

  constructor(private readonly options: RedisChannelOptions) {}

  /** @throws CacheError RC_REDIS_PERMISSION when the user may not subscribe to the channel */
  async open(listener: (message: ChannelMessage) => void): Promise<void> {
    this.listener = listener;
    const outcome = new Promise<Error | null>((resolve) => {
      this.onOutcome = resolve;
      setTimeout(() => resolve(null), OPEN_PATIENCE_MS).unref();
    });
    this.start();
    const error = await outcome;
    if (error === null) return;
    if (isPermissionDenied(error) || isLoginRefused(error)) {
      await this.close();
      throw new CacheError(
        'RC_REDIS_PERMISSION',
        `The Redis user may not subscribe to "${this.options.channel}": ${error.message}. Grant it: ACL SETUSER <user> +subscribe &${this.options.channel}`,
        { cause: error },
      );
    }
    this.options.logger.warn(`The coherence channel is not connected yet: ${error.message}. It goes on trying.`);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.timer?.cancel();
    this.timer = null;
    this.stop();
    this.onOutcome(null);
  }

  private start(): void {
    const connection = this.options.connect();
    this.connection = connection;
    connection.on('message', this.onMessage);
    connection.on('ready', () => void this.subscribe(connection));
    connection.on('error', (error: Error) => this.onOutcome(error));
    connection.on('end', () => {
      if (this.isClosed || this.connection !== connection) return;
      this.stop();
      this.schedule(RECONNECT_AFTER_MS, () => this.start());
    });
    connection.connect().catch(() => {});
  }

  private stop(): void {
    const { connection } = this;
    this.connection = null;
    if (connection === null) return;
    connection.off('message', this.onMessage);
    connection.disconnect();
  }

  private async subscribe(connection: Redis): Promise<void> {
    try {
      await connection.subscribe(this.options.channel);
      this.onOutcome(null);
      this.schedule(HEARTBEAT_MS, this.heartbeat);
    } catch (error) {
      this.onOutcome(error instanceof Error ? error : new Error(messageOf(error)));
      if (this.isClosed || this.connection !== connection) return;
      this.schedule(RECONNECT_AFTER_MS, () => connection.disconnect(true));
    }
  }

  /** A subscription without an answer is left for a new one. */
  private readonly heartbeat = () => {
    const { connection } = this;
    if (this.isClosed || connection === null || connection.status !== 'ready') return;
    connection.ping().then(
      () => this.schedule(HEARTBEAT_MS, this.heartbeat),
      (error: unknown) => {
        // any answer is a sign of life
        if (isPermissionDenied(error)) this.schedule(HEARTBEAT_MS, this.heartbeat);
        else if (connection.status === 'ready') connection.disconnect(true);
      },
    );
  };

  private schedule(delayMs: number, action: () => void): void {
    this.timer?.cancel();
    this.timer = this.isClosed ? null : this.options.clock.after(delayMs, action);
  }

  private readonly onMessage = (channel: string, text: string) => {
    const { bucketCount, incarnations } = this.options;
    if (channel !== this.options.channel || this.isClosed) return;
    const message = parseChannelMessage(text, bucketCount);
    if (message === null) {
      this.malformed += 1;
      return;
    }
    if (message.kind !== 'wake') incarnations.note(message.bucket, message.incarnation);
    this.listener(message);
  };
}
