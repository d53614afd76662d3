import type { Mark } from '../channel.js';

/** One owner's hold of one mark. */
interface Hold {
  readonly mark: Mark | 'all';
  readonly owner: string;
  /** Server µs from which it does not stand any more. */
  readonly untilMicros: number;
}

/**
 * An owner that would hold more, with what others hold, holds everything instead: the list is looked at by every fill.
 */
const MAX_HOLDS = 512;

/**
 * `h`: marks whose carriers may not be filled or put, while a group of evictions is on its way over several buckets.
 *
 * Each owner's hold stands by itself, until its owner lifts it or its time is over.
 */
export class Holds {
  private list: readonly Hold[] = [];

  /**
   * Sets the owner's hold of the marks for `holdMs`; lifts it where that is 0. An owner holds what one call names.
   *
   * @returns whether it stood on all of them
   */
  change(marks: readonly Mark[], owner: string, holdMs: number, nowMicros: number): boolean {
    const untilMicros = nowMicros + holdMs * 1_000;
    const named = new Set(marks);
    const standing = this.list.filter((hold) => nowMicros < hold.untilMicros);
    const isOwn = (hold: Hold) => hold.owner === owner && (hold.mark === 'all' || named.has(hold.mark));
    const own = standing.filter(isOwn);
    const others = standing.filter((hold) => !isOwn(hold));
    const held = others.length + marks.length > MAX_HOLDS ? (['all'] as const) : marks;
    this.list = holdMs > 0 ? [...others, ...held.map((mark) => ({ mark, owner, untilMicros }))] : others;
    return own.length >= named.size || own.some(({ mark }) => mark === 'all');
  }

  /** True when something that carries these marks may not come into being. */
  areOn({ region, tags }: { region: string; tags: readonly string[] }, nowMicros: number): boolean {
    return this.list.some(
      ({ mark, untilMicros }) =>
        nowMicros < untilMicros &&
        (mark === 'all' || mark === '*' || mark === `r:${region}` || tags.some((tag) => mark === `t:${tag}`)),
    );
  }

  copy(): Holds {
    const copy = new Holds();
    copy.list = this.list;
    return copy;
  }
}
