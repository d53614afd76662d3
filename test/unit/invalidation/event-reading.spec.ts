import { describe, expect, it } from '@jest/globals';
import { readEvent } from '../../../lib/invalidation/event-reading.js';

const updated = { type: 'UserUpdated', userId: 9876, timestamp: '2026-03-16T08:45:12Z' };
const at = Date.UTC(2026, 2, 16, 8, 45, 12);

describe('an event is read', () => {
  it.each<[string, unknown]>([
    ['parsed', updated],
    ['as text', JSON.stringify(updated)],
    ['as bytes', Buffer.from(JSON.stringify(updated))],
    ['in an envelope', { id: 'a', payload: updated }],
    ['in an envelope, as text', { id: 'a', data: JSON.stringify(updated) }],
    ['in an envelope of text', JSON.stringify({ schema: {}, payload: JSON.stringify(updated) })],
  ])('%s', (_name, payload) => {
    expect(readEvent(payload, 'type')).toEqual({ event: updated, type: 'UserUpdated', timestampMs: at });
  });

  it('with the type of the envelope, where that has one', () => {
    const cloudEvent = { specversion: '1.0', type: 'UserUpdated', time: '2026-03-16T08:45:12Z', data: { userId: 1 } };
    expect(readEvent(cloudEvent, 'type')).toEqual({ event: cloudEvent, type: 'UserUpdated', timestampMs: at });
  });

  it('with its type in another field, or inside one', () => {
    expect(readEvent({ eventType: 'X' }, 'eventType').type).toBe('X');
    expect(readEvent({ meta: { name: 'X' } }, 'meta.name').type).toBe('X');
  });

  it('without a type', () => {
    expect(readEvent({ userId: 1 }, 'type')).toEqual({ event: { userId: 1 }, type: null, timestampMs: null });
  });

  it.each([[''], [7], [null], [{ a: 1 }], ['__proto__']])('with the type %j as none', (type) => {
    expect(readEvent({ type }, 'type').type).toBe(type === '__proto__' ? type : null);
  });

  it('never by what it inherits', () => {
    expect(readEvent({}, 'constructor.name').type).toBeNull();
  });

  it.each([
    [1_773_650_712_000, 1_773_650_712_000],
    [1_773_650_712, null],
    ['yesterday', null],
    ['1969-12-31T00:00:00Z', null],
    [undefined, null],
  ])('with the time %j as %j', (timestamp, expected) => {
    expect(readEvent({ type: 'X', timestamp }, 'type').timestampMs).toBe(expected);
  });
});

it.each<[string, unknown, RegExp]>([
  ['nothing', '', /is empty/],
  ['no bytes', Buffer.alloc(0), /is empty/],
  ['broken JSON', '{"type":"UserUpd', /is not JSON \(16 characters\)/],
  ['bytes of another format', Buffer.from([0, 0, 0, 0, 7, 250]), /is not JSON/],
  ['a number', '42', /is a number, not an object/],
  ['null', 'null', /is null, not an object/],
  ['a list', [updated], /is an array of 1, not an object/],
])('refuses %s, and quotes nothing of it', (_name, payload, reason) => {
  expect(() => readEvent(payload, 'type')).toThrow(reason);
  expect(() => readEvent(payload, 'type')).toThrow(/RC_INVALID_EVENT/);
});
