import { checkShape } from '../options/check-shape.js';
import { eventSchemas, operationSchemas } from '../options/operation-schema.js';
import { CacheError } from '../shared/errors.js';
import type { CacheEvictOptions } from './operation-options.js';

export type DecoratorName = keyof typeof operationSchemas;

/**
 * Checks what a decorator was given.
 *
 * @param where the method or class it stands on, for messages
 * @throws CacheError RC_INVALID_OPTION
 */
export function checkOperation(decorator: DecoratorName, options: object, where: string): void {
  const schema = operationSchemas[decorator];
  checkShape(schema, options, {
    root: `The argument of @${decorator} on ${where}`,
    prefix: `@${decorator} on ${where}: `,
    namesAt: () => Object.keys(schema.entries),
    missing: { key: 'the key under which the result is put, such as { key: (user) => user.id }' },
  });
  if (decorator === 'CacheEvict') checkEvict(options, where);
}

/**
 * Checks what `@InvalidateOn` was given.
 *
 * @throws CacheError RC_INVALID_OPTION
 */
export function checkInvalidateOn(given: { event: unknown; map: unknown; options: unknown }, where: string): void {
  checkShape(eventSchemas.invalidateOn, given, {
    root: `@InvalidateOn on ${where}`,
    prefix: `@InvalidateOn on ${where}: `,
    namesAt: () => Object.keys(eventSchemas.invalidateOn.entries.options.entries),
  });
}

function checkEvict(options: CacheEvictOptions, where: string): void {
  const { key, keys, tags, allEntries, strict, beforeInvocation, version } = options;
  const fail = (what: string) => new CacheError('RC_INVALID_OPTION', `@CacheEvict on ${where} ${what}`);
  if (key === undefined && keys === undefined && tags === undefined && !allEntries) {
    throw fail('does not say what to evict. Give key, keys, tags, or allEntries: true.');
  }
  if (allEntries && (key !== undefined || keys !== undefined)) {
    throw fail('has allEntries and a key: the whole region holds the key. Keep one of them.');
  }
  if (strict && beforeInvocation) {
    throw fail('is strict and beforeInvocation: a strict eviction runs before and after. Leave beforeInvocation out.');
  }
  if (strict && (tags !== undefined || allEntries)) {
    throw fail(
      'is strict, which fences keys; tags and allEntries cannot be fenced. Put them into a @CacheEvict of their own.',
    );
  }
  if (strict && version !== undefined) {
    throw fail('is strict and has a version: a fence evicts every version. Leave one of them out.');
  }
  if (version !== undefined && (tags !== undefined || allEntries)) {
    throw fail(
      'has a version, which only keys can be compared by. Put tags and allEntries into a @CacheEvict of their own.',
    );
  }
}
