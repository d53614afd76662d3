import type { Redis } from 'ioredis';
import { AWAY_MS, defaultRetry, reconnectAfterMs } from '../../options/cache-client-options.js';

/** While a server is there and refuses: it will do so for a while, and each attempt costs it a connection. */
const REFUSED_MS = 2_000;

/**
 * How long a connection waits before it is made again. It grows with each attempt, and only work that was accepted
 * makes it short again: a server that accepts connections and refuses everything else would otherwise get ten a second.
 */
export class Backoff {
  private attempts = 0;
  private isRefused = false;

  /** Lets the client wait by this, unless the application chose a way of its own. */
  guide(client: Redis): void {
    if (client.options.retryStrategy !== defaultRetry) return;
    client.options.retryStrategy = () => this.next();
    // replies of the server; what sockets say has other names
    client.on('error', (error: Error) => {
      if (error.name === 'ReplyError') this.refused();
      else this.isRefused = false;
    });
  }

  /** The server is there, and does not do what it is asked for. */
  refused(): void {
    this.isRefused = true;
  }

  accepted(): void {
    this.attempts = 0;
    this.isRefused = false;
  }

  /** ms until the next attempt. */
  next(): number {
    return reconnectAfterMs(++this.attempts, this.isRefused ? REFUSED_MS : AWAY_MS);
  }
}
