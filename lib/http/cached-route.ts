import { GatewayTimeoutException } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { type ReadPolicy, resolveReadPolicy } from '../cache/read-policy.js';
import type { ReadReport } from '../cache/read-report.js';
import { NOTHING, type Region } from '../cache/region.js';
import type { CacheKey } from '../keys/cache-key.js';
import { escapeSegment } from '../keys/key-segment.js';
import { describeThrown } from '../shared/errors.js';
import { ageOf, statusOf } from './answer-status.js';
import { cacheControlOf } from './cache-control-out.js';
import type { CacheStatus } from './cache-status.js';
import { type CachedResponse, isNotShared } from './cached-response.js';
import { EntryKeys } from './entry-key.js';
import type { Exchange } from './exchange.js';
import { HandlerRun } from './handler-run.js';
import { refusalOf } from './load-refusal.js';
import { isSelected, selectingFields } from './gateway/selection.js';
import { OneAnswer } from './one-answer.js';
import { type RequestDirectives, requestDirectivesOf } from './request-directives.js';
import { type Loaded, ResponseKeeping, type WarnOfOption } from './response-keeping.js';
import type { RoutePipes } from './route-pipes.js';
import type { RoutePlan } from './route-plan.js';
import { RouteRead } from './route-read.js';
import { turnEnd } from './turn-end.js';
import type { Visit } from './visit.js';
import { writeCacheStatus, writeResponse } from './write-response.js';

const NO_ARGS: readonly unknown[] = Object.freeze([]);

/** One route whose responses are cached: what its requests are answered with. */
export class CachedRoute {
  private readonly policy: ReadPolicy;
  private readonly keys: EntryKeys;
  private readonly handler: HandlerRun;
  /** Null: it grows with a response's age. */
  private readonly fixedCacheControl: string | null;

  private readonly warnOfOption: WarnOfOption = (
    option,
    how,
    outcome = 'the request bypasses the cache. Make it return for every request.',
  ) => {
    const { where } = this.plan;
    this.parts.warn(
      `${where} ${option}`,
      `${where}: the function '${option}' of @HttpCache ${how}: ${outcome} [RC_OPTION_FUNCTION]`,
    );
  };

  constructor(
    private readonly plan: RoutePlan,
    private readonly region: Region,
    private readonly parts: {
      readonly versionOf: (exchange: Exchange) => string;
      /** No path is to be read in tags. */
      readonly hidesPaths: boolean;
      readonly warn: (kind: string, message: string) => void;
      readonly random: () => number;
      /** Null: the handler has none. */
      readonly pipes: RoutePipes | null;
    },
  ) {
    const { options, where } = plan;
    this.fixedCacheControl = plan.clientMs === 0 && plan.sharedMs === null ? cacheControlOf(plan, 0) : null;
    region.declareTags();
    this.keys = new EntryKeys(plan, region.keyOf);
    const { hidesPaths, random } = parts;
    this.handler = new HandlerRun(
      new ResponseKeeping(plan, region.options, { hidesPaths, random, warnOfOption: this.warnOfOption }),
    );
    const policy = resolveReadPolicy(
      region.options,
      {
        // the response's own ttl has the jitter in it, so that its age is known
        jitter: 0,
        ttl: (loaded: Loaded) => loaded.ttlMs,
        tags: (loaded: Loaded) => loaded.tagsOf(),
        unless: (loaded: Loaded) => isNotShared(loaded) || loaded.ttlMs < 1 || loaded.isRefused(),
        staleIfError: options.staleIfError,
        // a background load has no response to write to
        staleWhileRevalidate: plan.takesResponse ? 0 : options.staleWhileRevalidate,
      },
      where,
    );
    // a handler that runs behind an answer finds that answer on its response: it runs so for staleWhileRevalidate alone
    this.policy = { ...policy, earlyRefresh: 0, softTimeoutMs: Infinity };
  }

  handle(visit: Visit): Observable<unknown> | Promise<Observable<unknown>> {
    const { exchange, context } = visit;
    const directives = requestDirectivesOf(exchange.headers);
    const why = this.whyPassed(visit, directives);
    if (why !== null) return this.pass(visit, why);
    const found = this.keys.of(exchange, context, this.parts.versionOf(exchange));
    if ('why' in found) {
      if (found.fault !== undefined) this.warnOfOption(found.why, found.fault);
      return this.pass(visit, bypass(found.why));
    }
    if (directives.isOnlyIfCached) return this.peekOr(visit, found.key, nothingStored);
    const isForced = directives.isNoCache && this.plan.options.honorClientNoCache === true;
    return (isForced ? null : this.serveLocal(visit, found.key)) ?? this.serveBehind(visit, found, isForced);
  }

  /** Why the cache is left alone; null: it is asked. */
  private whyPassed({ exchange, context }: Visit, directives: RequestDirectives): CacheStatus | null {
    const { method, headers } = exchange;
    const { options, scope } = this.plan;
    if (method !== 'GET' && method !== 'HEAD') return { hit: false, fwd: 'method' };
    if (headers['range'] !== undefined) return bypass('range');
    // RFC 9111, section 4.3.2: they are the origin's to judge
    if (headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined)
      return bypass('precondition');
    if (scope === undefined && exchange.hasCredentials) return bypass('auth');
    if (directives.isNoStore && !directives.isOnlyIfCached) return { hit: false, fwd: 'request', detail: 'no-store' };
    if (options.condition === undefined) return null;
    try {
      return options.condition(context) === true ? null : bypass('condition');
    } catch (error) {
      this.warnOfOption('condition', `threw ${describeThrown(error)}`);
      return bypass('condition');
    }
  }

  /** Null: L1 has nothing for this request. */
  private serveLocal(visit: Visit, key: CacheKey): Promise<Observable<unknown>> | null {
    const own = new RouteRead(false);
    const local = this.region.takeLocal(key, this.policy, own.report);
    if (local === NOTHING || !isSelected((local as CachedResponse).selecting, visit.exchange.headers)) return null;
    return turnEnd().then(this.serve.bind(this, visit, local as CachedResponse, own.told));
  }

  private serveBehind(
    visit: Visit,
    { key, identifier }: { key: CacheKey; identifier: string },
    isForced: boolean,
  ): Promise<Observable<unknown>> {
    // a handler that knows of HEAD makes no body
    if (visit.exchange.method === 'HEAD')
      return this.peekOr(visit, key, () => this.pass(visit, { hit: false, fwd: 'uri-miss' }));
    return this.read(visit, key, identifier, isForced);
  }

  private pass({ exchange, next }: Visit, status: CacheStatus): Observable<unknown> {
    this.region.countBypass();
    writeCacheStatus(exchange, status, this.plan.options.xCache === true);
    return next.handle();
  }

  /** What is stored, else what `instead` says; loads nothing. */
  private async peekOr(visit: Visit, key: CacheKey, instead: () => Observable<unknown>): Promise<Observable<unknown>> {
    let told: ReadReport | undefined;
    const stored = (await this.region.peek(key, this.policy, (report) => (told = report))) as
      | CachedResponse
      | undefined;
    const fits = stored !== undefined && isSelected(stored.selecting, visit.exchange.headers);
    return fits ? this.serve(visit, stored, told) : instead();
  }

  private read(visit: Visit, key: CacheKey, identifier: string, isForced: boolean): Promise<Observable<unknown>> {
    const own = new RouteRead(isForced);
    return this.readOnce(visit, key, own).then(
      this.answerOrVariant.bind(this, visit, identifier, own),
      this.refuse.bind(this, visit),
    );
  }

  private readOnce(visit: Visit, key: CacheKey, own: RouteRead): Promise<CachedResponse> {
    return this.region.read(
      key,
      this.policy,
      NO_ARGS,
      this.handler.load.bind(this.handler, visit, own),
      own,
    ) as Promise<CachedResponse>;
  }

  private answerOrVariant(
    visit: Visit,
    identifier: string,
    own: RouteRead,
    stored: CachedResponse,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    if (isAnswer(visit, stored, own)) return this.answer(visit, stored, own);
    // the first response tells on what the others depend
    const names = Object.keys(stored.selecting).join(', ');
    const selecting = selectingFields(visit.exchange.headers, { vary: names });
    const variant = this.region.keyOf(`${identifier}:${escapeSegment(JSON.stringify(selecting))}`);
    return this.readOnce(visit, variant, own)
      .then((one) => {
        if (isAnswer(visit, one, own)) return this.answer(visit, one, own);
        // nothing makes up for it
        if (own.unmade !== null) throw own.unmade.error;
        return this.pass(visit, { hit: false, fwd: 'vary-miss' });
      })
      .catch(this.refuse.bind(this, visit));
  }

  private refuse({ exchange }: Visit, error: unknown): never {
    throw refusalOf(error, exchange);
  }

  /** With what a read found or made. */
  private answer(
    visit: Visit,
    stored: CachedResponse,
    own: RouteRead,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    if (isNotShared(stored)) {
      return own.isMade
        ? this.handOn(visit, own)
        : this.pass(visit, { hit: false, fwd: 'uri-miss', detail: 'not-shared' });
    }
    return own.isMade || own.isMadeUpFor
      ? new OneAnswer(this.deliver(visit, stored, own.told, true))
      : this.serve(visit, stored, own.told);
  }

  /** What another request's handler has made: what pipes would refuse they refuse all the same. */
  private serve(
    visit: Visit,
    stored: CachedResponse,
    told: ReadReport | undefined,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const { pipes } = this.parts;
    const { request, response } = visit.exchange;
    if (pipes === null) return new OneAnswer(this.deliver(visit, stored, told, false));
    return pipes.check(request, response).then(() => new OneAnswer(this.deliver(visit, stored, told, false)));
  }

  /** What is not for others: the handler's own value, to the request that ran it. */
  private handOn({ exchange }: Visit, { result, why }: RouteRead): Observable<unknown> {
    const status: CacheStatus = { hit: false, fwd: 'uri-miss', ...(why === null ? {} : { detail: why }) };
    if (!exchange.isSent) writeCacheStatus(exchange, status, this.plan.options.xCache === true);
    if ('error' in result!) throw result.error;
    return new OneAnswer(result!.value);
  }

  private deliver(visit: Visit, stored: CachedResponse, told: ReadReport | undefined, hasRun: boolean): unknown {
    const { exchange, answer } = visit;
    const freshMs = told?.freshMs ?? null;
    const isMade = told?.source === 'load';
    const ageMs = isMade ? 0 : ageOf(stored, freshMs);
    // also by @Header() on the handler, which Nest writes for each request
    const hasCacheControl = (stored.headers['cache-control'] ?? exchange.responseField('cache-control')) !== undefined;
    return writeResponse(exchange, stored, {
      status: statusOf(told, hasRun),
      ageMs: isMade ? null : ageMs,
      cacheControl: hasCacheControl ? null : (this.fixedCacheControl ?? cacheControlOf(this.plan, ageMs)),
      vary: this.plan.vary,
      answer,
      hasXCache: this.plan.options.xCache === true,
    });
  }
}

/** Whether the request may be given what was read last: its own handler made it, or it does not vary with others. */
function isAnswer(visit: Visit, stored: CachedResponse, own: RouteRead): boolean {
  return own.isMade || isFor(visit, stored);
}

/** What is not shared is for nobody else, whatever it depends on. */
function isFor({ exchange }: Visit, stored: CachedResponse): boolean {
  return isNotShared(stored) || isSelected(stored.selecting, exchange.headers);
}

function bypass(detail: string): CacheStatus {
  return { hit: false, fwd: 'bypass', detail };
}

function nothingStored(): never {
  throw new GatewayTimeoutException(
    'No cached response matches, and the request allows no other source (only-if-cached).',
  );
}
