import { annotate } from './annotate.js';
import type { Codec, Decoded, Encoded } from './codec.js';
import { encodeFailure } from './encode-failure.js';
import { loadMsgpackr, type Msgpackr } from './load-msgpackr.js';
import { isPlainMsgpack } from './plain-data.js';
import { restorerOf } from './restore.js';

/** Longest meta: it stands in the entry's header, which stays short. Longer notes go into the payload. */
const MAX_META_CHARS = 256;

/**
 * MessagePack by the optional package msgpackr: smaller than JSON, bytes as they are. It keeps and refuses what {@link
 * JsonCodec} does, by the same notes for what MessagePack cannot say.
 *
 * `meta`: '' or the note as JSON; or `@`, where the payload is a pair of the data and the note.
 *
 * @throws CacheError RC_INVALID_OPTION from the constructor when msgpackr is not found
 * @publicApi
 */
export class MsgpackCodec implements Codec {
  readonly id = 'msgpack';
  readonly binary = true;
  private readonly packr: InstanceType<Msgpackr['Packr']>;

  /**
   * @param msgpackr the package, from `import * as msgpackr from 'msgpackr'`: what bundlers, and package managers that
   * hide it, need.
   *   Left out, it is looked for at run time.
   */
  constructor(msgpackr: Msgpackr = loadMsgpackr()) {
    // useToJSON: annotate has called it where it is a function; elsewhere it is a field of that name, which msgpackr
    // would call.
    this.packr = new msgpackr.Packr({ moreTypes: true, useToJSON: false });
  }

  encode(value: unknown): Encoded {
    try {
      if (isPlainMsgpack(value)) return { payload: this.packr.pack(value), meta: '', lostClass: null };
      const { written, note, lostClass } = annotate(value, 'binary');
      if (note === undefined) return { payload: this.packr.pack(written), meta: '', lostClass };
      const meta = JSON.stringify(note);
      return meta.length <= MAX_META_CHARS
        ? { payload: this.packr.pack(written), meta, lostClass }
        : { payload: this.packr.pack([written, meta]), meta: '@', lostClass };
    } catch (error) {
      throw encodeFailure(error);
    }
  }

  decode(payload: string | Buffer, meta: string): Decoded {
    if (typeof payload === 'string') throw new Error('the payload is text');
    const raw: unknown = this.packr.unpack(payload);
    if (meta === '') return { value: raw, freezable: true };
    if (meta !== '@') return restored(raw, meta);
    if (!Array.isArray(raw) || raw.length !== 2 || typeof raw[1] !== 'string')
      throw new Error('the notes are not where meta says');
    return restored(raw[0], raw[1]);
  }
}

function restored(raw: unknown, note: string): Decoded {
  const { restore, isFreezable } = restorerOf(note);
  return { value: restore(raw), freezable: isFreezable };
}
