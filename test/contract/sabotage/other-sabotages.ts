import type { Channel, ChannelMessage } from '../../../lib/stores/channel.js';
import type { LocalEntry, LocalStore } from '../../../lib/stores/local-store.js';
import { LruLocalStore } from '../../../lib/stores/memory/lru-local-store.js';

type Listener = (message: ChannelMessage) => void;

export interface ChannelSabotage {
  readonly name: string;
  readonly caughtBy: readonly string[];
  breaks(channel: Channel): Partial<Channel>;
}

export const channelSabotages: readonly ChannelSabotage[] = [
  {
    name: 'open resolves before the subscription stands',
    caughtBy: ['everything that happens after open resolved is received, and nothing from before'],
    breaks: (channel) => ({
      async open(listener) {
        setImmediate(() => void channel.open(listener));
      },
    }),
  },
  {
    name: 'messages change places',
    caughtBy: ['messages arrive in the order in which they were published, without a gap in the sequence'],
    breaks: (channel) => ({
      open: (listener) => channel.open(holdingOne(listener)),
    }),
  },
  {
    name: 'one message in ten is lost',
    caughtBy: ['messages arrive in the order in which they were published, without a gap in the sequence'],
    breaks: (channel) => ({
      open(listener) {
        let count = 0;
        return channel.open((message) => ((count += 1) % 10 === 0 ? undefined : listener(message)));
      },
    }),
  },
  {
    name: 'messages arrive twice',
    caughtBy: ['everything that happens after open resolved is received, and nothing from before'],
    breaks: (channel) => ({
      open: (listener) =>
        channel.open((message) => {
          listener(message);
          listener(message);
        }),
    }),
  },
  {
    name: 'wake-ups do not arrive',
    caughtBy: ['all kinds of messages arrive with all they say', 'every channel receives everything'],
    breaks: (channel) => ({
      open: (listener) => channel.open((message) => (message.kind === 'wake' ? undefined : listener(message))),
    }),
  },
  {
    name: 'texts are cut at the separator',
    caughtBy: ['a key with awkward characters arrives as it was', 'all kinds of messages arrive with all they say'],
    breaks: (channel) => ({
      open: (listener) =>
        channel.open((message) => {
          if (message.kind === 'entry') listener({ ...message, entry: message.entry.split('%')[0]! });
          else if (message.kind === 'mark') listener({ ...message, mark: message.mark.split('|')[0] as '*' });
          else listener(message);
        }),
    }),
  },
  {
    name: 'close closes nothing',
    caughtBy: ['nothing arrives after close, and other channels go on'],
    breaks: () => ({ close: async () => {} }),
  },
  {
    name: 'close cannot be repeated',
    caughtBy: ['close may be called twice, and before open'],
    breaks(channel) {
      let closes = 0;
      return {
        async close() {
          if ((closes += 1) === 2) throw new Error('closed already');
          await channel.close();
        },
      };
    },
  },
];

export interface LocalSabotage {
  readonly name: string;
  readonly caughtBy: readonly string[];
  opens(bounds: { maxEntries: number; maxBytes: number }): LocalStore;
}

class CopyingStore extends LruLocalStore {
  override get(entry: string): LocalEntry | undefined {
    const found = super.get(entry);
    return found && { ...found };
  }
}

class PeekingStore extends LruLocalStore {
  override get(entry: string): LocalEntry | undefined {
    return super.peek(entry);
  }
}

class LateStore extends LruLocalStore {
  override use(): void {}
}

class HoldingStore extends LruLocalStore {
  override delete(entry: string): void {
    const { epoch, value, answer, revive } = this.peek(entry) ?? {};
    const held = this.peek(entry);
    super.delete(entry);
    if (held) Object.assign(held, { epoch, value, answer, revive });
  }
}

class UsingStore extends LruLocalStore {
  override peek(entry: string): LocalEntry | undefined {
    return super.get(entry);
  }
}

class KeepingStore extends LruLocalStore {
  constructor(private readonly bounds: { maxEntries: number; maxBytes: number }) {
    super(bounds);
  }
  override put(entry: string, value: LocalEntry): void {
    if (value.bytes <= this.bounds.maxBytes) super.put(entry, value);
  }
}

class ForgetfulStore extends LruLocalStore {
  override clear(): void {}
}

class StickyStore extends LruLocalStore {
  override delete(): void {}
}

class CuttingStore extends LruLocalStore {
  override put(entry: string, value: LocalEntry): void {
    super.put(entry.slice(0, 255), value);
  }
  override get(entry: string): LocalEntry | undefined {
    return super.get(entry.slice(0, 255));
  }
}

class ThrowingStore extends LruLocalStore {
  override put(entry: string, value: LocalEntry): void {
    if (!Number.isInteger(value.bytes)) throw new TypeError('bytes');
    super.put(entry, value);
  }
}

class UncountingStore extends LruLocalStore {
  override get replacements(): number {
    return 0;
  }
}

class FreeStore extends LruLocalStore {
  override get bytes(): number {
    return 0;
  }
}

export const localSabotages: readonly LocalSabotage[] = [
  {
    name: 'get gives a copy',
    caughtBy: ['get and peek give the very entry that was put, by reference'],
    opens: (bounds) => new CopyingStore(bounds),
  },
  {
    name: 'get does not count as use',
    caughtBy: ['over maxEntries the entry that was used least recently goes; get counts as use'],
    opens: (bounds) => new PeekingStore(bounds),
  },
  {
    name: 'use does not count as use',
    caughtBy: ['use counts as use, late by at most a sixteenth of what is held'],
    opens: (bounds) => new LateStore(bounds),
  },
  {
    name: 'what was deleted may still be served by who found it before',
    caughtBy: ['what it lets go of is void, and holds no value'],
    opens: (bounds) => new HoldingStore(bounds),
  },
  {
    name: 'peek counts as use',
    caughtBy: ['peek does not count as use'],
    opens: (bounds) => new UsingStore(bounds),
  },
  {
    name: 'an entry that is too large leaves what stood there',
    caughtBy: ['an entry larger than maxBytes is not kept, and removes what stood there'],
    opens: (bounds) => new KeepingStore(bounds),
  },
  {
    name: 'maxEntries is ignored',
    caughtBy: ['over maxEntries the entry that was used least recently goes; get counts as use'],
    opens: (bounds) => new LruLocalStore({ ...bounds, maxEntries: 100_000 }),
  },
  {
    name: 'maxBytes is ignored',
    caughtBy: [
      'the bytes never exceed maxBytes',
      'an entry larger than maxBytes is not kept, and removes what stood there',
    ],
    opens: (bounds) => new LruLocalStore({ ...bounds, maxBytes: 1e12 }),
  },
  {
    name: 'clear clears nothing',
    caughtBy: ['delete removes one key, clear removes all, and neither counts as replacement'],
    opens: (bounds) => new ForgetfulStore(bounds),
  },
  {
    name: 'delete deletes nothing',
    caughtBy: ['delete removes one key, clear removes all, and neither counts as replacement'],
    opens: (bounds) => new StickyStore(bounds),
  },
  {
    name: 'long keys are cut',
    caughtBy: ['keys may be any text'],
    opens: (bounds) => new CuttingStore(bounds),
  },
  {
    name: 'put throws for odd sizes',
    caughtBy: ['no call throws, whatever bytes an entry claims'],
    opens: (bounds) => new ThrowingStore(bounds),
  },
  {
    name: 'replacements are not counted',
    caughtBy: ['over maxEntries the entry that was used least recently goes; get counts as use'],
    opens: (bounds) => new UncountingStore(bounds),
  },
  {
    name: 'bytes are not counted',
    caughtBy: [
      'the bytes count at least what the entries say',
      'a put replaces what stood there, and the counts follow',
    ],
    opens: (bounds) => new FreeStore(bounds),
  },
];

/** Gives each second message before the first. */
function holdingOne(listener: Listener): Listener {
  let held: ChannelMessage | null = null;
  return (message) => {
    if (!held) {
      held = message;
      return;
    }
    listener(message);
    listener(held);
    held = null;
  };
}
