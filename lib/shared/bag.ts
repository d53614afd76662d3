/** What can be in one {@link Bag} at a time. */
export interface Baggable {
  /** Where in its bag it is; -1 or left out: in none. The bag's own. */
  place?: number;
}

/**
 * A few things among which many come and go, in no order.
 *
 * A `Set` is made anew whenever its places are used up, also those of what has left; and each of its tables keeps the
 * next one alive, with all that was in it then. So of what comes and goes quickly a good part gets old in memory.
 */
export class Bag<T extends Baggable> {
  private readonly things: T[] = [];

  add(thing: T): void {
    thing.place = this.things.push(thing) - 1;
  }

  has({ place }: T): boolean {
    return place !== undefined && place >= 0;
  }

  /** Of one that has left already, nothing. */
  delete(thing: T): void {
    const { place } = thing;
    if (place === undefined || place < 0) return;
    thing.place = -1;
    const last = this.things.pop()!;
    if (last === thing) return;
    this.things[place] = last;
    last.place = place;
  }

  /** Those of now. */
  all(): readonly T[] {
    return [...this.things];
  }

  get size(): number {
    return this.things.length;
  }
}
