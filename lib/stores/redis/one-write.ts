import type { Command, Redis } from 'ioredis';
import { keepShape } from '../../shared/keep-shape.js';
import { type CommandText, commandText } from './command-text.js';

type Stream = Parameters<Redis['sendCommand']>[1];
type Settle<T> = (value: T) => void;

/** An argument of a function. */
export type Argument = string | number | Buffer;

/**
 * A command as ioredis takes and answers one, whose reply is handed on in the event in which it comes: bytes in the
 * place of text.
 *
 * On the path of every hit, a `Command` of ioredis costs more than all else that the read does: a promise, closures, a
 * look-up of transformers; and of a function for many keys, as much for each of its arguments. What traces commands
 * replaces `resolve` and `reject`, which are therefore its own.
 */
class BareCommand {
  readonly promise = undefined;
  readonly isTraced = true;

  readonly name: string;
  readonly args: readonly (string | number)[];

  constructor(
    private readonly command: CommandText,
    readonly resolve: Settle<unknown>,
    readonly reject: Settle<Error>,
  ) {
    this.name = command.name;
    this.args = command.args;
  }

  toWritable(): string {
    return this.command.text;
  }

  /** Replies are taken as they come. */
  setReplyContext(): void {}
}

keepShape(new BareCommand(commandText('get', ['']), null!, null!));

/** Commands that leave in one write, in the order in which they are added. */
export class OneWrite {
  private text = '';
  private isAscii = true;
  private isSent = false;

  constructor(private readonly client: Redis) {}

  /**
   * @param answered gets the reply, in the event in which it comes: before the reactions to promises of what was sent
   * earlier
   * @param failed gets why there is none, perhaps at once
   */
  add(command: CommandText, answered: Settle<unknown>, failed: Settle<Error>): void {
    const bare = new BareCommand(command, answered, failed);
    if (!command.isAscii) this.isAscii = false;
    this.client.sendCommand(bare as unknown as Command, this as unknown as Stream);
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
    if (this.text === '') return;
    // as much as three bytes a character is made room for otherwise, and what might not fit is written with more ado
    this.client.stream.write(this.text, this.isAscii ? 'latin1' : 'utf8');
  }
}

keepShape(new OneWrite(null!));

/**
 * Calls a function. The reply has bytes in the place of text.
 *
 * @param isFrequent it is worth a bare command; others are told to whoever listens to ioredis
 */
export function callFunction(client: Redis, args: readonly Argument[], isFrequent: boolean): Promise<unknown> {
  // bytes are no text
  if (!isFrequent || !args.every(isText)) return client.callBuffer('FCALL', args as Argument[]);
  return new Promise((resolve, reject) => {
    const write = new OneWrite(client);
    try {
      write.add(commandText('fcall', args), resolve, reject);
    } finally {
      write.send();
    }
  });
}

function isText(arg: Argument): arg is string | number {
  return typeof arg !== 'object';
}
