import { AsyncResource } from 'node:async_hooks';
import { keepShape } from '../shared/keep-shape.js';
import { type Lease, NO_LEASE } from './held-lease.js';
import { EARLY_MS, type RunningLoad } from './running-loads.js';

/**
 * The time that a load has: its lease is renewed until the region's `lease` is over. The signal that tells so is made
 * when somebody asks for it.
 */
export class LoadTerm implements RunningLoad {
  dueMs: number;
  place = -1;
  private readonly endAtMs: number;
  private asked: { readonly signal: AbortSignal; readonly abort: (reason: unknown) => void } | null = null;
  private isAborted = false;
  private reason: unknown;

  /**
   * @param leaseMs the region's
   * @param onEnd called when the load has outlived it, once
   */
  constructor(
    private readonly lease: Lease,
    leaseMs: number,
    nowMs: number,
    private readonly onEnd: () => void,
  ) {
    this.endAtMs = nowMs + leaseMs;
    this.dueMs = Math.min(nowMs + lease.renewEveryMs, this.endAtMs);
  }

  due(nowMs: number): void {
    if (nowMs + EARLY_MS >= this.endAtMs) {
      this.dueMs = Infinity;
      this.onEnd();
      this.abort();
      return;
    }
    this.lease.renew(this.endAtMs - nowMs);
    this.dueMs = Math.min(nowMs + this.lease.renewEveryMs, this.endAtMs);
  }

  get signal(): AbortSignal {
    if (this.asked === null) {
      const controller = new AbortController();
      // what listens to it is part of this load, and of its request; the timer is everybody's
      const abort = AsyncResource.bind((reason: unknown) => controller.abort(reason));
      this.asked = { signal: controller.signal, abort };
      if (this.isAborted) abort(this.reason);
    }
    return this.asked.signal;
  }

  /** The first time counts. */
  abort(reason?: unknown): void {
    if (this.isAborted) return;
    this.isAborted = true;
    this.reason = reason;
    this.asked?.abort(reason);
  }
}

keepShape(new LoadTerm(NO_LEASE, 0.5, 0.5, null!));
