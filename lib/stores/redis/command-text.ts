/** A command, and as it is written. */
export interface CommandText {
  readonly name: keyof typeof NAMES;
  readonly args: readonly (string | number)[];
  readonly text: string;
  /** It has a byte per character. */
  readonly isAscii: boolean;
}

export function commandText(name: CommandText['name'], args: readonly (string | number)[]): CommandText {
  let text = `*${args.length + 1}${NAMES[name]}`;
  let isAscii = true;
  for (const arg of args) {
    const part = typeof arg === 'string' ? arg : String(arg);
    const bytes = Buffer.byteLength(part);
    if (bytes !== part.length) isAscii = false;
    text += before(bytes) + part;
  }
  return { name, args, text: `${text}\r\n`, isAscii };
}

/** What ends the part before one of so many bytes, and begins that. Parts are mostly short: made once for these. */
function before(bytes: number): string {
  return bytes < SHORT.length ? SHORT[bytes]! : begin(bytes);
}

const begin = (bytes: number) => `\r\n$${bytes}\r\n`;

const SHORT = Array.from({ length: 512 }, (_, bytes) => begin(bytes));

const part = (text: string) => begin(text.length) + text;

const NAMES = { get: part('get'), mget: part('mget'), hmget: part('hmget'), fcall: part('fcall') };
