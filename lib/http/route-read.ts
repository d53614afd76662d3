import type { LoadContext } from '../cache/load-context.js';
import type { Asked, ReadReport } from '../cache/read-report.js';

/** What was thrown. */
interface Thrown {
  readonly error: unknown;
}

/**
 * What became of one request's reads: that of its key, and where the response there is for others, that of the response
 * that varies. Its report is a bound method: closures lose their code (decision 0064).
 */
export class RouteRead implements Asked {
  /** How the last was answered. */
  told: ReadReport | undefined;
  /** The load that ran this request's own handler before its answer; null: none did. */
  run: LoadContext | null = null;
  /** The handler's value, or what it threw, that is not shared; null: it was shared. */
  result: { value: unknown } | Thrown | null = null;
  /** Why it was not shared. */
  why: string | null = null;
  /** What this request's own handler threw, where others share that. */
  failure: Thrown | null = null;

  readonly report = this.note.bind(this);

  constructor(readonly isForced: boolean) {}

  /** What the last read brought was made by this request's own handler, and not found, nor made for another. */
  get isMade(): boolean {
    return this.told?.source === 'load' && !this.told.isJoined;
  }

  /** The last read brought a stale response in the place of what the handler was to make. */
  get isMadeUpFor(): boolean {
    return this.run !== null && this.told?.source === 'stale';
  }

  /** Why the handler that has run makes no response, so that none is to be run; null: it may make one, or none ran. */
  get unmade(): Thrown | null {
    if (this.failure !== null || this.run === null) return this.failure;
    const { signal } = this.run;
    return signal.aborted ? { error: signal.reason as unknown } : null;
  }

  private note(told: ReadReport): void {
    this.told = told;
  }
}
