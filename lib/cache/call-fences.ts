import type { CacheKey } from '../keys/cache-key.js';
import type { Wanted } from './eviction-group.js';
import { chunksOf } from './per-call.js';
import type { RegionState } from './region-state.js';
import type { RemoteTier } from './remote-tier.js';

/** A key that a call writes, and that is fenced while it does. */
export interface FencedKey {
  readonly region: RegionState;
  readonly key: CacheKey;
}

/**
 * The fences of one call: one token, and one FENCE per bucket and thousand keys. Any of them may stand although Redis
 * did not answer, so that each is always lifted by the token.
 */
export class CallFences {
  private readonly acknowledged = new Set<number>();

  constructor(
    private readonly remote: RemoteTier,
    readonly token: string,
    readonly keys: readonly FencedKey[],
  ) {}

  /** Never rejects. */
  async set(): Promise<void> {
    await Promise.all([...byBucket(this.keys)].map(([bucket, keys]) => this.setIn(bucket, keys)));
  }

  isAcknowledged({ bucket }: CacheKey): boolean {
    return this.acknowledged.has(bucket);
  }

  /** The eviction of a key, with which its fence ends. */
  wanted({ region, key }: FencedKey): Wanted {
    return { kind: 'key', region, key, version: '', fence: this.token };
  }

  private async setIn(bucket: number, keys: readonly FencedKey[]): Promise<void> {
    const fenceMs = longest(keys, 'fenceMs');
    const tombstoneMs = longest(keys, 'tombstoneMs');
    const set = async (some: readonly FencedKey[]) => {
      try {
        await this.remote.fence({ keys: some.map(({ key }) => key), fence: this.token, fenceMs, tombstoneMs });
        return true;
      } catch {
        for (const { region } of some) region.counts.fencesFailed += 1;
        return false;
      }
    };
    const areSet = await Promise.all(chunksOf(keys).map(set));
    if (!areSet.includes(false)) this.acknowledged.add(bucket);
  }
}

export function byBucket(keys: Iterable<FencedKey>): Map<number, FencedKey[]> {
  const buckets = new Map<number, FencedKey[]>();
  for (const one of keys) {
    const others = buckets.get(one.key.bucket);
    if (others) others.push(one);
    else buckets.set(one.key.bucket, [one]);
  }
  return buckets;
}

export function longest(keys: readonly FencedKey[], name: 'fenceMs' | 'tombstoneMs'): number {
  return keys.reduce((most, { region }) => Math.max(most, region.options[name]), 0);
}
