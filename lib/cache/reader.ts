import type { StoredEntry } from '../entries/stored-entry.js';
import { CacheError } from '../shared/errors.js';
import type { BucketPosition, ReadOrLease } from '../stores/remote-store.js';
import type { Engine, ReadCall } from './engine.js';
import { Flight, type Outcome, type Source, takeOf } from './flights.js';
import { LoadRun, leaseTimes } from './load-run.js';
import { isServableWhileRevalidating, pastMs, type Stale } from './stale.js';
import type { Ticket } from './tickets.js';
import type { CachedValue } from '../values/value-pipeline.js';

/** What a look at L2 came to: an answer, or the need to load. */
type Found =
  | { readonly kind: 'answer'; readonly outcome: Outcome }
  | { readonly kind: 'load'; readonly lease: string | null; readonly stale: Stale | null };

/** Between two looks at a key that another instance loads: its messages may be lost. */
const WAIT_STEP_MS = { least: 20, most: 60 };

/**
 * A read behind L1: joins a flight, or leads one: L2, then a lease, then the load (PROTOCOL 5 and 6).
 *
 * "A broken cache is a miss" is said here: what L2 rejects with, the loader answers.
 */
export class Reader {
  constructor(private readonly engine: Engine) {}

  async read(call: ReadCall): Promise<unknown> {
    const { flights, nextMoment } = this.engine;
    const arrivedAt = nextMoment();
    const owner = flights.owner();
    for (;;) {
      const isBypass = this.isBypass(call);
      const flight = flights.get(flightKey(call, isBypass));
      if (!flight) return this.lead(call, isBypass, owner);
      if (flights.mustNotJoin(flight, owner)) return this.loadAlone(call, owner);
      const outcome = await flights.join(flight, owner);
      if (outcome.kind === 'failed') {
        count(call, 'load', true);
        throw outcome.error;
      }
      if (outcome.kind === 'value' && outcome.at >= arrivedAt && flight.shape === call.policy.shape) {
        let value: unknown;
        try {
          value = outcome.take();
        } catch (error) {
          // each further caller's value is revived anew, which type and schema may refuse: this caller starts anew
          call.region.countUndecodable(call.policy.where, error);
          continue;
        }
        if (isBypass) call.region.counts.bypasses += 1;
        else count(call, outcome.source, true);
        return value;
      }
    }
  }

  /** The value, or undefined when there is none to serve; loads nothing, waits for no load. */
  async peek(call: ReadCall): Promise<unknown> {
    if (this.isBypass(call)) {
      call.region.counts.bypasses += 1;
      return undefined;
    }
    const ticket = this.takeTicket(call);
    let outcome: Outcome | null = null;
    try {
      const plain = this.engine.reads === 'plain' ? await this.readPlainly(call, ticket) : 'undecided';
      if (typeof plain === 'object') outcome = plain;
      else if (plain === 'undecided') {
        const found = await this.readOrLease(call, ticket, false, 0);
        if (found.kind === 'answer') outcome = found.outcome;
        else if (found.lease)
          this.engine.background.run(this.engine.remote.release({ key: call.key, token: found.lease }));
      }
    } catch (error) {
      this.engine.faults.cacheErrorOf('A read', error);
    } finally {
      this.engine.tickets.giveBack(ticket);
    }
    count(call, outcome?.kind === 'value' ? outcome.source : 'load', false);
    return outcome === null ? undefined : valueOf(outcome);
  }

  /**
   * An eviction of this instance is not acknowledged yet: its own reads go past the cache, in flights of their own, since one
   * that began before may still find the old value (G3).
   */
  private isBypass(call: ReadCall): boolean {
    const { journal } = this.engine;
    return journal.size > 0 && journal.covers(call.key, call.region);
  }

  /** Past the cache and past single flight: waiting would be for oneself. */
  private async loadAlone(call: ReadCall, owner: Flight | undefined): Promise<unknown> {
    call.region.counts.bypasses += 1;
    // a part of its owner, so that what it reads in turn does not wait for that owner either
    const flight = new Flight('', call.policy.shape, owner);
    const ticket = this.engine.tickets.take(call.key.entry, -1);
    const outcome = await this.finish(call, flight, ticket, { kind: 'load', lease: null, stale: null });
    flight.end(outcome);
    return valueOf(outcome);
  }

  private async lead(call: ReadCall, isBypass: boolean, owner: Flight | undefined): Promise<unknown> {
    const { flights } = this.engine;
    const flight = flights.begin(flightKey(call, isBypass), call.policy.shape, owner);
    const ticket = this.takeTicket(call);
    let outcome: Outcome | null = null;
    try {
      const found: Found = isBypass ? { kind: 'load', lease: null, stale: null } : await this.find(call, ticket);
      outcome = await this.finish(call, flight, ticket, found);
    } catch (error) {
      outcome = { kind: 'failed', error };
    } finally {
      flights.end(flight, outcome!);
    }
    if (isBypass) call.region.counts.bypasses += 1;
    else count(call, outcome.kind === 'value' ? outcome.source : 'load', false);
    return valueOf(outcome);
  }

  private takeTicket(call: ReadCall): Ticket {
    return this.engine.tickets.take(call.key.entry, this.engine.coherence.view(call.key.bucket).epoch);
  }

  /** Ends a read that `find` left open. Gives the ticket back. */
  private async finish(call: ReadCall, flight: Flight, ticket: Ticket, found: Found): Promise<Outcome> {
    try {
      if (found.kind === 'answer') return found.outcome;
      const { lease, stale } = found;
      if (lease !== null && stale && isServableWhileRevalidating(stale, call.policy)) {
        this.refresh(call, lease, stale);
        return { kind: 'value', at: stale.at, source: 'stale', take: stale.take };
      }
      return await new LoadRun(this.engine, call, flight, ticket, lease, stale).run();
    } finally {
      this.engine.tickets.giveBack(ticket);
    }
  }

  /** Loads in the background while the stale value is served. */
  private refresh(call: ReadCall, lease: string, stale: Stale): void {
    const ticket = this.takeTicket(call);
    const flight = new Flight('', call.policy.shape, undefined);
    const run = new LoadRun(this.engine, call, flight, ticket, lease, stale).run();
    this.engine.background.run(run.finally(() => this.engine.tickets.giveBack(ticket)));
  }

  private async find(call: ReadCall, ticket: Ticket): Promise<Found> {
    try {
      const plain = this.engine.reads === 'plain' ? await this.readPlainly(call, ticket) : 'undecided';
      if (typeof plain === 'object') return { kind: 'answer', outcome: plain };
      return await this.readOrLease(call, ticket, plain === 'undecodable', call.region.options.maxWaitMs);
    } catch (error) {
      this.engine.faults.cacheErrorOf('A read', error);
      return { kind: 'load', lease: null, stale: null };
    }
  }

  /** A verified plain read (PROTOCOL 5). */
  private async readPlainly(call: ReadCall, ticket: Ticket): Promise<Outcome | 'absent' | 'undecided' | 'undecodable'> {
    const { coherence, remote, clock } = this.engine;
    const { key, region } = call;
    const sentAt = this.engine.nextMoment();
    const read = await remote.read({ key, region: region.name, binary: region.codec.binary });
    if (read.foreign) {
      region.counts.decodeFailures += 1;
      return 'undecided';
    }
    const nowMs = clock.now();
    const nowMicros = coherence.serverNowMicros(key.bucket, nowMs);
    const view = coherence.view(key.bucket);
    const { entry } = read;
    if (nowMicros === null || !view.trusts(read)) return 'undecided';
    if (entry === null) return 'absent';
    if (!view.admits(entry, region.name)) return 'undecided';
    const freshMs = (entry.freshUntilMicros - nowMicros) / 1_000;
    if (freshMs <= 0) return 'undecided';
    return this.hit(call, ticket, read.position!, entry, sentAt, nowMs + freshMs) ?? 'undecodable';
  }

  /** Asks for the value or the right to load it, and waits at most `maxWaitMs` while another instance has that right. */
  private async readOrLease(call: ReadCall, ticket: Ticket, isUndecodable: boolean, maxWaitMs: number): Promise<Found> {
    const { engine } = this;
    const { key, region, policy } = call;
    const token = engine.nextToken();
    const waitUntilMs = engine.clock.now() + maxWaitMs;
    for (let hasWaited = false, force = isUndecodable; ; hasWaited = true) {
      const sentAt = engine.nextMoment();
      const sentAtMs = engine.clock.now();
      const reply = await engine.remote.readOrLease({
        key,
        region: region.name,
        binary: region.codec.binary,
        token,
        ...leaseTimes(region.options.leaseMs),
        force,
        onFailover: engine.onFailover,
      });
      switch (reply.kind) {
        case 'hit': {
          const freshMs = (reply.entry.freshUntilMicros - reply.nowMicros) / 1_000;
          const outcome = this.hit(call, ticket, reply, reply.entry, sentAt, sentAtMs + freshMs);
          if (outcome) return { kind: 'answer', outcome };
          force = true;
          break;
        }
        case 'fenced':
          return { kind: 'load', lease: null, stale: null };
        case 'lease':
          return { kind: 'load', lease: token, stale: this.staleOf(call, reply, sentAt) };
        case 'held': {
          const stale = this.staleOf(call, reply, sentAt);
          if (stale && isServableWhileRevalidating(stale, policy)) {
            return { kind: 'answer', outcome: { kind: 'value', at: stale.at, source: 'stale', take: stale.take } };
          }
          const restMs = waitUntilMs - engine.clock.now();
          if (restMs <= 0) return { kind: 'load', lease: null, stale };
          if (!hasWaited) region.counts.leaseWaits += 1;
          const stepMs = WAIT_STEP_MS.least + (WAIT_STEP_MS.most - WAIT_STEP_MS.least) * engine.random();
          await engine.waiters.wait(key.entry, Math.min(stepMs, restMs));
        }
      }
    }
  }

  /** Null when the entry cannot be decoded: a miss, with a count. */
  private hit(
    call: ReadCall,
    ticket: Ticket,
    position: BucketPosition,
    entry: StoredEntry,
    at: number,
    freshUntilMs: number,
  ): Outcome | null {
    const { region, policy, key } = call;
    const decoded = this.decode(call, entry);
    if (decoded === null) return null;
    if (region.options.l1) {
      this.engine.localTier?.keep(key, ticket, position, {
        value: decoded.isShared ? decoded.value : undefined,
        revive: decoded.isShared ? null : decoded.fresh,
        shape: policy.shape,
        region: region.name,
        stamp: entry.stamp,
        tags: entry.tags,
        freshUntilMs,
        bytes: entry.payload.length,
      });
    }
    return { kind: 'value', at, source: 'l2', take: takeOf(decoded) };
  }

  private staleOf(call: ReadCall, reply: ReadOrLease & { kind: 'lease' | 'held' }, at: number): Stale | null {
    const decoded = reply.stale && this.decode(call, reply.stale);
    return decoded && { take: takeOf(decoded), at, pastMs: pastMs(reply.stale!, reply.nowMicros) };
  }

  private decode(call: ReadCall, entry: StoredEntry): CachedValue | null {
    const { region, policy } = call;
    try {
      return region.pipelineOf(policy.shape).decode(entry.payload, entry.format);
    } catch (error) {
      region.countUndecodable(policy.where, error);
      return null;
    }
  }
}

function flightKey(call: ReadCall, isBypass: boolean): string {
  return isBypass ? `${call.key.entry} past` : call.key.entry;
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.kind === 'value') return outcome.take();
  throw outcome.kind === 'failed' ? outcome.error : new CacheError('RC_CLOSED', 'The read was given up.');
}

/** Counts one call by the rules of telemetry/recorder.ts. */
function count(call: ReadCall, source: Source, isJoined: boolean): void {
  const { counts } = call.region;
  if (source === 'l2') counts.hitsL2 += 1;
  else if (source === 'stale') counts.stale += 1;
  else {
    counts.misses += 1;
    if (isJoined) counts.loadsJoined += 1;
  }
}
