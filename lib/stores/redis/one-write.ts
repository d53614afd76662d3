import type { Command, Redis } from 'ioredis';

type Stream = Parameters<Redis['sendCommand']>[1];
type Settle<T> = (value: T) => void;

/**
 * A command as ioredis takes and answers one, whose reply is handed on in the event in which it comes: bytes in the
 * place of text.
 *
 * On the path of every hit, a `Command` of ioredis costs more than all else that the read does: a promise, closures, a
 * look-up of transformers. What traces commands replaces `resolve` and `reject`, which are therefore its own.
 */
class BareCommand {
  readonly promise = undefined;
  readonly isTraced = true;

  constructor(
    readonly name: string,
    readonly args: readonly string[],
    readonly resolve: Settle<unknown>,
    readonly reject: Settle<Error>,
  ) {}

  toWritable(): string {
    let text = `*${this.args.length + 1}\r\n${bulk(this.name)}`;
    for (const arg of this.args) text += bulk(arg);
    return text;
  }

  /** Replies are taken as they come. */
  setReplyContext(): void {}
}

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** Commands that leave in one write, in the order in which they are added. */
export class OneWrite {
  private text = '';
  private isSent = false;

  constructor(private readonly client: Redis) {}

  /**
   * @param answered gets the reply, in the event in which it comes: before the reactions to promises of what was sent
   * earlier
   * @param failed gets why there is none, perhaps at once
   */
  add(name: string, args: readonly string[], answered: Settle<unknown>, failed: Settle<Error>): void {
    const command = new BareCommand(name, args, answered, failed);
    this.client.sendCommand(command as unknown as Command, this as unknown as Stream);
  }

  /** What ioredis would write now; or later, had it to wait for the connection. */
  write(text: string): boolean {
    if (this.isSent) return this.client.stream.write(text);
    this.text += text;
    return true;
  }

  /** Must be called, whatever happened: ioredis waits for answers to what was added. */
  send(): void {
    this.isSent = true;
    if (this.text !== '') this.client.stream.write(this.text);
  }
}
