/** One state of the model: small numbers only, one byte each. */
export type State = Uint8Array;

/** Gives each variable of the model its byte, and names it in traces. */
export class Layout {
  private readonly names: string[] = [];
  private readonly initials: number[] = [];

  get size(): number {
    return this.names.length;
  }

  /** @returns the index of the variable in every state */
  slot(name: string, initial = 0): number {
    this.names.push(name);
    this.initials.push(initial);
    return this.names.length - 1;
  }

  /** @returns the index of the first of `count` variables */
  slots(name: string, count: number, initial = 0): number {
    const first = this.size;
    for (let n = 0; n < count; n++) this.slot(`${name}[${n}]`, initial);
    return first;
  }

  /** A second copy of the variables `from` up to (not with) `to`. */
  copy(prefix: string, from: number, to: number): number {
    const first = this.size;
    for (let n = from; n < to; n++) this.slot(`${prefix}${this.names[n]}`, this.initials[n]);
    return first;
  }

  initial(): State {
    return Uint8Array.from(this.initials);
  }

  /** What a step changed, for people. */
  changes(before: State, after: State): string {
    return this.names
      .flatMap((name, n) => (before[n] === after[n] ? [] : [`${name} ${before[n]}→${after[n]}`]))
      .join(', ');
  }
}
