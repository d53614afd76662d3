import { expect, it } from '@jest/globals';
import { nameMatcher } from '../../../lib/invalidation/event-names.js';

it.each([
  [['UserUpdated'], 'UserUpdated', true],
  [['UserUpdated'], 'UserUpdated2', false],
  [['A', 'B'], 'B', true],
  [['user.*'], 'user.updated', true],
  [['user.*'], 'userXupdated', false],
  [['user.>'], 'user.updated.now', true],
  [['user.#'], 'user.updated', true],
  [['a#'], 'ab', false],
  [['*'], 'anything', true],
  [['a+b.*'], 'a+b.c', true],
  [[/^audit\./], 'audit.login', true],
  [[/^audit\./], 'x.audit.', false],
])('%j is for %s: %j', (names, given, expected) => {
  expect(nameMatcher(names)([given])).toBe(expected);
});

it('is for either of several names', () => {
  expect(nameMatcher(['user-events'])(['UserUpdated', 'user-events'])).toBe(true);
});

it('remembers nothing of a RegExp with g', () => {
  const isFor = nameMatcher([/^a/g]);
  expect([isFor(['ab']), isFor(['ab'])]).toEqual([true, true]);
});
