import type { Clock } from '../../shared/clock.js';
import { deferred, type Deferred } from '../../shared/deferred.js';
import { promised } from '../../shared/promised.js';
import { Gathering } from './gathering.js';

interface Group<Item, Answer> {
  readonly items: Item[];
  readonly answers: Deferred<Answer>[];
  weight: number;
}

/**
 * More go out in several calls: while one runs, the server does nothing else; and while the server runs one, the next
 * is made here, and the answers of the last are used.
 */
const MAX_CALLS = 32;
const MAX_WEIGHT = 1_000_000;

/**
 * Gathers what a turn of the event loop asks of one bucket, and sends it as one call of a function that takes many
 * keys. A call that is full waits for nothing.
 */
export class TurnCalls<Item, Answer> {
  private groups = new Map<string, Group<Item, Answer>>();
  /** That of the last item. */
  private last: Group<Item, Answer> | null = null;
  private readonly gathering: Gathering;

  constructor(
    private readonly options: {
      /** Items of one text may go out together. */
      readonly groupOf: (item: Item) => string;
      /** Whether their texts are one: told cheaply. */
      readonly isAlike: (one: Item, other: Item) => boolean;
      /** Bytes, about. */
      readonly weightOf: (item: Item) => number;
      /**
       * Sends at least one.
       *
       * @param isFull they are to leave at once, before the turn ends
       * @returns the answers in their order
       */
      readonly send: (items: readonly Item[], isFull: boolean) => Promise<readonly Answer[]>;
      readonly clock: Pick<Clock, 'now'>;
      /** Called when what was sent was answered, and its callers go on in this callback. */
      readonly onAnswer?: () => void;
    },
  ) {
    this.gathering = new Gathering(options.clock, () => this.flush());
  }

  add(item: Item): Promise<Answer> {
    this.gathering.added();
    const group = this.groupFor(item);
    const answer = deferred<Answer>();
    group.items.push(item);
    group.answers.push(answer);
    group.weight += this.options.weightOf(item);
    return answer.promise;
  }

  /** The group to which it is to be added; one that is full is sent. */
  private groupFor(item: Item): Group<Item, Answer> {
    const { last } = this;
    const { groupOf, isAlike } = this.options;
    if (last !== null && !isFull(last) && isAlike(last.items[0]!, item)) return last;
    const name = groupOf(item);
    let group = this.groups.get(name);
    if (group !== undefined && isFull(group)) this.send(group);
    if (group === undefined || isFull(group)) {
      group = { items: [], answers: [], weight: 0 };
      this.groups.set(name, group);
    }
    return (this.last = group);
  }

  /** Callers of these were answered, and may go on here in this callback. */
  mayFollow<I, A>(others: TurnCalls<I, A>): void {
    this.gathering.answered(others.gathering);
  }

  private flush(): void {
    const { groups } = this;
    this.groups = new Map();
    this.last = null;
    for (const group of groups.values()) this.send(group);
  }

  private send(group: Group<Item, Answer>): void {
    const { items, answers } = group;
    promised(() => this.options.send(items, isFull(group))).then(
      (given) => {
        for (let n = 0; n < answers.length; n++) answers[n]!.resolve(given[n]!);
        this.gathering.answered();
        this.options.onAnswer?.();
      },
      (error: unknown) => {
        for (const { reject } of answers) reject(error);
      },
    );
  }
}

function isFull({ items, weight }: { readonly items: readonly unknown[]; readonly weight: number }): boolean {
  return items.length === MAX_CALLS || weight > MAX_WEIGHT;
}
