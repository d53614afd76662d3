import { GatewayTimeoutException, HttpException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { resolveReadPolicy } from '../cache/read-policy.js';
import type { Region } from '../cache/region.js';
import { identifierOf } from '../keys/key-segment.js';
import { CacheError } from '../shared/errors.js';
import { before, type Before, collectResponse } from './collect-response.js';
import { ownerOf } from './entry-key.js';
import type { Exchange } from './exchange.js';
import { type Answer, Gateway, type OriginResponse, OwnOutcome } from './gateway/gateway.js';
import type { HeaderFields } from './gateway/header-fields.js';
import type { HttpCacheOptions } from './http-cache-options.js';
import type { RoutePipes } from './route-pipes.js';
import type { RoutePlan } from './route-plan.js';
import { uriTagOf } from './uri-tags.js';
import type { Visit } from './visit.js';
import { writeCacheStatus, writeResponse } from './write-response.js';

/**
 * A route whose handler hands on another server's responses (`respectHeaders`): what they say of themselves decides, by
 * RFC 9111.
 *
 * To revalidate, the handler runs with the stored validators as its request's `If-None-Match` and `If-Modified-Since`,
 * in place of the client's own, and answers 304 where the other server does.
 */
export class GatewayRoute {
  private readonly gateway: Gateway;

  constructor(
    private readonly plan: RoutePlan,
    private readonly region: Region,
    private readonly parts: {
      readonly versionOf: (exchange: Exchange) => string;
      /** No path is to be read in tags. */
      readonly hidesPaths: boolean;
      readonly warn: (kind: string, message: string) => void;
      /** Null: the handler has neither pipes nor parameter decorators. */
      readonly pipes: RoutePipes | null;
    },
  ) {
    const { options, where } = plan;
    checkOptions(options, where);
    region.declareTags();
    const { ttl, staleIfError } = options;
    // what the gateway keeps past its time it serves by its own rules
    const policy = {
      ...resolveReadPolicy(region.options, { ttl, staleIfError, jitter: 0 }, where),
      staleWhileRevalidateMs: 0,
      earlyRefresh: 0,
      softTimeoutMs: Infinity,
    };
    this.gateway = new Gateway(
      region,
      { ...policy, staleIfErrorMs: 0 },
      {
        mostKeptMs: policy.ttlMs(null, []),
        staleIfErrorMs: policy.staleIfErrorMs,
        honorClientNoCache: options.honorClientNoCache ?? false,
        answersPersonal: plan.scope === 'public',
      },
    );
  }

  async handle(visit: Visit): Promise<Observable<unknown>> {
    const { exchange, context } = visit;
    const { plan } = this;
    const owner = ownerOf(plan, exchange, context);
    if (typeof owner === 'object') return this.pass(visit, owner);
    const { method, headers } = exchange;
    const since = before(exchange);
    let answer: Answer;
    try {
      answer = await this.gateway.answer({
        request: { method, headers, isPersonal: exchange.hasCredentials },
        uri: identifierOf([plan.where, owner, exchange.url, this.parts.versionOf(exchange)], plan.where),
        tags: [uriTagOf(exchange, this.parts.hidesPaths), ...((plan.options.tags ?? []) as readonly string[])],
        forward: (fields) => this.forward(visit, since, fields),
      });
    } catch (error) {
      if (!(error instanceof OwnOutcome)) throw error;
      writeCacheStatus(exchange, { hit: false, fwd: 'uri-miss' }, plan.options.xCache === true);
      if ('error' in error.outcome) throw error.outcome.error;
      return of(error.outcome.value);
    }
    // this request's own handler has run them
    if (answer.ageMs !== null || answer.response === null)
      await this.parts.pipes?.check(exchange.request, exchange.response);
    if (answer.response === null) {
      throw new GatewayTimeoutException(
        'No cached response matches, and the request allows no other source (only-if-cached).',
      );
    }
    const delivered = writeResponse(exchange, answer.response, {
      status: answer.status,
      ageMs: answer.ageMs,
      cacheControl: null,
      vary: [],
      answer: visit.answer,
      hasXCache: plan.options.xCache === true,
    });
    return of(delivered);
  }

  private pass({ exchange, next }: Visit, { why, fault }: { why: string; fault?: string }): Observable<unknown> {
    const { where, options } = this.plan;
    if (fault !== undefined) {
      this.parts.warn(
        `${where} ${why}`,
        `${where}: the function '${why}' of @HttpCache ${fault}: the request bypasses the cache. Make it return for every request. [RC_OPTION_FUNCTION]`,
      );
    }
    this.region.countBypass();
    writeCacheStatus(exchange, { hit: false, fwd: 'bypass', detail: why }, options.xCache === true);
    return next.handle();
  }

  /** Runs the handler, which sees these fields as the request's. @throws OwnOutcome */
  private async forward(
    { exchange, next, answer }: Visit,
    since: Before,
    fields: HeaderFields,
  ): Promise<OriginResponse> {
    const request = exchange.rawRequest;
    const { headers } = request;
    // what a first attempt has left
    for (const name of Object.keys(exchange.responseFields())) if (!(name in since.fields)) exchange.removeHeader(name);
    request.headers = { ...fields } as IncomingMessage['headers'];
    let value: unknown;
    try {
      value = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      // a refusal says something of this request; what a server could not do is the same for all
      const isRefusal = error instanceof HttpException && error.getStatus() < 500;
      throw isRefusal ? new OwnOutcome({ error }) : error;
    } finally {
      request.headers = headers;
    }
    const collected = collectResponse(exchange, value, since, answer, false);
    if (collected === null) throw new OwnOutcome({ value });
    const { status, own, fields: all, form, body } = collected;
    // of what guards, middleware and @Header() have set, that which decides counts as the response's own
    const deciding = DECIDING.filter((name) => all[name] !== undefined).map((name) => [name, all[name]!] as const);
    return { status, headers: { ...Object.fromEntries(deciding), ...own }, form, body };
  }
}

/** Fields by which it is decided whether and for whom a response is kept. */
const DECIDING = ['cache-control', 'expires', 'vary', 'set-cookie', 'surrogate-control'];

/** What a response says of itself, the options do not say again. */
const OF_THE_ROUTE: ReadonlySet<string> = new Set<keyof HttpCacheOptions>([
  'cache',
  'region',
  'ttl',
  'staleIfError',
  'scope',
  'tenant',
  'tags',
  'honorClientNoCache',
  'respectHeaders',
  'xCache',
  'answer',
]);

/** @throws CacheError RC_INVALID_OPTION */
function checkOptions(options: Readonly<HttpCacheOptions>, where: string): void {
  const fail = (what: string) => {
    throw new CacheError('RC_INVALID_OPTION', `@HttpCache on ${where} has respectHeaders, ${what}`);
  };
  const stated = Object.keys(options).find(
    (name) => !OF_THE_ROUTE.has(name) && options[name as keyof HttpCacheOptions] !== undefined,
  );
  if (stated !== undefined) fail(`so that the response itself decides. Leave ${stated} out.`);
  if (options.scope === 'private') fail(`and is private: it is a shared cache. Leave one of them out.`);
  if (typeof options.ttl === 'function' || typeof options.tags === 'function') {
    fail(`so that ttl, the longest time a response is kept, and tags are fixed. Write them without a function.`);
  }
}
