import type { CacheStatus } from '../cache/cache-status.js';
import { adviceOn } from '../cache/server-advice.js';
import type { EndpointStatus, ServerReport } from '../stores/remote-store.js';

/** Time after which a cache that proves nothing any more counts as away, ms: several polls. */
const UNPROVEN_MS = 3_000;

/** A server, as a health check sees it. Plain data. @publicApi */
export interface EndpointHealth extends EndpointStatus {
  /** Round trip of this check's question, ms; null: no answer. */
  readonly latencyMs: number | null;
  /** The rest is null where the server did not answer, or where the user may not ask (`+info`). */
  readonly version: string | null;
  readonly usedMemoryBytes: number | null;
  /** Null: no limit. */
  readonly maxMemoryBytes: number | null;
  readonly evictionPolicy: string | null;
  /** Keys that Redis evicted for room since this process started, or since Redis did. */
  readonly evictedKeys: number | null;
  /** What is risky about its settings, with the cure; null: nothing is known to be. */
  readonly advice: string | null;
}

/** What a check of a cache found. Plain data, without keys, values and logins. @publicApi */
export interface CacheHealth {
  /** True: calls load, since Redis does not take part. The service works, and is slower. */
  readonly degraded: boolean;
  /** Why it is degraded; null: it is not. */
  readonly reason: string | null;
  readonly store: 'redis' | 'embedded';
  readonly endpoints: readonly EndpointHealth[];
  /** Null: no L1. */
  readonly l1: { readonly verifiedAgeMs: number | null; readonly maxAgeMs: number } | null;
  /** Keys and marks that Redis has not acknowledged as evicted yet. */
  readonly pendingEvictions: number;
  /** How long the oldest of them has waited, ms; null: none waits. */
  readonly oldestPendingEvictionMs: number | null;
}

/** What a check looked at. */
export interface Seen {
  readonly status: CacheStatus;
  /** How long ago Redis last proved that it takes part, ms; null: never. */
  readonly lastProvenAgeMs: number | null;
  readonly store: 'redis' | 'embedded';
  /** Null: they did not come in time. */
  readonly reports: readonly ServerReport[] | null;
  /** How long the check waited for them, ms. */
  readonly waitedMs: number;
}

/** The verdict on what was seen. */
export function healthOf(seen: Seen): CacheHealth {
  const { status, store } = seen;
  const reason = reasonOf(seen);
  return {
    degraded: reason !== null,
    reason,
    store,
    endpoints: status.endpoints.map((endpoint) => endpointHealth(endpoint, seen.reports)),
    l1: status.l1 && { verifiedAgeMs: status.l1.verifiedAgeMs, maxAgeMs: status.l1.maxAgeMs },
    pendingEvictions: status.pendingEvictions,
    oldestPendingEvictionMs: status.oldestPendingEvictionMs,
  };
}

function reasonOf({ status, lastProvenAgeMs, store, reports, waitedMs }: Seen): string | null {
  if (store === 'embedded' && reports !== null) return null;
  const open = status.endpoints.find(({ circuit }) => circuit !== 'closed');
  if (open) return `Redis at ${open.address} is silent: ${open.why}`;
  if (reports === null) return `Redis did not answer within ${waitedMs} ms`;
  const away = reports.find(({ latencyMs }) => latencyMs === null);
  if (away?.facts === null) return `Redis at ${away.address} does not answer: ${away.why}`;
  if (lastProvenAgeMs === null) return 'Redis has not taken part yet since the start';
  if (lastProvenAgeMs <= UNPROVEN_MS) return null;
  return `Redis has accepted nothing for ${(lastProvenAgeMs / 1_000).toFixed(1)} s`;
}

function endpointHealth(endpoint: EndpointStatus, reports: readonly ServerReport[] | null): EndpointHealth {
  const report = reports?.find(({ address }) => address === endpoint.address);
  const facts = report?.facts;
  const latencyMs = report?.latencyMs ?? null;
  return {
    ...endpoint,
    latencyMs: latencyMs === null ? null : Math.round(latencyMs * 100) / 100,
    version: facts?.version ?? null,
    usedMemoryBytes: facts?.usedMemoryBytes ?? null,
    maxMemoryBytes: facts?.maxMemoryBytes ?? null,
    evictionPolicy: facts?.evictionPolicy ?? null,
    evictedKeys: facts?.evictedKeys ?? null,
    advice: facts ? adviceOn(facts) : null,
  };
}
