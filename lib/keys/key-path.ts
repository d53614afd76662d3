import { escapeSegment } from './key-segment.js';

/** A segment in which nothing is left to escape, or that a long identifier ends in. */
const ESCAPED = /^(?:[^%:{}~|,\s]|%[0-9a-f]{2}|%u[0-9a-f]{4})*(?:~[\w-]{43})?$/;
const HASHED = /^~[\w-]{43}$/;

/**
 * The identifiers that a path may mean which somebody else wrote, such as `9876`, `7:9876` or `Jane%20Doe`: as it
 * stands in keys, and with its segments escaped, where they are written as they are. Evicting what is not there is
 * harmless.
 */
export function identifiersOfPath(path: string): string[] {
  const segments = path.split(':');
  const isEscaped = segments.every((segment) => ESCAPED.test(segment));
  const escaped = segments.map(escapeSegment).join(':');
  return isEscaped && escaped !== path ? [path, escaped] : [isEscaped ? path : escaped];
}

/** True for what a region with `keys: 'hashed'` has instead of an identifier. */
export function isHashed(path: string): boolean {
  return HASHED.test(path);
}
