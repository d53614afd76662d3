import type { ExecutionContext } from '@nestjs/common';
import type { CacheKey } from '../keys/cache-key.js';
import { KeyMemo } from '../keys/key-memo.js';
import { identifierOf } from '../keys/key-segment.js';
import { describeThrown, isCacheError } from '../shared/errors.js';
import { isPromiseLike } from '../shared/option-function.js';
import type { Exchange } from './exchange.js';
import { combined } from './gateway/header-fields.js';
import type { Identity } from './http-cache-options.js';
import { encoded, pairsText, queryText } from './query-text.js';
import type { RoutePlan } from './route-plan.js';

/** The key of a request's entry, and the identifier in it; or why it can have none. */
export type EntryKey =
  | { readonly identifier: string; readonly key: CacheKey }
  | {
      readonly why: 'query' | 'principal' | 'tenant' | 'key';
      /** What an option's function did wrong. */ readonly fault?: string;
    };

/** What of a request its entry depends on, as it came. */
interface Parts {
  readonly template: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** What a key function returned, as an identifier; null: there is none, and the query counts. */
  readonly own: string | null;
  /** With its `?`; empty: there is none, or it does not count. */
  readonly query: string;
  /** Of the header fields that are named, in their order. */
  readonly fields: readonly (string | undefined)[];
  readonly owner: string;
  readonly principal: string;
  readonly version: string;
}

/**
 * The keys of one route's entries.
 *
 * What identifies a response: the handler and its route with the parameters' values, the query's named parameters by
 * name, the request's header fields that are named, host or tenant, principal and version. Each stands in a place of
 * its own, so that nothing a client sends reaches into another's.
 *
 * Bringing all of that into its form takes a third of a hit's time, so keys are remembered by what decides them: by
 * what is the same for most requests, and by the rest.
 */
export class EntryKeys {
  private readonly memo = new KeyMemo<EntryKey>();
  private common = { template: '', owner: '', version: '', text: '' };

  constructor(
    private readonly plan: RoutePlan,
    private readonly keyOf: (identifier: string) => CacheKey,
  ) {}

  of(exchange: Exchange, context: ExecutionContext, version: string): EntryKey {
    const { plan } = this;
    let principal = '';
    if (plan.scope === 'private') {
      const asked = askIdentity('principal', plan.principal, context);
      if ('why' in asked) return asked;
      principal = asked.text;
    }
    const owner = ownerOf(plan, exchange, context);
    if (typeof owner === 'object') return owner;
    let own: string | null = null;
    if (plan.key !== null) {
      try {
        own = identifierOf(plan.key(context), plan.where);
      } catch (error) {
        return { why: 'key', fault: faultOf(error) };
      }
    }
    const { url, headers, params } = exchange;
    const query = own === null ? queryOf(url) : '';
    const fields = plan.vary.length === 0 ? NO_FIELDS : plan.vary.map((name) => combined(headers, name));
    const template = exchange.template ?? url.split('?', 1)[0]!;
    const common = this.commonText(template, owner, version);
    const rest = decidingText(principal, own ?? query, fields, params);
    return (
      (rest === null ? undefined : this.memo.known(common, rest)) ??
      this.make({ template, params, own, query, fields, owner, principal, version }, common, rest)
    );
  }

  private make(parts: Parts, common: string, rest: string | null): EntryKey {
    const { template, params, own, query, fields, owner, principal, version } = parts;
    const { where, vary, query: names, unknownQuery } = this.plan;
    const asked = own ?? queryText(query, names, unknownQuery);
    let made: EntryKey = NO_QUERY;
    if (asked !== null) {
      const named = vary.map((name, n) => [name, normalised(fields[n])] as const);
      const values = Object.entries(params).map(([name, value]) => [name, paramText(value)] as const);
      const identifier = identifierOf(
        [where, template, pairsText(values), asked, pairsText(named), owner, principal, version],
        where,
      );
      made = { identifier, key: this.keyOf(identifier) };
    }
    return rest === null ? made : this.memo.remember(common, rest, made);
  }

  /** Most requests of a route share it with the one before. */
  private commonText(template: string, owner: string, version: string): string {
    const { common } = this;
    if (common.template !== template || common.owner !== owner || common.version !== version) {
      this.common = { template, owner, version, text: measured(template) + measured(owner) + version };
    }
    return this.common.text;
  }
}

const NO_QUERY: EntryKey = Object.freeze({ why: 'query' });
const NO_FIELDS: readonly undefined[] = Object.freeze([]);

/** Different parts, different texts: each is preceded by its length. Null: not to be remembered. */
function decidingText(
  principal: string,
  asked: string,
  fields: readonly (string | undefined)[],
  params: Readonly<Record<string, unknown>>,
): string | null {
  let text = measured(principal) + measured(asked);
  for (const field of fields) text += field === undefined ? '-' : measured(field);
  for (const name of Object.keys(params)) {
    const value = params[name];
    // of a wildcard Express gives the segments
    if (typeof value !== 'string') return null;
    text += measured(name) + measured(value);
  }
  return text;
}

/** From where parsers may take it to begin. */
function queryOf(url: string): string {
  const at = url.search(/[?#]/);
  return at < 0 ? '' : url.slice(at);
}

const measured = (text: string) => (text === '' ? '0:' : `${text.length}:${text}`);

/** The tenant, or else the host, whose entries a request reads. */
export function ownerOf(plan: RoutePlan, exchange: Exchange, context: ExecutionContext): string | Unknown {
  if (plan.tenant === null) return `h${exchange.authority}`;
  const asked = askIdentity('tenant', plan.tenant, context);
  return 'why' in asked ? asked : `t${asked.text}`;
}

/** Why a request has no entry. */
interface Unknown {
  readonly why: 'principal' | 'tenant';
  readonly fault?: string;
}

export type Asked = { readonly text: string } | Unknown;

/** Total: a request whose principal is not known has no entry. */
export function askIdentity(
  why: 'principal' | 'tenant',
  of: ((context: ExecutionContext) => Identity) | null,
  context: ExecutionContext,
): Asked {
  let answer: unknown;
  try {
    answer = of?.(context);
  } catch (error) {
    return { why, fault: `threw ${describeThrown(error)}` };
  }
  if (typeof answer === 'string' && answer !== '') return { text: `s${answer}` };
  if ((typeof answer === 'number' && Number.isFinite(answer)) || typeof answer === 'bigint')
    return { text: `n${answer}` };
  if (answer === undefined || answer === null || answer === '') return { why };
  if (isPromiseLike(answer)) answer.then(undefined, () => undefined);
  return { why, fault: `returned ${isPromiseLike(answer) ? 'a promise' : 'neither text nor number'}` };
}

/** What makes no key is refused by this library. */
function faultOf(error: unknown): string {
  return isCacheError(error) ? `returned no key: ${error.message}` : `threw ${describeThrown(error)}`;
}

/** Of a wildcard Express gives the segments. */
function paramText(value: unknown): string {
  return Array.isArray(value) ? value.map((segment) => encoded(String(segment))).join('/') : String(value);
}

/** A field that is not there differs from an empty one. */
function normalised(value: string | undefined): string {
  return value === undefined
    ? '-'
    : `=${value
        .split(',')
        .map((member) => member.trim())
        .join(',')}`;
}
