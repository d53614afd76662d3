import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../shared/clock.js';
import type { Broadcast, BroadcastListener } from '../broadcast.js';
import { Subscription } from './subscription.js';

const RECONNECT_AFTER_MS = 250;

export interface RedisBroadcastOptions {
  /** Makes a connection of its own, not yet connected; null: no server is known at the moment. */
  readonly connect: () => Redis | null;
  readonly clock: Clock;
}

/**
 * Each channel has a connection of its own: there are few of them. On a Cluster any server hears what is published on
 * any.
 */
export class RedisBroadcast implements Broadcast {
  private readonly listening = new Set<Subscription>();
  private readonly timers = new Set<Timer>();
  private isClosed = false;

  constructor(private readonly options: RedisBroadcastOptions) {}

  listen(channel: string, listener: BroadcastListener): void {
    if (this.isClosed) return;
    const { connect, clock } = this.options;
    const again = () => {
      const timer = clock.after(RECONNECT_AFTER_MS, () => {
        this.timers.delete(timer);
        this.listen(channel, listener);
      });
      this.timers.add(timer);
    };
    const connection = connect();
    if (connection === null) return again();
    let isStanding = false;
    const lose = () => {
      if (isStanding && !this.isClosed) listener.onLost();
      isStanding = false;
    };
    connection.on('close', lose);
    const subscription = new Subscription([channel], {
      connect: () => connection,
      isSharded: false,
      onMessage: (text) => listener.onMessage(text),
      onOutcome: (error) => {
        if (error === null) isStanding = true;
        listener.onOutcome(error);
      },
      onMoved: () => {},
      onEnd: () => {
        this.listening.delete(subscription);
        again();
      },
      clock,
    });
    this.listening.add(subscription);
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.timers) timer.cancel();
    for (const subscription of this.listening) subscription.stop();
    this.listening.clear();
  }
}
