import type { Asked, ReadReport } from '../cache/read-report.js';

/** What became of one request's read. Its report is a bound method: closures lose their code (decision 0064). */
export class RouteRead implements Asked {
  /** How it was answered. */
  told: ReadReport | undefined;
  /** This request's own handler has run. */
  hasRun = false;
  /** The handler's value, or what it threw, that is not shared; null: it was shared. */
  result: { value: unknown } | { error: unknown } | null = null;
  /** Why it was not shared. */
  why: string | null = null;

  readonly report = this.note.bind(this);

  /** What this request's own handler threw, where others share that. */
  failure: { error: unknown } | null = null;

  constructor(readonly isForced: boolean) {}

  /** The response is that of this request's own handler, and not a stale one in the place of its failure. */
  get isMade(): boolean {
    return isOwn(this.told, this.hasRun);
  }

  private note(told: ReadReport): void {
    this.told = told;
  }
}

/** @param hasRun the request's own handler */
export function isOwn(told: ReadReport | undefined, hasRun: boolean): boolean {
  return hasRun && told?.source !== 'stale';
}
