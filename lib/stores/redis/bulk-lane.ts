import { deferred, type Deferred } from '../../shared/deferred.js';

/**
 * Keys and marks on their way to one server: what it does in some 40 ms, a fraction of the shortest deadline that makes
 * sense.
 */
const MAX_ON_THE_WAY = 4_000;

interface Waiting {
  readonly weight: number;
  readonly turn: Deferred<void>;
}

/**
 * Lets calls that act on many keys go to a server some at a time, in the order in which they came. A call is written
 * when it is its turn, and its deadline begins there: so what this process itself has to send is never taken for a
 * server that does not answer.
 */
export class BulkLane {
  private onTheWay = 0;
  /** In the order in which they came. */
  private readonly waiting = new Set<Waiting>();

  /** @param weight keys and marks of the call */
  async run<T>(weight: number, send: () => Promise<T>): Promise<T> {
    if (this.waiting.size > 0 || !this.hasRoomFor(weight)) {
      const turn = deferred<void>();
      this.waiting.add({ weight, turn });
      await turn.promise;
    } else this.onTheWay += weight;
    try {
      return await send();
    } finally {
      this.onTheWay -= weight;
      this.letGo();
    }
  }

  /** A call that is more than fits goes alone. */
  private hasRoomFor(weight: number): boolean {
    return this.onTheWay === 0 || this.onTheWay + weight <= MAX_ON_THE_WAY;
  }

  private letGo(): void {
    for (const next of this.waiting) {
      if (!this.hasRoomFor(next.weight)) return;
      this.waiting.delete(next);
      this.onTheWay += next.weight;
      next.turn.resolve();
    }
  }
}
