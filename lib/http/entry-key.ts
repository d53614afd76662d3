import type { ExecutionContext } from '@nestjs/common';
import { identifierOf } from '../keys/key-segment.js';
import { describeThrown, isCacheError } from '../shared/errors.js';
import { isPromiseLike } from '../shared/option-function.js';
import type { Exchange } from './exchange.js';
import { combined } from './gateway/header-fields.js';
import type { Identity } from './http-cache-options.js';
import { encoded, pairsText, queryText } from './query-text.js';
import type { RoutePlan } from './route-plan.js';

/** The identifier of a request's entry; or why it can have none. */
export type EntryIdentity =
  | { readonly identifier: string }
  | {
      readonly why: 'query' | 'principal' | 'tenant' | 'key';
      /** What an option's function did wrong. */ readonly fault?: string;
    };

/**
 * What identifies a response: the handler and its route with the parameters' values, the query's named parameters by
 * name, the request's header fields that are named, host or tenant, principal and version. Each stands in a place of
 * its own, so that nothing a client sends reaches into another's.
 */
export function entryIdentityOf(
  plan: RoutePlan,
  exchange: Exchange,
  context: ExecutionContext,
  version: string,
): EntryIdentity {
  const { where, vary } = plan;
  let principal = '';
  if (plan.scope === 'private') {
    const asked = askIdentity('principal', plan.principal, context);
    if ('why' in asked) return asked;
    principal = asked.text;
  }
  const owner = ownerOf(plan, exchange, context);
  if ('why' in owner) return owner;
  let query: string | null;
  if (plan.key === null) {
    query = queryText(exchange.url, plan.query, plan.unknownQuery);
    if (query === null) return { why: 'query' };
  } else {
    try {
      query = identifierOf(plan.key(context), where);
    } catch (error) {
      return { why: 'key', fault: faultOf(error) };
    }
  }
  const fields = vary.map((name) => [name, normalised(combined(exchange.headers, name))] as const);
  const params = Object.entries(exchange.params).map(([name, value]) => [name, paramText(value)] as const);
  const route = exchange.template ?? exchange.url.split('?', 1)[0]!;
  return {
    identifier: identifierOf(
      [where, route, pairsText(params), query, pairsText(fields), owner.text, principal, version],
      where,
    ),
  };
}

/** The tenant, or else the host, whose entries a request reads. */
export function ownerOf(plan: RoutePlan, exchange: Exchange, context: ExecutionContext): Asked {
  if (plan.tenant === null) return { text: `h${exchange.authority}` };
  const asked = askIdentity('tenant', plan.tenant, context);
  return 'why' in asked ? asked : { text: `t${asked.text}` };
}

export type Asked = { readonly text: string } | { readonly why: 'principal' | 'tenant'; readonly fault?: string };

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
