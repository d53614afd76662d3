import { EventEmitter } from 'node:events';
import type { Command, Redis } from 'ioredis';

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
  /** The driver writes these by itself. */
  private unwritten: string[] = [];
  private held: (() => void)[] | null = null;
  readonly stream = {
    cork: () => void (this.corked += 1),
    uncork: () => {
      this.corked -= 1;
      if (this.corked > 0 || this.buffered.length === 0) return;
      this.writes.push(this.buffered);
      this.buffered = [];
    },
    write: () => {
      this.written(this.unwritten);
      this.unwritten = [];
      return true;
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

  readonly call = (name: string, args: readonly unknown[]) => this.send(verbOf(name, args), args);
  readonly callBuffer = this.call;
  sendCommand(command: Command, stream: { write(text: unknown): unknown }): void {
    stream.write(command.toWritable(this.stream));
    const verb = verbOf(command.name, command.args);
    this.unwritten.push(verb);
    this.answered(
      verb,
      command.args,
      (reply) => command.resolve(asBytes(reply)),
      (error) => command.reject(error as Error),
    );
  }

  /** From now on no reply comes, until all do at once, as when they are read from the socket together. */
  holdReplies(): () => void {
    const held: (() => void)[] = (this.held = []);
    return () => {
      this.held = null;
      for (const settle of held) settle();
    };
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  disconnect(): void {
    this.disconnects += 1;
  }

  private send(name: string, args: readonly unknown[]): Promise<unknown> {
    this.written([name]);
    // settled where commands of `sendCommand` are, so that its reactions are as late as theirs
    return new Promise((resolve, reject) => this.answered(name, args, resolve, reject));
  }

  private answered(
    name: string,
    args: readonly unknown[],
    resolve: (reply: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.held === null) this.answerTo(name, args).then(resolve, reject);
    else this.held.push(() => resolve(this.answer(name, args)));
  }

  private written(names: string[]): void {
    if (this.corked > 0) this.buffered.push(...names);
    else this.writes.push(names);
  }

  /** As on one connection, an answer never overtakes another. */
  private answerTo(name: string, args: readonly unknown[]): Promise<unknown> {
    const answer = this.before.then(() => this.answer(name, args));
    this.before = answer.catch(() => {});
    return answer;
  }
}

/** Of a function, its own. */
function verbOf(name: string, args: readonly unknown[]): string {
  return name.toLowerCase() === 'fcall' ? String(args[0]).replace(/^nrc\d+_/, '') : name.toLowerCase();
}

/** Text as it comes from the server. */
function asBytes(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(asBytes);
  return typeof reply === 'string' ? Buffer.from(reply) : reply;
}

/** An error as Redis answers it. */
export function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}
