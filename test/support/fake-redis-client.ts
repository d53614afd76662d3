import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';

/** A client of ioredis without a server: the test answers each command, and sees what leaves in one write. */
export class FakeRedisClient extends EventEmitter {
  status = 'ready';
  readonly options = { host: 'fake', port: 1 };
  /** The commands of each write. */
  readonly writes: string[][] = [];
  disconnects = 0;
  private before: Promise<unknown> = Promise.resolve();
  private corked = 0;
  private buffered: string[] = [];
  readonly stream = {
    cork: () => void (this.corked += 1),
    uncork: () => {
      this.corked -= 1;
      if (this.corked > 0 || this.buffered.length === 0) return;
      this.writes.push(this.buffered);
      this.buffered = [];
    },
  };

  /** @param answer the reply to a command, or a promise of it; FCALL has its function's verb as name */
  constructor(private readonly answer: (name: string, args: readonly unknown[]) => unknown) {
    super();
  }

  /** As the driver takes it. */
  get asRedis(): Redis {
    return this as unknown as Redis;
  }

  readonly call = (name: string, args: readonly unknown[]) => {
    const verb = name === 'FCALL' ? String(args[0]).replace(/^nrc\d+_/, '') : name.toLowerCase();
    return this.send(verb, args);
  };
  readonly callBuffer = this.call;
  readonly hmget = (...args: unknown[]) => this.send('hmget', args);
  readonly get = (...args: unknown[]) => this.send('get', args);
  readonly getBuffer = this.get;
  readonly mget = (...args: unknown[]) => this.send('mget', args);
  readonly mgetBuffer = this.mget;

  connect(): Promise<void> {
    return Promise.resolve();
  }

  disconnect(): void {
    this.disconnects += 1;
  }

  private async send(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.corked > 0) this.buffered.push(name);
    else this.writes.push([name]);
    // as on one connection, an answer never overtakes another
    const answer = this.before.then(() => this.answer(name, args));
    this.before = answer.catch(() => {});
    return answer;
  }
}

/** An error as Redis answers it. */
export function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}
