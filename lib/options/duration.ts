import { CacheError, describeValue } from '../shared/errors.js';

/**
 * A length of time: a number of milliseconds, or text with a unit: `500`, `'30s'`, `'5m'`, `'1h'`, `'7d'`.
 *
 * @publicApi
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** As {@link Duration}; any text, such as one that a ConfigService read, is checked at boot. @publicApi */

export type DurationOption = Duration | (string & {});

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Longest duration taken: 10 years. Longer ones are mistakes of the unit, or meant as "for ever". */
const MAX_MS = 10 * 365 * UNIT_MS.d;

/**
 * @param option the option's full name, for the message, such as `regions.profile.ttl`
 * @returns milliseconds, finite, >= 0
 * @throws CacheError RC_INVALID_OPTION
 */
export function toMilliseconds(option: string, value: unknown): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null;
  const ms =
    typeof value === 'number' ? value : match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : NaN;
  if (ms >= 0 && ms <= MAX_MS) return ms;
  const cure =
    ms === Infinity || ms > MAX_MS
      ? 'A duration is always finite, 10 years at most.'
      : `Write a number of milliseconds or a text such as '30s', '5m', '1h'.`;
  throw new CacheError('RC_INVALID_OPTION', `${option} must be a duration, got ${describeValue(value)}. ${cure}`);
}
