import 'reflect-metadata';
import { checkInvalidateOn } from './check-operation.js';
import { ownerNameOf, nameText, refuseBare } from './decorator-target.js';
import type { DeclaredRule, EventMap, EventName, InvalidateOnOptions } from './invalidation-rule.js';

const RULES = Symbol('nestjs-redis-cache:rules');

/** A decorator for methods of any kind, and for classes. @publicApi */
export type InvalidateOnDecorator = (
  target: object,
  name?: string | symbol,
  // oxlint-disable-next-line typescript/no-explicit-any -- methods of any kind
  descriptor?: TypedPropertyDescriptor<any>,
) => void;

/**
 * What an event invalidates, beside what it invalidates: on the cached method, or on the class. Events arrive by
 * `RedisCacheEventsModule` of nestjs-redis-cache/microservices; without it the rule does nothing. May be stacked.
 *
 *     @InvalidateOn('UserUpdated', (event: UserUpdated) => ({ key: event.userId, version: event.timestamp }))
 *
 * @param event its type, or the topic, channel or subject by which it comes; `*` stands for any characters
 * @param map pure, at once and total: `{ key }`, `{ keys }`, `{ tags }`, `{ allEntries: true }`, several of these, or
 * null
 * @throws CacheError when the class is read: RC_INVALID_OPTION, RC_DECORATOR_TARGET
 * @publicApi
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as EventMap
export function InvalidateOn<Event = any>(
  event: EventName | readonly EventName[],
  map: EventMap<Event>,
  options: InvalidateOnOptions = {},
  ...beside: unknown[]
): InvalidateOnDecorator {
  refuseBare('InvalidateOn', [event, ...beside]);
  return (target, name) => {
    const isClass = typeof target === 'function' && name === undefined;
    const where = isClass ? ownerNameOf(target) : `${ownerNameOf(target)}.${nameText(name!)}`;
    checkInvalidateOn({ event, map, options }, where);
    const rule: DeclaredRule = {
      names: Array.isArray(event) ? [...(event as readonly EventName[])] : [event as EventName],
      map,
      options: Object.freeze({ ...options }),
      method: name ?? null,
      where,
    };
    const prototype = isClass ? (target.prototype as object) : target;
    // decorators run from the lowest up
    Reflect.defineMetadata(RULES, [rule, ...ownRulesOf(prototype)], prototype);
  };
}

/** The rules of a class and of those it extends. */
export function rulesOf(runtimePrototype: object): readonly DeclaredRule[] {
  const rules: DeclaredRule[] = [];
  for (let one: object | null = runtimePrototype; one; one = Object.getPrototypeOf(one) as object | null) {
    rules.push(...ownRulesOf(one));
  }
  return rules;
}

function ownRulesOf(prototype: object): readonly DeclaredRule[] {
  return (Reflect.getOwnMetadata(RULES, prototype) as readonly DeclaredRule[] | undefined) ?? [];
}
