import type { Mark } from '../channel.js';

interface TagStamp {
  readonly stamp: number;
  readonly setAtMicros: number;
}

/** How many old tags one stamp collects at most, so that it costs a constant amount. */
const MAX_COLLECTED = 16;

/**
 * The stamps of a bucket's marks, and the counter that gives them (PROTOCOL 2).
 *
 * An entry is void iff one of its marks was stamped with a number >= its own. An entry's own is `next`, which is not
 * written: all entries leased between two stamps share one.
 */
export class Marks {
  /** `c`: no stamp is greater. */
  clock = 0;
  /** `tt`: when the cache was last cleared, or a tombstone lost, server µs. */
  allClearedAtMicros = 0;
  /** `tt:<region>`: when the region was. */
  private readonly regionsClearedAt = new Map<Mark, number>();
  private clearStamp = 0;
  private readonly regions = new Map<Mark, number>();
  /** In the order of their stamps: setting a tag again moves it to the end. */
  private readonly tags = new Map<Mark, TagStamp>();
  /** Regions with an entry that had tags. */
  readonly taggedRegions = new Set<string>();
  /** The longest time that any lease, fence or entry was given: older tags void nothing that could still be used. */
  private longestLifeMicros = 0;

  /** The stamp of what is leased, fenced or put now. */
  get next(): number {
    return this.clock + 1;
  }

  stampOf(mark: Mark): number {
    if (mark === '*') return this.clearStamp;
    return mark.startsWith('r:') ? (this.regions.get(mark) ?? 0) : (this.tags.get(mark)?.stamp ?? 0);
  }

  /** True when something that was stamped voids what carries these marks and `stamp`. */
  areVoiding(carrier: { stamp: number; region: string; tags: readonly string[] }): boolean {
    const { stamp, region, tags } = carrier;
    return (
      this.clearStamp >= stamp ||
      this.stampOf(`r:${region}`) >= stamp ||
      tags.some((tag) => this.stampOf(`t:${tag}`) >= stamp)
    );
  }

  /** When everything in the region was last voided, whatever its tags; server µs, 0 for never. */
  lastClearMicros(region: string): number {
    return Math.max(this.allClearedAtMicros, this.regionsClearedAt.get(`r:${region}`) ?? 0);
  }

  /** @returns the stamp set, one for all */
  set(marks: readonly Mark[], nowMicros: number): number {
    this.clock += 1;
    for (const mark of marks) this.setOne(mark, nowMicros);
    this.collect(nowMicros);
    return this.clock;
  }

  private setOne(mark: Mark, nowMicros: number): void {
    if (mark === '*') {
      this.clearStamp = this.clock;
      this.allClearedAtMicros = nowMicros;
    } else if (mark.startsWith('r:')) {
      this.regions.set(mark, this.clock);
      this.regionsClearedAt.set(mark, nowMicros);
    } else {
      this.tags.delete(mark);
      this.tags.set(mark, { stamp: this.clock, setAtMicros: nowMicros });
    }
  }

  /** Remembers for how long something may be used that is stamped now. */
  noteLife(micros: number): void {
    if (micros > this.longestLifeMicros) this.longestLifeMicros = micros;
  }

  get tagCount(): number {
    return this.tags.size;
  }

  copy(): Marks {
    const copy = new Marks();
    copy.clock = this.clock;
    copy.allClearedAtMicros = this.allClearedAtMicros;
    copy.clearStamp = this.clearStamp;
    copy.longestLifeMicros = this.longestLifeMicros;
    for (const region of this.taggedRegions) copy.taggedRegions.add(region);
    for (const [mark, stamp] of this.regions) copy.regions.set(mark, stamp);
    for (const [mark, atMicros] of this.regionsClearedAt) copy.regionsClearedAt.set(mark, atMicros);
    for (const [mark, stamp] of this.tags) copy.tags.set(mark, stamp);
    return copy;
  }

  /** A collected tag lives on in the clear stamp: should something older still stand, it is void, not revived. */
  private collect(nowMicros: number): void {
    let inspected = 0;
    for (const [mark, { stamp, setAtMicros }] of this.tags) {
      if (setAtMicros + this.longestLifeMicros >= nowMicros || (inspected += 1) > MAX_COLLECTED) return;
      this.clearStamp = Math.max(this.clearStamp, stamp);
      this.tags.delete(mark);
    }
  }
}
