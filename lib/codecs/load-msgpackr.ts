import { createRequire } from 'node:module';
import { CacheError } from '../shared/errors.js';

/** What is used of the package msgpackr; no type of it here, since it may be absent. */
export interface Msgpackr {
  readonly Packr: new (options: { moreTypes: boolean; useToJSON: boolean }) => {
    pack(value: unknown): Buffer;
    unpack(payload: Buffer): unknown;
  };
}

/**
 * Finds msgpackr at run time, in a way that neither bundlers nor test runners see: who does not use it needs no copy of
 * it.
 *
 * @throws CacheError RC_INVALID_OPTION
 */
export function loadMsgpackr(places: readonly string[] = placesToLookFrom()): Msgpackr {
  const causes: unknown[] = [];
  for (const place of places) {
    try {
      return createRequire(place)('msgpackr') as Msgpackr;
    } catch (error) {
      causes.push(error);
    }
  }
  throw new CacheError(
    'RC_INVALID_OPTION',
    `The codec 'msgpack' needs the package msgpackr, which was found neither beside this package nor from the application's folder. ` +
      `Run \`npm install msgpackr\`; where it is installed, or bundled with the application, hand it in: ` +
      `\`import * as msgpackr from 'msgpackr'\`, \`codec: new MsgpackCodec(msgpackr)\`. Or use the codec 'json'.`,
    { cause: causes.at(-1) },
  );
}

/** This file (in a bundle: the bundle), the program that was started, and the folder it was started in. */
function placesToLookFrom(): string[] {
  const [, program] = process.argv;
  return [ownFile(), program, `${process.cwd()}/`].filter((place) => place !== undefined && place !== '') as string[];
}

/** This file's URL or path, by the stack: the only way that is the same in ES modules and CommonJS. */
function ownFile(): string | undefined {
  const prepare = Error.prepareStackTrace;
  try {
    Error.prepareStackTrace = (_, sites) => sites[0]?.getFileName() ?? undefined;
    return new Error().stack;
  } finally {
    Error.prepareStackTrace = prepare;
  }
}
