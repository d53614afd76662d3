import { brotliCompress, brotliDecompress, brotliDecompressSync, type BrotliOptions, constants } from 'node:zlib';
import type { Payload } from '../entries/stored-entry.js';
import type { Clock } from '../shared/clock.js';

/** A payload, and what is needed to read it. */
export interface Written {
  readonly payload: Payload;
  readonly format: string;
}

/**
 * Begins the format of a compressed payload: `br+<bytes> <format>` of what was compressed. No id of a codec has a `+`,
 * so that a release which knows nothing of compression takes the entry for that of another codec: a miss.
 */
const MARK = 'br+';

/** What does not become smaller by an eighth stays as it is: each hit would pay for it. */
const LEAST_GAIN = 8;

/**
 * Longest waits for a thread of the pool, which the application may keep busy with hashes or files, ms. That of a fill
 * is a part of the step of a lease, after which others take over.
 */
const MAX_WAIT_MS = { compress: 500, decompress: 100 };

export function isCompressed(format: string): boolean {
  return format.startsWith(MARK);
}

/** Brotli of quality 1 on the threads of libuv. */
export class Compression {
  /** What no thread took in time, each with whether there was anything left to do. */
  private readonly late: (() => boolean)[] = [];

  constructor(private readonly clock: Clock) {}

  /**
   * Never rejects: what gains too little, or waits too long for a thread, comes back as it is.
   *
   * @param bytes of the payload
   */
  compress(given: Written & { readonly bytes: number }): Promise<Written> {
    const { payload, format, bytes } = given;
    const most = bytes - Math.ceil(bytes / LEAST_GAIN);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_SIZE_HINT]: bytes };
    return new Promise((resolve) => {
      const wait = this.clock.after(MAX_WAIT_MS.compress, () => setImmediate(resolve, given));
      // room for all of the output: each piece of it would be a task of its own
      const options = { params, chunkSize: roomFor(most), maxOutputLength: Math.max(1, most) };
      brotliCompress(payload, options, (error, smaller) => {
        wait.cancel();
        resolve(error ? given : { payload: smaller, format: `${MARK}${bytes} ${format}` });
      });
    });
  }

  /**
   * What was compressed. Where no thread takes it in time, it is done here, for less than reading the value costs.
   *
   * @param maxBytes what comes out has no more; what says so of itself is not tried
   * @throws Error when it is damaged or too large
   */
  async decompress({ payload, format }: Written, maxBytes: number): Promise<{ payload: Buffer; format: string }> {
    const end = format.indexOf(' ');
    const stated = format.slice(MARK.length, end);
    const bytes = end > 0 && /^\d{1,10}$/.test(stated) ? Number(stated) : Infinity;
    if (typeof payload === 'string' || bytes > maxBytes)
      throw new Error('no compressed payload, or one that is too large');
    const out = await this.inflated(payload, { chunkSize: roomFor(bytes), maxOutputLength: Math.max(1, bytes) });
    if (out.length !== bytes) throw new Error('the payload is not as long as its format says');
    return { payload: out, format: format.slice(end + 1) };
  }

  private inflated(payload: Buffer, options: BrotliOptions): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let isDone = false;
      const here = () => {
        if (isDone) return false;
        try {
          resolve(brotliDecompressSync(payload, options));
        } catch (error) {
          reject(error as Error);
        }
        return true;
      };
      const wait = this.clock.after(MAX_WAIT_MS.decompress, () => {
        // timers run before what the threads have done is heard of, immediates after
        if (this.late.push(here) === 1) setImmediate(this.helpOut);
      });
      brotliDecompress(payload, options, (error, out) => {
        isDone = true;
        wait.cancel();
        if (error) reject(error);
        else resolve(out);
      });
    });
  }

  /**
   * One in a turn of the event loop, else hundreds at once would hold it up for seconds. The youngest, since threads
   * begin with the oldest.
   */
  private readonly helpOut = () => {
    while (this.late.pop()?.() === false);
    if (this.late.length > 0) setImmediate(this.helpOut);
  };
}

/** One more than fits, else zlib asks for a second piece, which is empty. */
function roomFor(bytes: number): number {
  return Math.max(constants.Z_MIN_CHUNK, bytes + 1);
}
