import { describe, expect, it } from '@jest/globals';
import { ValuesPerCommand } from '../../../lib/stores/redis/values-per-command.js';

const valuesOf = (bytes: number, count = 16) => Array.from({ length: count }, () => Buffer.alloc(bytes));

function after(...replies: readonly (readonly unknown[])[]): number {
  const perCommand = new ValuesPerCommand();
  for (const values of replies) perCommand.note(values);
  return perCommand.most;
}

describe('a command asks for', () => {
  it('some 64 KB of values, as they were found', () => {
    expect(after(valuesOf(4_096))).toBe(16);
    expect(after(valuesOf(200))).toBe(327);
  });

  it('512 values at most, also before any was found', () => {
    expect(after()).toBe(512);
    expect(after([null, null])).toBe(512);
    expect(after(valuesOf(1))).toBe(512);
    expect(after(valuesOf(0))).toBe(512);
  });

  it('4 values at least, so that their sizes are still seen', () => {
    expect(after(valuesOf(10_000_000, 2))).toBe(4);
  });

  it('as many as the values that were found are worth, whatever was not found', () => {
    expect(after([null, ...valuesOf(4_096), null, 'no bytes'])).toBe(16);
  });

  it('as many as those found lately are worth', () => {
    const large = valuesOf(65_536);
    const small = Array.from({ length: 100 }, () => valuesOf(128));
    expect(after(large, ...small)).toBe(511);
    expect(after(...small, large)).toBe(7);
  });
});
