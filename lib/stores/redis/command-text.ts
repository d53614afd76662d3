/** A command, and as it is written. */
export interface CommandText {
  readonly name: keyof typeof NAMES;
  readonly args: readonly (string | number)[];
  readonly text: string;
  /** It has a byte per character. */
  readonly isAscii: boolean;
}

export function commandText(name: CommandText['name'], args: readonly (string | number)[]): CommandText {
  let text = `*${args.length + 1}\r\n${NAMES[name]}`;
  let isAscii = true;
  for (const arg of args) {
    const part = typeof arg === 'string' ? arg : String(arg);
    const bytes = Buffer.byteLength(part);
    if (bytes !== part.length) isAscii = false;
    text += `$${bytes}\r\n${part}\r\n`;
  }
  return { name, args, text, isAscii };
}

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

const NAMES = { get: bulk('get'), mget: bulk('mget'), hmget: bulk('hmget'), fcall: bulk('fcall') };
