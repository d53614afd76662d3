/** One writer's fence. */
export interface Fence {
  /** Server µs from which it does not stand any more. */
  readonly untilMicros: number;
  /** `fs`: the stamp that an entry put under this fence carries. */
  readonly stamp: number;
  /** `fi`: incarnation in which it was set. */
  readonly incarnation: number;
  /** Count of writes of the key when it was set; null when another fence stood then (T12). */
  readonly writes: number | null;
}

interface KeyFences {
  /** `w`: how often the key was invalidated or written while fences stood. */
  writes: number;
  readonly byToken: Map<string, Fence>;
}

/** How many keys one new fence inspects for fences that ended unseen, so that it costs a constant amount. */
const MAX_INSPECTED = 16;

/**
 * The fences of a bucket's keys: side by side, one per writer, each removed by its own writer or its time alone (R13,
 * R14).
 *
 * What has ended is dropped on access. A key without a standing fence is forgotten together with its count.
 */
export class Fences {
  private readonly byKey = new Map<string, KeyFences>();

  areStanding(entry: string, nowMicros: number): boolean {
    return this.of(entry, nowMicros) !== undefined;
  }

  /** `w++`, if fences stand: a put under one of them that was set before is not provable any more. */
  countWrite(entry: string, nowMicros: number): void {
    const fences = this.of(entry, nowMicros);
    if (fences) fences.writes += 1;
  }

  /**
   * Sets the fence `token`. When it stands already (a retry, or a late duplicate of the command) only its end moves:
   * what happened to the key since it was first set still counts against it.
   */
  add(entry: string, token: string, fence: Omit<Fence, 'writes'>, nowMicros: number): void {
    this.dropEnded(nowMicros);
    const fences = this.of(entry, nowMicros) ?? { writes: 0, byToken: new Map<string, Fence>() };
    this.byKey.set(entry, fences);
    const standing = fences.byToken.get(token);
    if (standing) {
      fences.byToken.set(token, { ...standing, untilMicros: fence.untilMicros });
      return;
    }
    fences.writes += 1;
    fences.byToken.set(token, { ...fence, writes: fences.byToken.size === 0 ? fences.writes : null });
  }

  /**
   * Removes the fence `token` alone.
   *
   * @returns the fence, if it stood, and whether nothing else was fenced or written since it was set
   */
  remove(entry: string, token: string, nowMicros: number): { fence: Fence | undefined; isUndisturbed: boolean } {
    const fences = this.of(entry, nowMicros);
    const fence = fences?.byToken.get(token);
    if (!fences || !fence) return { fence: undefined, isUndisturbed: false };
    fences.byToken.delete(token);
    // this asks for "alone" as well: another that stands was set before (no count) or since (then the count grew)
    return { fence, isUndisturbed: fence.writes === fences.writes };
  }

  /** Number of keys that have a record here. */
  get keyCount(): number {
    return this.byKey.size;
  }

  copy(): Fences {
    const copy = new Fences();
    for (const [entry, { writes, byToken }] of this.byKey) copy.byKey.set(entry, { writes, byToken: new Map(byToken) });
    return copy;
  }

  /** The standing fences of a key, or undefined when there are none. */
  private of(entry: string, nowMicros: number): KeyFences | undefined {
    const fences = this.byKey.get(entry);
    if (!fences) return undefined;
    for (const [token, { untilMicros }] of fences.byToken) if (nowMicros >= untilMicros) fences.byToken.delete(token);
    if (fences.byToken.size > 0) return fences;
    this.byKey.delete(entry);
    return undefined;
  }

  /** Fences of writers that died, on keys that nobody asks for. Those that stand move to the end of the line. */
  private dropEnded(nowMicros: number): void {
    let inspected = 0;
    for (const entry of this.byKey.keys()) {
      if ((inspected += 1) > Math.min(MAX_INSPECTED, this.byKey.size)) return;
      const fences = this.of(entry, nowMicros);
      if (!fences) continue;
      this.byKey.delete(entry);
      this.byKey.set(entry, fences);
    }
  }
}
