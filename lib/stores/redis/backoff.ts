import type { Redis } from 'ioredis';
import { defaultRetry } from '../../options/cache-client-options.js';

const FIRST_MS = 50;
/** While nobody is there: back within half a second of the server's return. */
const AWAY_MS = 400;
/** While a server is there and refuses: it will do so for a while, and each attempt costs it a connection. */
const REFUSED_MS = 2_000;
const JITTER = 0.12;

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
    const most = this.isRefused ? REFUSED_MS : AWAY_MS;
    const waitMs = Math.min(FIRST_MS * 2 ** Math.min(this.attempts++, 10), most);
    return waitMs * (1 + JITTER * Math.random());
  }
}
