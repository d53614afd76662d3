import type { ReadPolicy } from '../../cache/read-policy.js';
import type { Region } from '../../cache/region.js';
import type { CacheKey } from '../../keys/cache-key.js';
import { identifierOf } from '../../keys/key-segment.js';
import { type BodyForm, type CachedResponse, isNotShared, NOT_SHARED } from '../cached-response.js';
import type { CacheStatus } from '../cache-status.js';
import { partOf } from './byte-range.js';
import { parseCacheControl, secondsOf } from './cache-control.js';
import { currentAgeMs, lifetimeMs } from './freshness.js';
import type { HeaderFields } from './header-fields.js';
import type { ExchangeTimes, RequestHead, ResponseHead } from './message-heads.js';
import { PassedKeys } from './passed-keys.js';
import { decideReuse, type Reuse, type ReuseOptions } from './reuse.js';
import { conditionalFields, freshened, isAbout } from './revalidation.js';
import { isSelected, selectingFields } from './selection.js';
import { hasValidator, isForAll, keptFields, type NotStored, whyNotStored } from './storing.js';
import { findVariant, type Place, type ResponseEntries } from './variants.js';

export interface GatewayOptions extends ReuseOptions {
  /** How long a response is kept at most, fresh or for revalidation, ms. */
  readonly mostKeptMs: number;
  /**
   * True: a request with credentials may get what is stored for all. Else only what says that it is for those with
   * credentials too.
   */
  readonly answersPersonal: boolean;
}

/** A whole response of the handler. */
export interface OriginResponse extends ResponseHead {
  readonly form: BodyForm;
  readonly body: string;
}

/** One request on its way through the cache. */
export interface ForwardedRequest {
  readonly request: RequestHead;
  /** What identifies the URI within the region: host, path and query, escaped. */
  readonly uri: string;
  /** Of the response, when it is stored: those by which unsafe requests end the URI among them. */
  readonly tags: readonly string[];
  /** Asks the handler, which sees these fields as the request's. Rejects as it does. @throws OwnOutcome */
  forward(headers: HeaderFields): Promise<OriginResponse>;
}

/** What a handler came to that is for its own request alone: a refusal, or a body that cannot be kept. */
export class OwnOutcome extends Error {
  constructor(readonly outcome: { readonly value: unknown } | { readonly error: unknown }) {
    super('for one request alone');
  }
}

export interface Answer {
  /** Null: nothing is stored, and the client wants nothing else (`only-if-cached`): 504. */
  readonly response: OriginResponse | null;
  /** Null: made for this request. */
  readonly ageMs: number | null;
  readonly status: CacheStatus;
}

/** What this request's own handler came to. */
interface OwnFetch {
  readonly response: CachedResponse | OwnOutcome;
  readonly why: NotStored | null;
}

type MissStatus = CacheStatus & { hit: false };

/** The origin failed, and a stale response may be served in its place. */
class OriginFailure extends Error {}

/**
 * A shared HTTP cache between a handler and its callers (RFC 9111): what the handler's responses say decides what is
 * stored, how long it is fresh, when the handler is asked again, and with which validators. A response that is for one
 * request alone never reaches another, not even one that waited for it.
 */
export class Gateway {
  private readonly revalidating = new Set<string>();
  private readonly passed = new PassedKeys();
  private readonly policy: ReadPolicy;
  private readonly entries: ResponseEntries;

  constructor(
    private readonly region: Pick<Region, 'keyOf' | 'peek' | 'read'>,
    policy: ReadPolicy,
    private readonly options: GatewayOptions,
    private readonly now: () => number = Date.now,
  ) {
    this.policy = {
      ...policy,
      ttlMs: (value) => this.keptMs(value as CachedResponse),
      tags: (_, [tags]) => tags as readonly string[],
      unless: isNotShared,
    };
    this.entries = {
      keyOf: (uri, variant) =>
        region.keyOf(variant === undefined ? uri : `${uri}:${identifierOf(variant, policy.where)}`),
      peek: async (key) => ((await region.peek(key, this.policy)) as CachedResponse | undefined) ?? null,
    };
  }

  async answer(forwarded: ForwardedRequest): Promise<Answer> {
    const { request } = forwarded;
    const bypass = bypassOf(request);
    if (bypass !== null) return this.straight(forwarded, bypass);
    const place = await findVariant(this.entries, forwarded.uri, request.headers);
    const { stored } = place;
    if (stored && !this.isOpenTo(request, stored)) return this.straight(forwarded, { ...BYPASS, detail: 'auth' });
    const reuse = stored && decideReuse(request, stored, this.now(), this.options);
    const { range } = request.headers;
    if (range !== undefined) return this.ranged(forwarded, range, reuse?.as === 'fresh' ? stored : null, reuse);
    if (stored && reuse && this.isServed(reuse, place.key)) return hitOf(stored, reuse);
    const status = missOf(place, reuse);
    if (parseCacheControl(request.headers).has('only-if-cached')) return { response: null, ageMs: null, status };
    if (request.method === 'HEAD') return this.straight(forwarded, status);
    return stored && reuse
      ? this.revalidate(forwarded, place.key, stored, reuse, status)
      : this.load(forwarded, place.key, status);
  }

  /** Parts are cut from what is stored whole, and not stored themselves. */
  private ranged(
    forwarded: ForwardedRequest,
    range: string | readonly string[],
    stored: CachedResponse | null,
    reuse: Reuse | null,
  ): Answer | Promise<Answer> {
    const isPlain = forwarded.request.method === 'GET' && forwarded.request.headers['if-range'] === undefined;
    const part = stored && isPlain && typeof range === 'string' ? partOf(stored, range) : null;
    return part && reuse ? hitOf(part, reuse) : this.straight(forwarded, { ...BYPASS, detail: 'range' });
  }

  private isOpenTo({ isPersonal }: RequestHead, stored: CachedResponse): boolean {
    return !isPersonal || this.options.answersPersonal || isForAll(stored);
  }

  private isServed(reuse: Reuse, key: CacheKey): boolean {
    // one caller asks the origin in its own request; the others need not wait for it
    return reuse.as === 'fresh' || (reuse.as === 'stale-while-revalidate' && this.revalidating.has(key.entry));
  }

  private async load(forwarded: ForwardedRequest, key: CacheKey, status: MissStatus): Promise<Answer> {
    if (this.passed.has(key.entry, this.now())) return this.straight(forwarded, { ...status, detail: 'not-stored' });
    return this.through(forwarded, key, status, false, () => this.fetch(forwarded));
  }

  private async revalidate(
    forwarded: ForwardedRequest,
    key: CacheKey,
    stored: CachedResponse,
    reuse: Reuse,
    status: MissStatus,
  ): Promise<Answer> {
    this.revalidating.add(key.entry);
    try {
      const servesOnError = reuse.as !== 'validate' || reuse.onError;
      return await this.through(forwarded, key, status, true, () => this.validate(forwarded, stored, servesOnError));
    } catch (error) {
      if (!(error instanceof OriginFailure)) throw error;
      return hitOf(stored, reuse, 'stale-if-error');
    } finally {
      this.revalidating.delete(key.entry);
    }
  }

  /** Asks the origin once for all who wait, and gives its response to those whom it fits. */
  private async through(
    forwarded: ForwardedRequest,
    key: CacheKey,
    status: MissStatus,
    isForced: boolean,
    fetch: () => Promise<CachedResponse>,
  ): Promise<Answer> {
    let own: OwnFetch | null = null;
    const load = async () => {
      const response = await fetch().catch(ownOutcome);
      const why = response instanceof OwnOutcome ? null : whyNotStored(forwarded.request, response, response);
      own = { response, why };
      return response instanceof OwnOutcome || why !== null ? NOT_SHARED : response;
    };
    const value = await this.region.read(key, this.policy, [forwarded.tags], load, { isForced });
    // what the closure has set, the compiler does not see
    const ours = own as OwnFetch | null;
    if (ours !== null) {
      const { response, why } = ours;
      if (response instanceof OwnOutcome) throw response;
      if (why === null) this.passed.delete(key.entry);
      // another request may bear no credentials
      else if (why !== 'authorization') this.passed.add(key.entry, this.now());
      return { response, ageMs: null, status: { ...status, isStored: !isNotShared(value) } };
    }
    const shared = value as CachedResponse;
    const { request } = forwarded;
    const isForUs =
      !isNotShared(value) &&
      this.isOpenTo(request, shared) &&
      isSelected(shared.selecting, request.headers) &&
      decideReuse(request, shared, this.now(), this.options).as === 'fresh';
    if (!isForUs) return this.straight(forwarded, { ...status, detail: 'not-shared' });
    return {
      response: shared,
      ageMs: currentAgeMs(shared, shared, this.now()),
      status: { ...status, isCollapsed: true },
    };
  }

  private async fetch({ request, forward }: ForwardedRequest): Promise<CachedResponse> {
    const requestMs = this.now();
    const response = await forward(conditionalFields(request.headers, null));
    return this.kept(request, response, { requestMs, responseMs: this.now() });
  }

  /** Asks with the validators of what is stored. @throws OriginFailure */
  private async validate(
    { request, forward }: ForwardedRequest,
    stored: CachedResponse,
    servesOnError: boolean,
  ): Promise<CachedResponse> {
    const ask = async (about: CachedResponse | null) => {
      const response = await forward(conditionalFields(request.headers, about)).catch((cause: unknown) => {
        throw servesOnError && !(cause instanceof OwnOutcome) ? new OriginFailure('', { cause }) : cause;
      });
      if (servesOnError && response.status >= 500) throw new OriginFailure();
      return response;
    };
    const requestMs = this.now();
    let response = await ask(stored);
    let times: ExchangeTimes = { requestMs, responseMs: this.now() };
    if (response.status === 304) {
      if (isAbout(response, stored)) return freshened(stored, response, times);
      response = await ask(null);
      times = { requestMs, responseMs: this.now() };
    }
    return this.kept(request, response, times);
  }

  private kept(request: RequestHead, response: OriginResponse, times: ExchangeTimes): CachedResponse {
    const { status, form, body } = response;
    const headers = keptFields(response.headers);
    const ttlMs = lifetimeMs(response, times) ?? 0;
    return { status, headers, form, body, ttlMs, ...times, selecting: selectingFields(request.headers, headers) };
  }

  private async straight(forwarded: ForwardedRequest, status: MissStatus): Promise<Answer> {
    return { response: await forwarded.forward(forwarded.request.headers), ageMs: null, status };
  }

  /** How long a response is worth its place, ms: while it is fresh, may be served stale, or can be revalidated. */
  private keptMs(stored: CachedResponse): number {
    const { mostKeptMs, staleIfErrorMs } = this.options;
    if (hasValidator(stored.headers)) return mostKeptMs;
    const freshMs = (lifetimeMs(stored, stored) ?? 0) - currentAgeMs(stored, stored, this.now());
    const directives = parseCacheControl(stored.headers);
    const seconds = ['stale-while-revalidate', 'stale-if-error'].map((name) => secondsOf(directives, name) ?? 0);
    const staleMs = Math.max(staleIfErrorMs, ...seconds.map((one) => one * 1_000));
    return Math.max(1, Math.min(mostKeptMs, Math.max(0, freshMs) + staleMs));
  }
}

const BYPASS: MissStatus = { hit: false, fwd: 'bypass' };

function ownOutcome(error: unknown): OwnOutcome {
  if (error instanceof OwnOutcome) return error;
  throw error;
}

/** Requests that neither read nor fill. */
function bypassOf({ method, headers }: RequestHead): MissStatus | null {
  if (method !== 'GET' && method !== 'HEAD') return { hit: false, fwd: 'method' };
  if (parseCacheControl(headers).has('no-store')) return { hit: false, fwd: 'request' };
  return null;
}

function missOf(place: Place, reuse: Reuse | null): MissStatus {
  if (reuse !== null) return { hit: false, fwd: reuse.as === 'validate' && reuse.pastMs === 0 ? 'request' : 'stale' };
  return { hit: false, fwd: place.isOfOtherVariant ? 'vary-miss' : 'uri-miss' };
}

function hitOf(stored: CachedResponse, reuse: Reuse, why?: 'stale-if-error'): Answer {
  const ttlMs = reuse.as === 'fresh' ? reuse.freshMs : -reuse.pastMs;
  const detail = why ?? (reuse.as === 'stale-while-revalidate' ? reuse.as : undefined);
  return {
    response: stored,
    ageMs: Math.min(reuse.ageMs, MOST_AGE_MS),
    status: { hit: true, ttlMs, ...(detail !== undefined && { detail }) },
  };
}

/** RFC 9111, section 1.2.2. */
const MOST_AGE_MS = 2 ** 31 * 1_000;
