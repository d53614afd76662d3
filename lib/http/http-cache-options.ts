import type { ExecutionContext } from '@nestjs/common';
import type { KeyValue } from '../keys/key-segment.js';
import type { Unchecked } from '../operations/method-types.js';
import type { Duration } from '../options/duration.js';

/** Whom a request is of, or which tenant's: a text or number; anything else: not known. */
export type Identity = string | number | bigint | null | undefined;

/**
 * Options of `@HttpCache`. On a class they are the defaults of its handlers.
 *
 * Functions of the body get what the handler returned and the context of the request that ran it.
 *
 * @publicApi
 */
export interface HttpCacheOptions {
  /** Name of the cache. @default the default cache */
  cache?: string;
  /** Name of the region, which holds HTTP responses alone. @default 'http', of messages 'rpc' */
  region?: string;
  /** How long a response is fresh on this side: milliseconds, or text such as `'5m'`. @default the region's */
  ttl?: Duration | ((body: Unchecked, context: ExecutionContext) => Duration);
  /** Shortens each ttl by a random share of up to this, 0 to 1. @default the region's */
  jitter?: number;
  /**
   * How long a 404 or 410 that the handler answered, and an empty body, are fresh.
   *
   * @default 404 and 410 are not stored, an empty body for the ttl
   */
  negativeTtl?: Duration;
  /** How long after its ttl a response may be served while one request reloads it. @default the region's */
  staleWhileRevalidate?: Duration;
  /** How long after its ttl a response may be served when the handler fails. @default the region's */
  staleIfError?: Duration;
  /**
   * Who shares an entry. Left out: requests without Authorization, Cookie and user; all others pass. `'public'`:
   * everybody, whoever they are. `'private'`: requests of one `principal`. @default requests without credentials;
   * `'private'` where `principal` is given
   */
  scope?: 'public' | 'private';
  /**
   * Whom the request is of, such as `(context) => context.switchToHttp().getRequest().user?.id`. Without one it passes.
   */
  principal?: (context: ExecutionContext) => Identity;
  /**
   * Which tenant's entries these are, in the place of the request's host. Without one the request passes.
   *
   * @default the host
   */
  tenant?: (context: ExecutionContext) => Identity;
  /** What identifies the response on its route, in the place of the query. */
  key?: (context: ExecutionContext) => KeyValue;
  /** Parameters of the query that the response depends on. @default those of `@Query('name')` */
  query?: readonly string[];
  /** What a request with another parameter is: past the cache, or the same as without it. @default 'bypass' */
  unknownQuery?: 'bypass' | 'drop';
  /** Headers of the request that the response depends on. @default those of `@Headers('name')` */
  vary?: readonly string[];
  /**
   * Headers of the response that are kept, beside those of its content.
   *
   * @default all that the handler sets, without those of one request
   */
  headers?: readonly string[];
  /** Labels by which many entries are evicted at once. */
  tags?: readonly string[] | ((body: Unchecked, context: ExecutionContext) => readonly string[]);
  /** False: the request passes. */
  condition?: (context: ExecutionContext) => boolean;
  /** True: the response is not stored. */
  unless?: (body: Unchecked, context: ExecutionContext) => boolean;
  /** Strong entity tags, and 304 for clients that have the response. @default true */
  etag?: boolean;
  /**
   * How long a client may use the response without asking: `max-age`. An eviction does not reach it there.
   *
   * @default 0: it asks each time
   */
  clientTtl?: Duration;
  /** As `clientTtl`, for proxies and CDNs of a public response: `s-maxage`. @default that of `clientTtl` */
  sharedTtl?: Duration;
  /**
   * `Cache-Control: no-cache` of a request loads anew: any client can then send every request to the handler.
   *
   * @default false
   */
  honorClientNoCache?: boolean;
  /**
   * The handler's own `Cache-Control`, `Expires`, `Vary` and validators decide, by RFC 9111 as a shared cache.
   *
   * @default false
   */
  respectHeaders?: boolean;
  /** `X-Cache: HIT` or `MISS` beside `Cache-Status`. @default false */
  xCache?: boolean;
  /**
   * `'bytes'`: the response as it goes over the wire. `'value'`: what the handler returned, for interceptors outside
   * that change bodies; it is serialised for each request, and has no entity tag. @default 'bytes' where no interceptor
   * stands outside of this one
   */
  answer?: 'bytes' | 'value';
}

/**
 * Options of `@HttpCacheEvict`.
 *
 * @publicApi
 */
export interface HttpCacheEvictOptions {
  /** Name of the cache. @default the default cache */
  cache?: string;
  /** All entries that carry one of these. Functions get what the handler returned and the context. */
  tags?: readonly string[] | ((result: Unchecked, context: ExecutionContext) => readonly string[]);
  /** End the entries of the request's own URI, and of Location and Content-Location. @default true */
  uri?: boolean;
}
