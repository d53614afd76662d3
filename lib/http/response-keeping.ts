import { hash } from 'node:crypto';
import type { ExecutionContext } from '@nestjs/common';
import { toMilliseconds } from '../options/duration.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import { describeThrown, isCacheError } from '../shared/errors.js';
import type { CachedResponse } from './cached-response.js';
import type { CollectedResponse } from './collect-response.js';
import type { Exchange } from './exchange.js';
import type { HeaderFields } from './gateway/header-fields.js';
import { selectingFields } from './gateway/selection.js';
import { keptFieldsOf, ownVaryOf, whyFieldsForbid } from './kept-fields.js';
import type { RoutePlan } from './route-plan.js';
import { uriTagOf } from './uri-tags.js';

/** What a handler made, with what decides how it is kept; the codec keeps the response alone. */
export interface Loaded extends CachedResponse {
  readonly tagsOf: () => readonly string[];
  readonly isRefused: () => boolean;
}

/** By status without a word of the handler: what is the same for all, and for a while. */
const STORED = new Set([200, 203, 204, 300, 301, 308]);
const STORED_NEGATIVE = new Set([404, 410]);

/** Tells once of an option function that failed. @param how it did @param outcome what becomes of it */
export type WarnOfOption = (option: string, how: string, outcome?: string) => void;

/** The request whose handler made the response. */
interface Request {
  readonly exchange: Exchange;
  readonly context: ExecutionContext;
  readonly answer: 'bytes' | 'value';
}

/** What is kept of a handler's response, for how long and under which tags. */
export class ResponseKeeping {
  constructor(
    private readonly plan: RoutePlan,
    private readonly region: ResolvedRegionOptions,
    private readonly parts: {
      /** No path is to be read in tags. */
      readonly hidesPaths: boolean;
      readonly random: () => number;
      readonly warnOfOption: WarnOfOption;
    },
  ) {}

  /** @returns why it is not kept, as text */
  keep(
    { exchange, context, answer }: Request,
    collected: CollectedResponse,
    value: unknown,
    requestMs: number,
    before: HeaderFields,
  ): Loaded | string {
    const { plan, parts } = this;
    const { options } = plan;
    if (!STORED.has(collected.status) && !(STORED_NEGATIVE.has(collected.status) && plan.negativeMs !== null))
      return 'status';
    const why = whyFieldsForbid(collected, plan.scope);
    if (why !== null) return why;
    const fields = keptFieldsOf(collected.own, plan.headers);
    if (fields === null) return 'headers';
    const { form, body, status } = collected;
    const etag =
      plan.hasEtag && answer === 'bytes' && form !== 'none' && collected.fields['etag'] === undefined
        ? { etag: `"${hash('sha256', body, 'base64url').slice(0, 27)}"` }
        : null;
    let ttlMs = 0;
    try {
      ttlMs = Math.round(
        this.ttlMs(status, form === 'none' || value === null, value, context) * (1 - this.jitter * parts.random()),
      );
    } catch (error) {
      const how = isCacheError(error) ? `returned no duration: ${error.message}` : `threw ${describeThrown(error)}`;
      parts.warnOfOption('ttl', how, 'the response is not stored. Make it return a duration for every response.');
    }
    const tags = options.tags;
    return {
      status,
      headers: etag === null ? fields : { ...fields, ...etag },
      form,
      body,
      ttlMs,
      requestMs,
      responseMs: Date.now(),
      selecting: selectingFields(exchange.headers, { vary: ownVaryOf(collected.fields, before, plan.vary) }),
      tagsOf: () => [
        uriTagOf(exchange, parts.hidesPaths),
        ...(typeof tags === 'function' ? tags(value, context) : (tags ?? [])),
      ],
      isRefused: () => options.unless?.(value, context) ?? false,
    };
  }

  private get jitter(): number {
    return this.plan.options.jitter ?? this.region.jitterRatio;
  }

  private ttlMs(status: number, isEmpty: boolean, value: unknown, context: ExecutionContext): number {
    const { options, negativeMs, where } = this.plan;
    if (negativeMs !== null && (isEmpty || STORED_NEGATIVE.has(status))) return negativeMs;
    const ttl = typeof options.ttl === 'function' ? options.ttl(value, context) : options.ttl;
    return ttl === undefined ? this.region.ttlMs : toMilliseconds(`${where}: ttl`, ttl);
  }
}
