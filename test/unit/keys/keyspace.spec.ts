import { describe, expect, it } from '@jest/globals';
import { crc16 } from '../../../lib/keys/crc16.js';
import { Keyspace } from '../../../lib/keys/keyspace.js';

const single = new Keyspace({ service: 'user', bucketCount: 1, maxKeyLength: 100 });
const cluster = new Keyspace({ service: 'user', bucketCount: 256, maxKeyLength: 100 });

describe('Keyspace', () => {
  it('names keys by service, region, identifier and attribute', () => {
    expect(single.key('profile', '9876', 'json')).toEqual({ entry: 'user:profile:9876:json', bucket: 0 });
  });

  it('names the bucket in a hash tag on Cluster, so that its keys share a slot', () => {
    const { entry, bucket } = cluster.key('profile', '9876', 'json');
    expect(entry).toBe(`{user.${bucket}}:profile:9876:json`);
    expect(bucket).toBe(crc16('profile:9876:json') % 256);
    expect(cluster.bucketKey(bucket)).toBe(`{user.${bucket}}:~m`);
    expect(cluster.collectKey(bucket)).toBe(`{user.${bucket}}:~g`);
  });

  it('spreads keys over all buckets', () => {
    const buckets = new Set(
      Array.from({ length: 5_000 }, (_, id) => cluster.key('profile', String(id), 'json').bucket),
    );
    expect(buckets.size).toBe(256);
  });

  it.each([single, cluster])('makes by region what it makes key by key', (keyspace) => {
    const keyOf = keyspace.keysOf('profile', 'json');
    for (const identifier of ['9876', '', 'a:b', 'x'.repeat(100), 'x'.repeat(101)]) {
      expect(keyOf(identifier)).toEqual(keyspace.key('profile', identifier, 'json'));
    }
  });

  it('ends what is too long in a digest, and keeps its beginning', () => {
    const [a, b] = [
      single.key('r', `${'x'.repeat(1_000_000)}a`, 'json'),
      single.key('r', `${'x'.repeat(1_000_000)}b`, 'json'),
    ];
    expect(a.entry).toMatch(/^user:r:x{56}~[\w-]{43}:json$/);
    expect(a.entry).not.toBe(b.entry);
    expect(single.key('r', 'x'.repeat(100), 'json').entry).not.toContain('~');
  });

  it('keeps the names of its own apart from keys of values', () => {
    const names = [
      single.bucketKey(0),
      single.collectKey(0),
      single.channelOf(0),
      Keyspace.sideKey(single.key('r', '1', 'json').entry),
    ];
    expect(names).toEqual(['user:~m', 'user:~g', 'user:~events', 'user:r:1:json~']);
  });
});

describe('crc16', () => {
  it('is the function of the Cluster specification', () => {
    expect(crc16('123456789')).toBe(0x31c3);
    expect(crc16('')).toBe(0);
    expect(crc16('Größe')).toBe(crc16(Buffer.from('Größe').toString()));
  });
});
