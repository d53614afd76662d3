import { describe, expect, it } from '@jest/globals';
import { createTokens } from '../../../lib/cache/tokens.js';

describe('tokens', () => {
  it('are all different, of one process and of two', () => {
    const [one, other] = [createTokens(), createTokens()];
    const tokens = Array.from({ length: 1_000 }, () => [one(), other()]).flat();
    expect(new Set(tokens).size).toBe(2_000);
  });

  it('have a random part of their own, and nothing that has to be escaped', () => {
    const next = createTokens();
    const parts = Array.from({ length: 200 }, () => next().split('.'));
    expect(new Set(parts.map(([instance]) => instance)).size).toBe(1);
    expect(new Set(parts.map(([, , random]) => random)).size).toBe(200);
    for (const part of parts.flat()) expect(part).toMatch(/^[\w-]+$/);
    for (const [, , random] of parts) expect(random).toHaveLength(12);
  });
});
