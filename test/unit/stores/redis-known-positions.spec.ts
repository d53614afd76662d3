import { describe, expect, it } from '@jest/globals';
import { KnownPositions } from '../../../lib/stores/redis/known-positions.js';

const at = (incarnation: number, sequence: number) => ({ incarnation, sequence });

describe('known positions', () => {
  it('only rise by what is heard', () => {
    const positions = new KnownPositions(1);
    positions.note(0, at(7, 5));
    for (const older of [at(7, 4), at(6, 9), at(-1, 9), at(7, NaN), at(2 ** 60, 1)]) {
      positions.note(0, older);
      expect(positions.of(0)).toEqual(at(7, 5));
    }
    positions.note(0, at(8, 1));
    expect(positions.of(0)).toEqual(at(8, 1));
  });

  it('fall when a function that was asked with them says so', () => {
    const positions = new KnownPositions(1);
    positions.note(0, at(7, 5));
    positions.settle(0, at(7, 3), at(7, 5));
    expect(positions.of(0)).toEqual(at(7, 3));
  });

  it('do not go back to an older incarnation because a reply comes late', () => {
    const positions = new KnownPositions(1);
    const asked = at(7, 5);
    positions.note(0, asked);
    positions.note(0, at(8, 1));
    positions.settle(0, at(7, 3), asked);
    expect(positions.of(0)).toEqual(at(8, 1));
  });
});
