import type { CacheKey } from '../../keys/cache-key.js';

interface LostLease {
  readonly key: CacheKey;
  readonly token: string;
  /** When it has ended by itself. */
  readonly untilMs: number;
  releasesLeft: number;
}

/** More are left to their end. */
const MAX_LEASES = 1_000;

/** A server that hung may read the request on the old connection after the first release on the new one. */
const RELEASES = 2;

/**
 * Leases that Redis may have granted, or may yet grant, to calls that gave up waiting for the answer. Nobody loads
 * under them, so the readers of those keys would wait until they end.
 */
export class LostLeases {
  private readonly byToken = new Map<string, LostLease>();

  add(key: CacheKey, token: string, untilMs: number): void {
    if (this.byToken.size < MAX_LEASES) this.byToken.set(token, { key, token, untilMs, releasesLeft: RELEASES });
  }

  /** It was answered after all. */
  forget(token: string): void {
    this.byToken.delete(token);
  }

  /** What is to be released in a bucket whose server answers. */
  due(bucket: number, nowMs: number): readonly { key: CacheKey; token: string }[] {
    const due: LostLease[] = [];
    for (const lease of this.byToken.values()) {
      if (lease.key.bucket !== bucket) continue;
      lease.releasesLeft -= 1;
      if (lease.releasesLeft === 0 || nowMs > lease.untilMs) this.byToken.delete(lease.token);
      if (nowMs <= lease.untilMs) due.push(lease);
    }
    return due;
  }
}
