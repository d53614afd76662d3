import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../shared/clock.js';

/** How long a new connection may take until it is ready, ms: a server that hangs accepts it and says nothing. */
const HANDSHAKE_MS = 2_000;

/** The lives of one connection, which its client makes anew whenever it ends. */
export class ConnectionLives {
  /** Counts them. Raised when the connection closes, and when its server refuses to be written to. */
  epoch = 0;
  /** Why the connection failed last; the rejections of ioredis do not say it. */
  lastError: Error | null = null;
  private handshake: Timer | null = null;
  private readonly onConnect = () => {
    this.handshake = this.clock.after(HANDSHAKE_MS, () => this.client.disconnect(true));
  };
  private readonly onReady = () => this.handshake?.cancel();
  private readonly onClose = () => {
    this.handshake?.cancel();
    this.epoch += 1;
  };
  private readonly onError = (error: Error) => void (this.lastError = error);

  constructor(
    private readonly client: Redis,
    private readonly clock: Clock,
  ) {
    client.on('connect', this.onConnect);
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    client.on('error', this.onError);
  }

  /** Lets go of the client, which others may go on using. */
  dispose(): void {
    this.handshake?.cancel();
    this.client.off('connect', this.onConnect);
    this.client.off('ready', this.onReady);
    this.client.off('close', this.onClose);
    this.client.off('error', this.onError);
    this.epoch += 1;
  }
}
