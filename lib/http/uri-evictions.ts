import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { concat, defer, ignoreElements, type Observable, tap } from 'rxjs';
import type { CacheEngine } from '../cache/cache-engine.js';
import { checkTags } from '../entries/tags.js';
import { describeThrown } from '../shared/errors.js';
import type { Exchange } from './exchange.js';
import { invalidatedUrls } from './gateway/invalidated-urls.js';
import type { HttpCacheEvictOptions } from './http-cache-options.js';
import { uriTag, uriTagOf } from './uri-tags.js';

/** What a handler that has written ends. */
export class UriEvictions {
  constructor(
    private readonly where: string,
    private readonly engine: Pick<CacheEngine, 'evictTags' | 'hidesIdentifiers'>,
    private readonly options: HttpCacheEvictOptions,
    private readonly parts: {
      /** The handler sends the response by itself. */
      readonly takesResponse: boolean;
      readonly warn: (kind: string, message: string) => void;
    },
  ) {}

  /**
   * The handler, and then the evictions: before its answer goes out, so that its client reads what it wrote. A handler
   * that answers by itself is waited for.
   */
  after(exchange: Exchange, context: ExecutionContext, next: CallHandler): Observable<unknown> {
    let result: unknown;
    const handled = next.handle().pipe(tap((value) => (result = value)));
    const evicting = defer(async () => {
      const { isSent } = exchange;
      if (this.parts.takesResponse && !isSent) {
        const late = exchange.ended().then(() => this.evict(exchange, context, result));
        // its answer is out: nobody else can be told
        late.catch((error: unknown) =>
          this.parts.warn(
            `${this.where} eviction`,
            `${this.where} has written, and the eviction of its entries was not acknowledged: ${describeThrown(error)}`,
          ),
        );
        return;
      }
      await this.evict(exchange, context, result);
    });
    return concat(handled, evicting.pipe(ignoreElements()));
  }

  /** As `after`, by tags alone. */
  afterMessage(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    let result: unknown;
    const handled = next.handle().pipe(tap((value) => (result = value)));
    const evicting = defer(async () => {
      const tags = this.tagsOf(result, context);
      if (tags.length > 0) await this.engine.evictTags(tags);
    });
    return concat(handled, evicting.pipe(ignoreElements()));
  }

  private async evict(exchange: Exchange, context: ExecutionContext, result: unknown): Promise<void> {
    const { statusCode: status } = exchange.response;
    if (status < 200 || status >= 400) return;
    const tags = [...this.uriTagsOf(exchange, status), ...this.tagsOf(result, context)];
    if (tags.length > 0) await this.engine.evictTags(tags);
  }

  private uriTagsOf(exchange: Exchange, status: number): string[] {
    if (this.options.uri === false) return [];
    const origin = `http://${exchange.host || 'localhost'}`;
    const head = { status, headers: exchange.responseFields() };
    const own = URL.canParse(exchange.url, origin) ? new URL(exchange.url, origin) : null;
    const named = own === null ? [] : invalidatedUrls('POST', own, head).slice(1);
    const { hidesIdentifiers } = this.engine;
    return [
      ...new Set([uriTagOf(exchange, hidesIdentifiers), ...named.map((url) => uriTag(url.pathname, hidesIdentifiers))]),
    ];
  }

  /** The write is done: what fails here must not say that it is not. */
  private tagsOf(result: unknown, context: ExecutionContext): readonly string[] {
    const { tags = [] } = this.options;
    try {
      return checkTags(typeof tags === 'function' ? tags(result, context) : tags, this.where);
    } catch (error) {
      this.parts.warn(
        `${this.where} tags`,
        `${this.where}: the tags of @HttpCacheEvict are not known, and nothing is evicted by them: ${describeThrown(error)} [RC_OPTION_FUNCTION]`,
      );
      return [];
    }
  }
}
