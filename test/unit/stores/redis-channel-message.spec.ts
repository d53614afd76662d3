import { describe, expect, it } from '@jest/globals';
import { parseChannelMessage } from '../../../lib/stores/redis/channel-message.js';

const I = '1790000000000001';

describe('channel message', () => {
  it.each([
    [`3|${I}|8|E|user:profile:9876:json`, { kind: 'entry', bucket: 3, sequence: 8, entry: 'user:profile:9876:json' }],
    [`0|${I}|9|F|`, { kind: 'flush', bucket: 0, sequence: 9 }],
    [`0|${I}|10|T|5|t:org%2c5`, { kind: 'mark', bucket: 0, sequence: 10, mark: 't:org,5', stamp: 5 }],
    [`0|${I}|10|T|6|r:profile`, { kind: 'mark', bucket: 0, sequence: 10, mark: 'r:profile', stamp: 6 }],
    [`0|${I}|10|T|7|*`, { kind: 'mark', bucket: 0, sequence: 10, mark: '*', stamp: 7 }],
  ])('is understood: %s', (text, message) => {
    expect(parseChannelMessage(text, 4)).toEqual({ ...message, incarnation: Number(I) });
  });

  it('wakes without a sequence', () => {
    expect(parseChannelMessage(`1|${I}|-|W|user:a:1:json`, 4)).toEqual({
      kind: 'wake',
      bucket: 1,
      entry: 'user:a:1:json',
    });
  });

  it.each([
    '',
    'user:profile:9876',
    `4|${I}|8|E|a`,
    `-1|${I}|8|E|a`,
    `x|${I}|8|E|a`,
    '0|99999999999999999|8|E|a',
    '0|9007199254740991|8|E|a',
    `0|${I}|-|E|a`,
    `0|${I}|8.5|E|a`,
    `0|${I}|8|E|`,
    `0|${I}|8|E`,
    `0|${I}|8|W|`,
    `0|${I}|8|F|more`,
    `0|${I}|8|T|t:a`,
    `0|${I}|8|T|5|a`,
    `0|${I}|8|T|x|t:a`,
    `0|${I}|8|Z|a`,
    '|||||',
  ])('is not understood: %j', (text) => {
    expect(parseChannelMessage(text, 4)).toBeNull();
  });
});
