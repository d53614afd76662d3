import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../shared/clock.js';
import type { LoggerPort } from '../../shared/logger.js';
import type { ForeignWrites, ForeignWritesListener } from '../foreign-writes.js';
import { messageOf } from './redis-errors.js';

/** How the server is asked to tell: CLIENT TRACKING, or notifications of keys. */
export type ForeignWritesMeans = 'tracking' | 'keyspace';

export interface RedisForeignWritesOptions {
  readonly means: ForeignWritesMeans;
  /** What the keys of the cache begin with. */
  readonly prefix: string;
  readonly database: number;
  /** Makes a connection of its own, with RESP2, not yet connected. */
  readonly connect: () => Redis;
  /** How often it is proven that the connection tells everything, ms. */
  readonly beatEveryMs: number;
  readonly clock: Clock;
  readonly logger: LoggerPort;
}

const INVALIDATIONS = '__redis__:invalidate';
const RECONNECT_AFTER_MS = 250;
const REFUSED_RETRY_MS = 5_000;
/** What is done to a key without changing its value, or what a cache does itself when it fills. */
const HARMLESS: readonly string[] = [
  'set',
  'setrange',
  'expire',
  'expired',
  'evicted',
  'persist',
  'hset',
  'hdel',
  'new',
];

/**
 * One connection that is told of writes and proves that it is: its answers and messages come in one order, so that an
 * answer shows that all from before has come.
 *
 * Tracking is switched on *by the connection that listens*, with itself as the target, by prefix: were it another, that
 * one could be lost without a word (redis/redis#15632). What the server remembers does not grow with the keys that are
 * read.
 */
export class RedisForeignWrites implements ForeignWrites {
  provenAtMs = -Infinity;
  private connection: Redis | null = null;
  private listener: ForeignWritesListener | null = null;
  private timer: Timer | null = null;
  private isClosed = false;
  private isTold = false;

  constructor(private readonly options: RedisForeignWritesOptions) {}

  open(listener: ForeignWritesListener): void {
    if (this.isClosed) return;
    this.listener = listener;
    const connection = this.options.connect();
    this.connection = connection;
    connection.on('ready', () => void this.begin(connection));
    connection.on('error', (error: Error) => this.tell(error));
    connection.on('messageBuffer', (_channel: Buffer, keys: unknown) => this.hear(keys));
    connection.on('pmessage', (_pattern: string, channel: string, event: string) => {
      if (!HARMLESS.includes(event)) this.listener?.wrote(channel.slice(channel.indexOf(':') + 1));
    });
    connection.on('end', () => {
      if (!this.isClosed) this.schedule(RECONNECT_AFTER_MS, () => this.open(listener));
    });
    connection.connect().catch(() => {});
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.connection?.disconnect();
  }

  private async begin(connection: Redis): Promise<void> {
    try {
      if (this.options.means === 'tracking') await this.track(connection);
      else await this.checkNotifications(connection);
      await this.subscribe(connection);
      this.listener?.began();
      this.isTold = false;
      await this.beat(connection);
    } catch (error) {
      this.fail(connection, error);
    }
  }

  private async track(connection: Redis): Promise<void> {
    const id = String(await connection.client('ID'));
    await connection.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', this.options.prefix);
  }

  /** @throws Error when the server does not notify of deletions */
  private async checkNotifications(connection: Redis): Promise<void> {
    let flags: string;
    try {
      const [, value] = (await connection.config('GET', 'notify-keyspace-events')) as [string, string];
      flags = value;
    } catch {
      // a user without the right to ask has to know
      return;
    }
    if (/K/.test(flags) && /[gA]/.test(flags)) return;
    throw new Error(`notify-keyspace-events is "${flags}": set it to "Kg" at least`);
  }

  private subscribe(connection: Redis): Promise<unknown> {
    const { means, prefix, database } = this.options;
    return means === 'tracking'
      ? connection.subscribe(INVALIDATIONS)
      : connection.psubscribe(`__keyspace@${database}__:${escapeGlob(prefix)}*`);
  }

  /** Subscribing anew changes nothing, and is answered. */
  private async beat(connection: Redis): Promise<void> {
    if (this.isClosed || connection !== this.connection || connection.status !== 'ready') return;
    const sentAtMs = this.options.clock.now();
    try {
      await this.subscribe(connection);
    } catch (error) {
      return this.fail(connection, error);
    }
    this.provenAtMs = sentAtMs;
    this.schedule(this.options.beatEveryMs, () => void this.beat(connection));
  }

  private fail(connection: Redis, error: unknown): void {
    if (this.isClosed || connection !== this.connection) return;
    this.tell(error);
    const isRefused = connection.status === 'ready' && !/timed out/i.test(messageOf(error));
    this.schedule(isRefused ? REFUSED_RETRY_MS : 0, () => connection.disconnect(true));
  }

  /** Once per loss. */
  private tell(error: unknown): void {
    if (this.isTold || this.isClosed) return;
    this.isTold = true;
    this.options.logger.warn(
      `Writes of others (foreignWrites: '${this.options.means}') are not told: ${messageOf(error)}. It keeps trying; until then L1 is not served.`,
    );
  }

  /** A list of keys; null: all of them went. */
  private hear(keys: unknown): void {
    if (!Array.isArray(keys)) return this.listener?.began();
    for (const key of keys as unknown[]) this.listener?.wrote(String(key));
  }

  private schedule(delayMs: number, action: () => void): void {
    this.timer?.cancel();
    this.timer = this.isClosed ? null : this.options.clock.after(delayMs, action);
  }
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^]/g, '\\$&');
}
