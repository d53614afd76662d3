import { describe, expect, it } from '@jest/globals';
import type { EntryCall } from '../../../lib/cache/entry-call.js';
import { Flight } from '../../../lib/cache/flight.js';
import { FlightTable } from '../../../lib/cache/flight-table.js';

/** Names that end in it and are equally long have the same hash. */
const END = 'x'.repeat(64);
const aFlight = (name: string) => new Flight(name, {} as EntryCall, undefined, 0);

describe('FlightTable', () => {
  it('finds each of many by its name, and none that has left', () => {
    const table = new FlightTable();
    // more than it has places for, of which some share one
    const flights = Array.from({ length: 1_000 }, (_, n) => aFlight(`user:profile:${n}:json`));
    for (const flight of flights) table.add(flight);
    expect(flights.every((flight) => table.get(flight.name) === flight)).toBe(true);

    const [left, stay] = [flights.filter((_, n) => n % 3 !== 0), flights.filter((_, n) => n % 3 === 0)];
    expect(left.every((flight) => table.delete(flight))).toBe(true);
    expect(left.some((flight) => table.get(flight.name) !== undefined)).toBe(false);
    expect(stay.every((flight) => table.get(flight.name) === flight)).toBe(true);
    expect(table.size).toBe(stay.length);
  });

  it('tells names apart that have the same hash', () => {
    const table = new FlightTable();
    const [one, other] = [aFlight(`A${END}`), aFlight(`B${END}`)];
    table.add(one);
    table.add(other);
    expect([`A${END}`, `B${END}`, `C${END}`].map((name) => table.get(name))).toEqual([one, other, undefined]);
    expect(one.hash).toBe(other.hash);
    table.delete(one);
    expect([table.get(one.name), table.get(other.name)]).toEqual([undefined, other]);
  });

  it('says of a flight that it is not in it', () => {
    const table = new FlightTable();
    const flight = aFlight('k');
    table.add(aFlight('k'));
    expect(table.delete(flight)).toBe(false);
    table.add(flight);
    expect([table.delete(flight), table.delete(flight), table.size]).toEqual([true, false, 1]);
  });

  it('keeps no flight that has left through one that stands', () => {
    const table = new FlightTable();
    const [first, second] = [aFlight(`A${END}`), aFlight(`B${END}`)];
    table.add(first);
    table.add(second);
    table.delete(second);
    expect(second.next).toBeNull();
  });
});
