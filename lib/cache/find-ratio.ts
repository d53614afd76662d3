/** How much one look at L2 counts against those before. */
const WEIGHT = 1 / 32;
/** A plain read before a lease costs the server about a fifth of what the lease does: below that it does not pay. */
const RARE = 1 / 8;

/**
 * The share of a region's recent looks at L2 that found a value: one at the start, rare after some 65 in vain, and no
 * more after a few that do not.
 */
export class FindRatio {
  private ratio = 1;

  note(isFound: boolean): void {
    this.ratio += ((isFound ? 1 : 0) - this.ratio) * WEIGHT;
  }

  /** As at the start: what is seldom found may still be found where no lease is granted. */
  forget(): void {
    this.ratio = 1;
  }

  get isRare(): boolean {
    return this.ratio < RARE;
  }
}
