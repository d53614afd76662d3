import type { EventName } from '../operations/invalidation-rule.js';

/** Whether a rule with this name is for an event with one of these: its type, and the channel by which it came. */
export function nameMatcher(names: readonly EventName[]): (given: readonly string[]) => boolean {
  const exact = new Set(names.filter((name) => typeof name === 'string'));
  const patterns = names.flatMap((name) => (typeof name === 'string' ? wildcardsOf(name) : [withoutState(name)]));
  return (given) => given.some((one) => exact.has(one) || patterns.some((pattern) => pattern.test(one)));
}

/**
 * `user.*`, and at the end `user.>` and `user.#` of NATS and RabbitMQ. Which of their separators `*` stops at the
 * transport decides.
 */
function wildcardsOf(name: string): RegExp[] {
  if (!/\*|[.][>#]$/.test(name)) return [];
  const source = name.split(/(\*|(?<=\.)[>#]$)/).map((part, n) => (n % 2 === 1 ? '.*' : escaped(part)));
  return [new RegExp(`^${source.join('')}$`, 's')];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** One with `g` or `y` would remember where it was. */
function withoutState(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
}
