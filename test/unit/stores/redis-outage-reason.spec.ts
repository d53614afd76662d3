import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { outageReason } from '../../../lib/stores/redis/outage-reason.js';

const clientThat = (status: string) => ({ status, options: { host: 'cache', port: 6379 } }) as unknown as Redis;

describe('the reason of an outage', () => {
  it('is a guess while the server has yet to answer the handshake', () => {
    expect(outageReason(null, clientThat('connect'), null)).toMatchObject({ isGuess: true });
  });

  it.each([
    ['the server said it', new Error('WRONGPASS invalid'), 'connect'],
    ['the socket said it', new Error('connect ECONNREFUSED'), 'reconnecting'],
    ['the connection is closed', null, 'reconnecting'],
  ])('is none where %s', (_, error, status) => {
    expect(outageReason(error, clientThat(status), null)).not.toHaveProperty('isGuess');
    expect(outageReason(null, clientThat(status), error)).not.toHaveProperty('isGuess');
  });
});
