import { LRUCache } from 'lru-cache';
import { type LocalEntry, type LocalStore, VOID } from '../local-store.js';

/** What an entry costs beside its value: its record, the key, the place in the map and in the order of use. */
export const ENTRY_OVERHEAD_BYTES = 256;

/** L1 in order of use: over a bound, what was not used for longest goes first. */
export class LruLocalStore implements LocalStore {
  private readonly entries: LRUCache<string, LocalEntry>;
  private replaced = 0;
  /** Entries put so far: as long as none is, none goes, and it does not matter which was used last. */
  private puts = 0;

  /** @param bounds both greater than 0; `maxBytes` counts an overhead per entry besides its own bytes */
  constructor(bounds: { readonly maxEntries: number; readonly maxBytes: number }) {
    this.entries = new LRUCache({
      max: bounds.maxEntries,
      maxSize: bounds.maxBytes,
      sizeCalculation: ({ bytes }) => {
        const size = ENTRY_OVERHEAD_BYTES + Math.max(0, Math.ceil(bytes));
        // not a number: larger than any bound, so that it is not kept
        return Number.isFinite(size) ? size : Number.MAX_SAFE_INTEGER;
      },
      dispose: (entry, _key, reason) => {
        if (reason === 'evict') this.replaced += 1;
        entry.epoch = VOID;
        entry.value = undefined;
        entry.answer = null;
        entry.revive = null;
      },
    });
  }

  get(entry: string): LocalEntry | undefined {
    const found = this.entries.get(entry);
    if (found !== undefined) found.usedAt = this.puts;
    return found;
  }

  use(entry: string, found: LocalEntry): void {
    if (found.usedAt !== this.puts && this.puts - found.usedAt > this.entries.size >> 4) this.get(entry);
  }

  put(entry: string, value: LocalEntry): void {
    this.puts += 1;
    value.usedAt = this.puts;
    this.entries.set(entry, value);
  }

  peek(entry: string): LocalEntry | undefined {
    return this.entries.peek(entry);
  }

  delete(entry: string): void {
    this.entries.delete(entry);
  }

  clear(): void {
    this.entries.clear();
  }

  get size(): number {
    return this.entries.size;
  }

  get bytes(): number {
    return this.entries.calculatedSize;
  }

  get replacements(): number {
    return this.replaced;
  }
}
