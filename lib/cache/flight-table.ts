import type { Flight } from './flight.js';

/** Places at the start; a power of two, as ever. */
const FIRST_PLACES = 64;
/** Of this process, so that nobody can choose keys that all get into one place. */
const SEED = Math.floor(Math.random() * 2 ** 31);

/**
 * Flights under way by name.
 *
 * Not a `Map`: one in which as many go as come is made anew time and again, and each of its tables keeps the next one
 * alive, with all flights that stood in it then. So a quarter of what reads leave behind got old in memory.
 */
export class FlightTable {
  size = 0;
  private places: (Flight | null)[] = emptyPlaces(FIRST_PLACES);
  /** What was looked for last: it is what is added next. */
  private lastName = '';
  private lastHash = hashOf('');

  get(name: string): Flight | undefined {
    const hash = this.hashOf(name);
    let flight = this.places[hash & (this.places.length - 1)] ?? null;
    while (flight !== null && (flight.hash !== hash || flight.name !== name)) flight = flight.next;
    return flight ?? undefined;
  }

  /** Of two of one name the later is found. */
  add(flight: Flight): void {
    if (this.size === this.places.length) this.grow();
    flight.hash = this.hashOf(flight.name);
    this.size += 1;
    this.put(flight);
  }

  /** @returns false when it is not in it */
  delete(flight: Flight): boolean {
    const at = flight.hash & (this.places.length - 1);
    let before: Flight | null = null;
    let one = this.places[at] ?? null;
    while (one !== null && one !== flight) {
      before = one;
      one = one.next;
    }
    if (one === null) return false;
    if (before === null) this.places[at] = flight.next;
    else before.next = flight.next;
    flight.next = null;
    this.size -= 1;
    return true;
  }

  private hashOf(name: string): number {
    if (name !== this.lastName) {
      this.lastHash = hashOf(name);
      this.lastName = name;
    }
    return this.lastHash;
  }

  private put(flight: Flight): void {
    const at = flight.hash & (this.places.length - 1);
    flight.next = this.places[at] ?? null;
    this.places[at] = flight;
  }

  private grow(): void {
    const { places } = this;
    this.places = emptyPlaces(2 * places.length);
    for (const first of places) {
      let flight = first;
      while (flight !== null) {
        const { next }: Flight = flight;
        this.put(flight);
        flight = next;
      }
    }
  }
}

function emptyPlaces(count: number): (Flight | null)[] {
  return new Array<Flight | null>(count).fill(null);
}

/** FNV-1a, by characters: of all, since many names have a long end or a long start in common. */
function hashOf(name: string): number {
  let hash = SEED ^ name.length;
  for (let n = 0; n < name.length; n++) {
    hash = Math.imul(hash ^ name.charCodeAt(n), 0x01_00_01_93);
  }
  // the low bits are those of the last characters; the place is made of them
  return hash ^ (hash >>> 15);
}
