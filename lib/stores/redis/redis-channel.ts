import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../shared/clock.js';
import { CacheError } from '../../shared/errors.js';
import type { LoggerPort } from '../../shared/logger.js';
import type { Channel, ChannelMessage } from '../channel.js';
import { ChannelNotice } from './channel-notice.js';
import { parseChannelMessage } from './channel-message.js';
import type { KnownPositions } from './known-positions.js';
import { outageReason } from './outage-reason.js';
import { isLoginRefused, isPermissionDenied } from './redis-errors.js';
import { Subscription } from './subscription.js';

const OPEN_PATIENCE_MS = 3_000;
const RECONNECT_AFTER_MS = 250;

/** A server to listen to, and what to listen to there. */
export interface ListeningPlace {
  readonly address: string;
  readonly channels: readonly string[];
  /** Makes a connection of the channel's own, not yet connected. */
  readonly connect: () => Redis;
}

export interface RedisChannelOptions {
  /** As far as they are known now: the one server, or every master of a Cluster that owns buckets. */
  readonly places: () => readonly ListeningPlace[];
  /** Finds out anew which places there are; {@link RedisChannel.follow} is called when that is known. */
  readonly refresh: () => void;
  readonly isSharded: boolean;
  readonly bucketCount: number;
  readonly positions: KnownPositions;
  /** True while commands are answered, and the channel alone may be at fault. */
  readonly isServed: () => boolean;
  readonly clock: Clock;
  readonly logger: LoggerPort;
}

/**
 * The coherence channel on Redis pub/sub, on connections of its own: one, or on a Cluster one to each master
 * (docs/decisions/0011). What is published while it does not listen is lost, which the engine's poll finds out.
 */
export class RedisChannel implements Channel {
  /** Messages that could not be understood, since the start. */
  malformed = 0;
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly standing = new Set<string>();
  private listener: ((message: ChannelMessage) => void) | null = null;
  private reconnection: Timer | null = null;
  private readonly notice: ChannelNotice;
  private isClosed = false;
  private onOpen: (error: Error | null) => void = () => {};

  constructor(private readonly options: RedisChannelOptions) {
    this.notice = new ChannelNotice(options);
  }

  /** @throws CacheError RC_REDIS_PERMISSION when the user may not subscribe to the channel */
  async open(listener: (message: ChannelMessage) => void): Promise<void> {
    if (this.isClosed) return;
    this.listener = listener;
    const outcome = new Promise<Error | null>((resolve) => {
      this.onOpen = resolve;
      setTimeout(() => resolve(null), OPEN_PATIENCE_MS).unref();
    });
    this.follow();
    if (this.subscriptions.size === 0) this.options.refresh();
    const error = await outcome;
    if (error === null) return;
    if (isPermissionDenied(error) || isLoginRefused(error)) {
      const [{ channels } = { channels: [] }] = this.options.places();
      await this.close();
      const right = this.options.isSharded ? 'ssubscribe' : 'subscribe';
      throw new CacheError(
        'RC_REDIS_PERMISSION',
        `The Redis user may not subscribe to "${channels[0]}": ${error.message}. Grant it: ACL SETUSER <user> +${right} &${channels[0]}`,
        { cause: error },
      );
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.notice.close();
    this.reconnection?.cancel();
    for (const subscription of this.subscriptions.values()) subscription.stop();
    this.subscriptions.clear();
    this.onOpen(null);
  }

  /** Listens where there is something to hear now. Called when the owners of buckets may have changed. */
  follow(): void {
    if (this.isClosed || this.listener === null) return;
    const places = this.options.places();
    // nothing is known at the moment: what there is may still be right
    if (places.length === 0) return;
    const addresses = new Set(places.map(({ address }) => address));
    for (const address of this.subscriptions.keys()) if (!addresses.has(address)) this.leave(address);
    for (const place of places) {
      const known = this.subscriptions.get(place.address);
      if (known) known.follow(place.channels);
      else this.subscriptions.set(place.address, this.subscribe(place));
    }
  }

  private subscribe({ address, channels, connect }: ListeningPlace): Subscription {
    const { isSharded, clock, refresh } = this.options;
    return new Subscription(channels, {
      connect,
      isSharded,
      clock,
      onMessage: (text) => this.receive(text),
      onOutcome: (error) => this.noteOutcome(address, error),
      onMoved: refresh,
      onEnd: () => {
        this.leave(address);
        this.reconnection?.cancel();
        this.reconnection = this.isClosed ? null : clock.after(RECONNECT_AFTER_MS, () => this.reconnect());
      },
    });
  }

  private leave(address: string): void {
    this.subscriptions.get(address)?.stop();
    this.subscriptions.delete(address);
    this.standing.delete(address);
  }

  private reconnect(): void {
    this.options.refresh();
    this.follow();
  }

  private noteOutcome(address: string, error: Error | null): void {
    if (error !== null) {
      this.standing.delete(address);
      this.notice.lost(outageReason(error, null, null));
      return this.onOpen(error);
    }
    this.standing.add(address);
    if (this.options.places().every((place) => this.standing.has(place.address))) {
      this.notice.stands();
      this.onOpen(null);
    }
  }

  private receive(text: string): void {
    const message = parseChannelMessage(text, this.options.bucketCount);
    if (message === null) {
      this.malformed += 1;
      return;
    }
    if (message.kind !== 'wake') this.options.positions.note(message.bucket, message);
    this.listener?.(message);
  }
}
