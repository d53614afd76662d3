import { AsyncResource } from 'node:async_hooks';
import type { CallHandler, ExecutionContext, Type } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import type { LoadContext } from '../cache/load-context.js';
import { type ReadPolicy, resolveReadPolicy } from '../cache/read-policy.js';
import type { Region } from '../cache/region.js';
import { defaultKeyOf } from '../keys/default-key.js';
import { identifierOf } from '../keys/key-segment.js';
import type { AnyFunction } from '../operations/method-types.js';
import { classNameOf } from '../shared/class-name.js';
import { describeThrown, isCacheError } from '../shared/errors.js';
import { isNotShared } from './cached-response.js';
import { askIdentity } from './entry-key.js';
import type { HttpCacheOptions } from './http-cache-options.js';
import { oneReply, type StreamTaker } from './one-reply.js';
import type { RoutePlan } from './route-plan.js';

/**
 * What a handler of messages may return is counted by the context of its message: `unless`, `tags` and `ttl` get it.
 */
type Args = readonly [ExecutionContext];

const PATTERN = 'microservices:pattern';
const HANDLER_TYPE = 'microservices:handler_type';
/** `PatternHandler.EVENT` */
const EVENT = 2;

/** How a transport tells by which pattern a message came. */
interface MessageContext {
  getPattern?(): unknown;
  getSubject?(): unknown;
  getTopic?(): unknown;
  getChannel?(): unknown;
  /** gRPC's metadata. */
  getMap?(): Readonly<Record<string, unknown>>;
  /** NATS'. */
  getHeaders?(): { keys?(): Iterable<unknown> } | undefined;
  /** Kafka's and RabbitMQ's message. */
  getMessage?(): { readonly headers?: object; readonly properties?: { readonly headers?: object } } | undefined;
}

/** A handler of messages: `@MessagePattern()`. Null for one of events, which answers nobody, and for what is none. */
export function messageKindOf(handler: AnyFunction): 'message' | 'event' | null {
  if (Reflect.getMetadata(PATTERN, handler) === undefined) return null;
  return Reflect.getMetadata(HANDLER_TYPE, handler) === EVENT ? 'event' : 'message';
}

/** One handler of messages whose replies are cached: the same in a pure microservice and in a hybrid application. */
export class CachedMessage {
  private readonly policy: ReadPolicy;
  private readonly payloadKey: (args: readonly unknown[]) => string;
  private readonly patterns: string;

  constructor(
    private readonly plan: RoutePlan,
    private readonly region: Region,
    private readonly parts: {
      readonly runtimeClass: Type<unknown>;
      readonly handler: AnyFunction;
      readonly warn: (kind: string, message: string) => void;
    },
  ) {
    const { options, where } = plan;
    const { ttl, tags, unless } = options;
    const ofResult = <R>(fixed: R | ((value: unknown, context: ExecutionContext) => R)) =>
      typeof fixed === 'function'
        ? (value: unknown, context: ExecutionContext) => (fixed as AnyFunction)(value, context) as R
        : fixed;
    if (tags !== undefined) region.declareTags();
    this.policy = resolveReadPolicy(
      region.options,
      {
        ...pick(options, ['jitter', 'negativeTtl', 'staleWhileRevalidate', 'staleIfError']),
        ...(ttl === undefined ? {} : { ttl: ofResult(ttl) }),
        ...(tags === undefined ? {} : { tags: ofResult(tags) }),
        unless: (value: unknown, context: ExecutionContext) =>
          isNotShared(value) || (unless?.(value, context) ?? false),
      },
      where,
    );
    const name = classNameOf(parts.runtimeClass);
    this.payloadKey = defaultKeyOf({ runtimeClass: name, declaringClass: name, method: parts.handler.name }, where);
    this.patterns = JSON.stringify(Reflect.getMetadata(PATTERN, parts.handler));
  }

  handle(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const identifier = this.identifierOf(context);
    if (identifier === null || !this.admits(context)) {
      this.region.countBypass();
      return next.handle();
    }
    // the handler runs in the caller's asynchronous context, whoever subscribes
    const answer = AsyncResource.bind((client: Subscriber<unknown>) => {
      void this.answer(client, identifier, context, next);
    });
    return new Observable((client) => answer(client));
  }

  /** Never rejects. */
  private async answer(
    client: Subscriber<unknown>,
    identifier: string,
    context: ExecutionContext,
    next: CallHandler,
  ): Promise<void> {
    const own: StreamTaker = { client, isStreaming: false };
    const load = ({ signal }: LoadContext) => oneReply(next.handle(), own, signal);
    const args: Args = [context];
    try {
      const reply = await this.region.read(this.region.keyOf(identifier), this.policy, args, load);
      if (own.isStreaming || client.closed) return;
      if (isNotShared(reply)) return void next.handle().subscribe(client);
      client.next(reply);
      client.complete();
    } catch (error) {
      client.error(error);
    }
  }

  /** Null: this message has no entry. */
  private identifierOf(context: ExecutionContext): string | null {
    const { plan } = this;
    const asked = [];
    for (const [name, of] of [
      ['principal', plan.scope === 'private' ? plan.principal : undefined],
      ['tenant', plan.tenant ?? undefined],
    ] as const) {
      if (of === undefined) continue;
      const answer = askIdentity(name, of, context);
      if ('why' in answer) {
        if (answer.fault !== undefined) this.warn(name, answer.fault);
        return null;
      }
      asked.push(answer.text);
    }
    const rpc = context.switchToRpc();
    const message = rpc.getContext<MessageContext | undefined>();
    if (plan.scope === undefined && bearsLogin(message)) return null;
    try {
      const data: unknown = rpc.getData();
      const payload = plan.key === null ? this.payloadKey([data]) : identifierOf(plan.key(context), plan.where);
      return `${identifierOf([plan.where, this.patterns, patternOf(message), asked.join('\n')], plan.where)}:${payload}`;
    } catch (error) {
      this.warn('key', isCacheError(error) ? error.message : describeThrown(error));
      return null;
    }
  }

  private admits(context: ExecutionContext): boolean {
    try {
      return this.plan.options.condition === undefined || this.plan.options.condition(context) === true;
    } catch (error) {
      this.warn('condition', describeThrown(error));
      return false;
    }
  }

  private warn(option: string, how: string): void {
    const { where } = this.plan;
    this.parts.warn(
      `${where} ${option}`,
      `${where}: a message bypasses the cache, since its ${option} is not known: ${how}`,
    );
  }
}

function patternOf(message: MessageContext | undefined): string {
  for (const name of ['getPattern', 'getSubject', 'getTopic', 'getChannel'] as const) {
    if (typeof message?.[name] === 'function') return JSON.stringify(message[name]!()) ?? '';
  }
  return '';
}

const LOGINS = new Set(['authorization', 'cookie']);

function bearsLogin(message: MessageContext | undefined): boolean {
  const raw = message?.getMessage?.();
  const names = [
    // gRPC's metadata, NATS' headers, Kafka's and RabbitMQ's
    ...Object.keys(message?.getMap?.() ?? {}),
    ...(message?.getHeaders?.()?.keys?.() ?? []),
    ...Object.keys(raw?.headers ?? {}),
    ...Object.keys(raw?.properties?.headers ?? {}),
  ];
  return names.some((name) => LOGINS.has(String(name).toLowerCase()));
}

function pick<K extends keyof HttpCacheOptions>(
  options: HttpCacheOptions,
  names: readonly K[],
): Pick<HttpCacheOptions, K> {
  return Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  ) as Pick<HttpCacheOptions, K>;
}
