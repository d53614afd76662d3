import type { Clock } from '../shared/clock.js';
import type { LoggerPort } from '../shared/logger.js';
import type { OnFailover } from '../stores/remote-store.js';
import type { Compression } from '../values/compression.js';
import type { BackOff } from './back-off.js';
import type { Background } from './background.js';
import type { CallModes } from './call-modes.js';
import type { Coherence } from './coherence.js';
import type { EarlyRefresh } from './early-refresh.js';
import type { EvictionJournal } from './eviction-journal.js';
import type { Evictions } from './evictions.js';
import type { Faults } from './faults.js';
import type { Flights } from './flights.js';
import type { FullServerNotice } from './full-server-notice.js';
import type { LoadScopes } from './load-scopes.js';
import type { LocalTier } from './local-tier.js';
import type { RemoteTier } from './remote-tier.js';
import type { RunningLoads } from './running-loads.js';
import type { Tickets } from './tickets.js';
import type { Waiters } from './waiters.js';

/** The parts of one cache that its reads and writes share; made and wired by RedisCache. */
export interface Engine {
  /** L2. */
  readonly remote: RemoteTier;
  /** Null: no L1. */
  readonly localTier: LocalTier | null;
  readonly coherence: Coherence;
  readonly tickets: Tickets;
  readonly waiters: Waiters;
  readonly flights: Flights;
  /** Which load a read is part of. */
  readonly scopes: LoadScopes;
  /** Functions whose reads go past this cache. */
  readonly modes: CallModes;
  /** Keys whose source is out of order. */
  readonly backOff: BackOff;
  readonly early: EarlyRefresh;
  readonly journal: EvictionJournal;
  readonly evictions: Evictions;
  readonly fullServer: FullServerNotice;
  readonly background: Background;
  /** The timer of all loads. */
  readonly running: RunningLoads;
  readonly compression: Compression;
  readonly clock: Clock;
  readonly logger: LoggerPort;
  readonly faults: Faults;
  readonly reads: 'plain' | 'function';
  readonly onFailover: OnFailover;
  /**
   * Logical time: each call is later than all calls before. Orders arrivals and sends within the process, as no clock
   * could.
   */
  readonly nextMoment: () => number;
  /** A token unlike any other: one per load, one per fence (R2). */
  readonly nextToken: () => string;
  /** 0 <= x < 1 */
  readonly random: () => number;
}
