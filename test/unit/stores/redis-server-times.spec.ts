import { describe, expect, it } from '@jest/globals';
import { ServerTimes } from '../../../lib/stores/redis/server-times.js';

describe('the time of a server', () => {
  const told = { incarnation: 7, nowMicros: 1_000_000 };

  it('is what it said at its last poll, and what passed since that was sent', () => {
    const times = new ServerTimes();
    times.note(1, told, 500, 502);
    expect(times.of(1, 500.25)).toBe('7|1000250');
    expect(times.of(1, 1_500)).toBe('7|2000000');
    times.note(1, { incarnation: 9, nowMicros: 3_000_000 }, 1_500, 1_501);
    expect(times.of(1, 1_500)).toBe('9|3000000');
  });

  it('is unknown of another bucket, after two seconds, and from an answer that was long on its way', () => {
    const times = new ServerTimes();
    expect(times.of(1, 500)).toBe('');
    times.note(1, told, 500, 502);
    expect(times.of(0, 501)).toBe('');
    expect(times.of(1, 2_500)).not.toBe('');
    expect(times.of(1, 2_501)).toBe('');
    times.note(2, told, 500, 601);
    expect(times.of(2, 601)).toBe('');
  });

  it('does not go back with a clock that does', () => {
    const times = new ServerTimes();
    times.note(1, told, 500, 502);
    expect(times.of(1, 400)).toBe('7|1000000');
  });
});
