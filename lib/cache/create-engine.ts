import type { Codec } from '../codecs/codec.js';
import type { Keyspace } from '../keys/keyspace.js';
import type { CodecName } from '../options/policy-options.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { Clock } from '../shared/clock.js';
import type { LoggerPort } from '../shared/logger.js';
import type { Broadcast } from '../stores/broadcast.js';
import type { Channel } from '../stores/channel.js';
import type { ForeignWrites } from '../stores/foreign-writes.js';
import type { LocalStore } from '../stores/local-store.js';
import type { RemoteStore } from '../stores/remote-store.js';
import { Compression } from '../values/compression.js';
import { BackOff } from './back-off.js';
import { Background } from './background.js';
import { BucketView } from './bucket-view.js';
import { CacheEngine } from './cache-engine.js';
import { CallModes } from './call-modes.js';
import { Coherence } from './coherence.js';
import { EarlyRefresh } from './early-refresh.js';
import type { Engine } from './engine.js';
import { EvictionDelivery } from './eviction-delivery.js';
import { EvictionJournal } from './eviction-journal.js';
import { Evictions } from './evictions.js';
import { Faults } from './faults.js';
import { Flights } from './flights.js';
import { FullServerNotice } from './full-server-notice.js';
import { LoadRun } from './load-run.js';
import { LoadTurns } from './load-turns.js';
import type { LoadScopes } from './load-scopes.js';
import { LocalTier } from './local-tier.js';
import { Lookup } from './lookup.js';
import { Reader } from './reader.js';
import { Refreshes } from './refreshes.js';
import { RemoteTier } from './remote-tier.js';
import { RunningLoads } from './running-loads.js';
import { Tickets } from './tickets.js';
import { createTokens } from './tokens.js';
import { Waiters } from './waiters.js';
import { Writer } from './writer.js';

/**
 * P of the protocol: how often each bucket's position is polled, at most. A quarter of D leaves three tries to prove
 * L1.
 */
const POLL_EVERY_MS = 250;

/** Without L1 polls only keep plain reads believed (R20), for a second: two of them fail before that ends. */
const POLL_EVERY_WITHOUT_L1_MS = 450;

/** What an engine is made of: options, drivers, and the outer world. */
export interface EngineParts {
  readonly options: ResolvedOptions;
  readonly keyspace: Keyspace;
  readonly store: RemoteStore;
  readonly channel: Channel;
  readonly broadcast?: Broadcast | null;
  readonly foreignWrites?: ForeignWrites | null;
  /** Null: no L1. */
  readonly local: LocalStore | null;
  readonly codecOf: (codec: CodecName | Codec) => Codec;
  readonly clock: Clock;
  readonly logger: LoggerPort;
  /** 0 <= x < 1; shortens ttls, spreads waiting times. */
  readonly random: () => number;
  readonly scopes: LoadScopes;
}

/** Makes the parts of one cache and wires them. */
export function createEngine(parts: EngineParts): CacheEngine {
  const engine = partsOf(parts);
  const writer = new Writer(engine, parts.options);
  const lookup = new Lookup(engine);
  const loads = new LoadRun(engine);
  const turns = new LoadTurns({ ...engine, loads });
  const refreshes = new Refreshes({ ...engine, lookup, loads });
  const reader = new Reader({ ...engine, lookup, turns, refreshes });
  return new CacheEngine({ ...parts, engine, reader, writer, refreshes });
}

function partsOf(parts: EngineParts): Engine {
  const { options, store, channel, local, clock, logger, random, scopes } = parts;
  const { onFailover, reads } = options;
  const faults = new Faults(logger);
  const flights = new Flights(scopes);
  const tickets = new Tickets(flights);
  const waiters = new Waiters(clock);
  const pollEveryMs = options.l1 ? Math.min(POLL_EVERY_MS, options.l1.maxAgeMs / 4) : POLL_EVERY_WITHOUT_L1_MS;
  const views = Array.from({ length: store.bucketCount }, () => new BucketView(onFailover));
  const localTier = local && options.l1 ? new LocalTier(local, views, clock, options.l1.maxAgeMs, scopes) : null;
  const seen = { store, channel, views, localTier, tickets, waiters, clock, logger, faults };
  let moments = 0;
  const coherence = new Coherence({
    ...seen,
    foreignWrites: parts.foreignWrites ?? null,
    pollEveryMs,
    onAnswer: (bucket) => delivery.releaseLeft(bucket),
  });
  const remote = new RemoteTier(store, coherence, faults);
  const background = new Background(faults);
  const backOff = new BackOff(clock);
  const nextToken = createTokens();
  const delivery = new EvictionDelivery({ remote, background, clock, nextToken });
  const journal = new EvictionJournal(clock, (group, suspects) => delivery.deliver(group, suspects));
  return {
    remote,
    localTier,
    coherence,
    tickets,
    waiters,
    flights,
    scopes,
    modes: new CallModes(),
    backOff,
    early: new EarlyRefresh({ clock, random, backOff }),
    journal,
    evictions: new Evictions(delivery, journal, logger),
    fullServer: new FullServerNotice(clock, logger),
    background,
    running: new RunningLoads(clock),
    compression: new Compression(clock),
    clock,
    logger,
    faults,
    reads,
    onFailover,
    nextMoment: () => ++moments,
    nextToken,
    random,
  };
}
