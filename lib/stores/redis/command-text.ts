/** A command, and as it is written. */
export interface CommandText {
  readonly name: keyof typeof NAMES;
  readonly args: readonly string[];
  readonly text: string;
}

export function commandText(name: CommandText['name'], args: readonly string[]): CommandText {
  let text = `*${args.length + 1}\r\n${NAMES[name]}`;
  for (const arg of args) text += bulk(arg);
  return { name, args, text };
}

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

const NAMES = { get: bulk('get'), mget: bulk('mget'), hmget: bulk('hmget') };
