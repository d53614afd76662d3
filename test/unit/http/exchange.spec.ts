import { describe, expect, it } from '@jest/globals';
import type { HttpServer } from '@nestjs/common';
import { Exchange } from '../../../lib/http/exchange.js';

const adapter = { getRequestMethod: () => 'GET' } as unknown as HttpServer;

function authorityOf(host: string, localPort: number): string {
  const request = { headers: {}, host, raw: { socket: { localPort } } } as unknown as Exchange['request'];
  return new Exchange(adapter, request, {} as Exchange['response']).authority;
}

describe('the host of a key', () => {
  it('has a port that is no port of the server itself, in any order of requests', () => {
    const asked: [string, number][] = [
      ['A.example:3000', 3000],
      ['a.example:3000', 3000],
      ['a.example:3000', 4000],
      ['a.example:3000', 3000],
      ['a.example:4000', 4000],
      ['b.example', 4000],
      ['a.example:13000', 3000],
    ];
    expect(asked.map((one) => authorityOf(...one))).toEqual([
      'a.example:self',
      'a.example:self',
      'a.example:3000',
      'a.example:self',
      'a.example:self',
      'b.example',
      'a.example:13000',
    ]);
  });
});
