import type { Clock } from '../../shared/clock.js';
import { deferred, type Deferred } from '../../shared/deferred.js';
import { Gathering } from './gathering.js';

interface Pending<Item, Answer> {
  readonly item: Item;
  readonly answer: Deferred<Answer>;
}

interface Group<Item, Answer> {
  readonly calls: Pending<Item, Answer>[];
  weight: number;
}

/** More go out in several calls: while one runs, the server does nothing else. */
const MAX_CALLS = 64;
const MAX_WEIGHT = 1_000_000;

/**
 * Gathers what a turn of the event loop asks of one bucket, and sends it as one call of a function that takes many
 * keys.
 */
export class TurnCalls<Item, Answer> {
  private groups = new Map<string, Group<Item, Answer>>();
  private readonly gathering: Gathering;

  constructor(
    private readonly options: {
      /** Items of one text may go out together. */
      readonly groupOf: (item: Item) => string;
      /** Bytes, about. */
      readonly weightOf: (item: Item) => number;
      /** Sends at least one. @returns the answers in their order */
      readonly send: (items: readonly Item[]) => Promise<readonly Answer[]>;
      readonly clock: Pick<Clock, 'now'>;
    },
  ) {
    this.gathering = new Gathering(options.clock, () => this.flush());
  }

  add(item: Item): Promise<Answer> {
    const { groupOf, weightOf } = this.options;
    this.gathering.added();
    const name = groupOf(item);
    let group = this.groups.get(name);
    if (group === undefined) this.groups.set(name, (group = { calls: [], weight: 0 }));
    else if (group.calls.length === MAX_CALLS || group.weight > MAX_WEIGHT) {
      this.send(group);
      this.groups.set(name, (group = { calls: [], weight: 0 }));
    }
    const answer = deferred<Answer>();
    group.calls.push({ item, answer });
    group.weight += weightOf(item);
    return answer.promise;
  }

  private flush(): void {
    const { groups } = this;
    this.groups = new Map();
    for (const group of groups.values()) this.send(group);
  }

  private send({ calls }: Group<Item, Answer>): void {
    this.options.send(calls.map(({ item }) => item)).then(
      (answers) => calls.forEach(({ answer }, n) => answer.resolve(answers[n]!)),
      (error: unknown) => {
        for (const { answer } of calls) answer.reject(error);
      },
    );
  }
}
