import { describe, expect, it } from '@jest/globals';
import { Keyspace } from '../../../lib/keys/keyspace.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { Endpoints } from '../../../lib/stores/redis/endpoints.js';
import { KnownPositions } from '../../../lib/stores/redis/known-positions.js';
import { redirectOf } from '../../../lib/stores/redis/redis-errors.js';
import { RedisNode } from '../../../lib/stores/redis/redis-node.js';
import { FakeClock, gate, settle } from '../../support/fake-clock.js';
import { FakeRedisClient, replyError } from '../../support/fake-redis-client.js';

const TIMEOUT_MS = 250;
const POLL = { verb: 'poll', bucket: 0, keys: [], args: [] } as const;
const FENCE = { verb: 'fence', bucket: 0, keys: [], args: [] } as const;
const INFO = 'cluster_state:ok\r\n';
const NO_CLUSTER = 'ERR This instance has cluster support disabled';

/** A node of a Cluster whose server answers CLUSTER INFO as the test says. */
function aNode() {
  const clock = new FakeClock();
  const server = { membership: (): unknown => INFO };
  const client = new FakeRedisClient((name) => {
    if (name === 'cluster') return server.membership();
    if (name === 'hmget') return ['7', '3', '1'];
    if (name === 'get') return null;
    const reply = [7, 3, 1, 1, 1, ''];
    return name === 'survey' ? [1, reply, reply] : reply;
  });
  const node = new RedisNode(client.asRedis, {
    keyspace: new Keyspace({ service: 'user', bucketCount: 2, maxKeyLength: 200 }),
    positions: new KnownPositions(2),
    channelOf: () => 'user:~events',
    timeoutMs: TIMEOUT_MS,
    endpoints: new Endpoints(clock, silentLogger),
    trustMs: 60_000,
    clock,
    isCluster: true,
    onRedirect: () => {},
  });
  const refuse = (message: string) => (server.membership = () => Promise.reject(replyError(message)));
  const accept = () => (server.membership = () => INFO);
  /** The server hangs, and answers the questions asked so far when the test says so. */
  const hang = () => {
    const answer = gate<unknown>();
    server.membership = () => answer.promise;
    return answer;
  };
  /** What was sent since the last look, this turn's write included. */
  const sent = async () => {
    await settle();
    return client.writes.splice(0).flat();
  };
  const read = () => node.read(0, 'user:profile:1:json', false);
  return { clock, client, node, refuse, accept, hang, sent, read };
}

/** Lets a call end by its deadline. */
async function late(clock: FakeClock, call: Promise<unknown>): Promise<void> {
  const outcome = expect(call).rejects.toThrow('No answer within');
  await clock.advance(2 * TIMEOUT_MS);
  await outcome;
}

describe('before the first function on a connection', () => {
  it('its server says that it is of a Cluster, and nothing else is sent until it did', async () => {
    const { node, hang, sent } = aNode();
    const answer = hang();
    const fenced = node.invoke(FENCE);
    await settle();
    expect(await sent()).toEqual(['cluster']);
    answer.open(INFO);
    await fenced;
    expect(await sent()).toEqual(['fence']);
  });

  it('calls share one question, which is asked no more once it was answered', async () => {
    const { node, hang, sent } = aNode();
    const answer = hang();
    const calls = [node.invoke(FENCE), node.invoke(POLL), node.poll(POLL), node.poll({ ...POLL, bucket: 1 })];
    expect(await sent()).toEqual(['cluster']);
    answer.open(INFO);
    await Promise.all<unknown>(calls);
    expect((await sent()).sort()).toEqual(['fence', 'poll', 'survey']);
    await node.invoke(FENCE);
    expect(await sent()).toEqual(['fence']);
  });

  it('reads do not wait, and do not count', async () => {
    const { node, clock, hang, sent, read } = aNode();
    const answer = hang();
    const reading = read();
    await settle();
    expect(await sent()).toEqual(['cluster', 'hmget', 'get']);
    answer.open(INFO);
    expect((await reading).identified).toBe(false);
    await settle();
    expect(node.isIdentified(0, clock.now())).toBe(true);
    expect((await read()).identified).toBe(true);
  });
});

describe('a server that does not say that it is of a Cluster', () => {
  it.each([
    "NOPERM User u has no permissions to run the 'cluster|info' command",
    'LOADING Redis is loading the dataset in memory',
    'ERR anything',
  ])('runs no function, and is asked again by the next call: %s', async (message) => {
    const { node, client, refuse, accept, sent } = aNode();
    refuse(message);
    const calls = await Promise.allSettled([node.invoke(FENCE), node.invoke(POLL)]);
    expect(calls).toMatchObject([{ reason: { message } }, { reason: { message } }]);
    expect(await sent()).toEqual(['cluster']);
    await expect(node.invoke(FENCE)).rejects.toThrow(message);
    expect(await sent()).toEqual(['cluster']);
    accept();
    await node.invoke(FENCE);
    expect(await sent()).toEqual(['cluster', 'fence']);
    expect([client.disconnects, node.refusal]).toEqual([0, null]);
  });

  it('runs no function where it is of none, and its connection is ended: another server owns the bucket', async () => {
    const { node, client, refuse, sent } = aNode();
    refuse(NO_CLUSTER);
    const error: unknown = await node.invoke(FENCE).catch((caught: unknown) => caught);
    expect(redirectOf(error)).toBe('owner');
    expect(await sent()).toEqual(['cluster']);
    expect(client.disconnects).toBe(1);
  });
});

describe('a new connection', () => {
  it('is not believed for what the one before it said', async () => {
    const { node, client, clock, refuse, sent, read } = aNode();
    await node.invoke(POLL);
    expect((await read()).identified).toBe(true);
    await sent();
    client.emit('close');
    refuse(NO_CLUSTER);
    await expect(node.invoke(FENCE)).rejects.toThrow(NO_CLUSTER);
    expect(await sent()).toEqual(['cluster']);
    expect((await read()).identified).toBe(false);
    await settle();
    expect(node.isIdentified(0, clock.now())).toBe(false);
    expect(await sent()).not.toContain('poll');
  });

  it('is asked also where the question to the one before is answered only now', async () => {
    const { node, client, refuse, hang, sent } = aNode();
    const answer = hang();
    const fenced = node.invoke(FENCE);
    await settle();
    client.emit('close');
    refuse(NO_CLUSTER);
    answer.open(INFO);
    await expect(fenced).rejects.toThrow(NO_CLUSTER);
    expect(await sent()).toEqual(['cluster', 'cluster']);
  });
});

describe('a question that is not answered in time', () => {
  it('fails the calls that wait for it', async () => {
    const { node, clock, hang, sent } = aNode();
    hang();
    await late(clock, Promise.all([node.invoke(FENCE), node.poll(POLL)]));
    expect(await sent()).toEqual(['cluster']);
  });

  it('is one silence for the circuit, however many calls wait for it; three in a row open it', async () => {
    const { node, clock, hang, sent } = aNode();
    hang();
    for (let n = 0; n < 3; n++) {
      expect(node.refusal).toBeNull();
      await late(clock, Promise.all(Array.from({ length: 5 }, () => node.invoke(FENCE))));
    }
    expect(node.refusal).toMatchObject({ message: expect.stringContaining('nothing is sent to it now') });
    expect(await sent()).toEqual(['cluster', 'cluster', 'cluster']);
  });

  it('is asked of a silent server by polls alone, and the first that is answered closes the circuit', async () => {
    const { node, clock, hang, accept, sent } = aNode();
    const answer = hang();
    for (let n = 0; n < 3; n++) await late(clock, node.invoke(FENCE));
    answer.open(INFO);
    await settle();
    accept();
    await sent();
    await expect(node.invoke(FENCE)).rejects.toThrow('nothing is sent to it now');
    expect(await sent()).toEqual([]);
    await node.invoke(POLL);
    expect(await sent()).toEqual(['cluster', 'poll']);
    expect(node.refusal).toBeNull();
  });

  it('proves nothing when the answer comes after that', async () => {
    const { node, clock, hang, accept, sent } = aNode();
    const answer = hang();
    await late(clock, node.invoke(FENCE));
    accept();
    answer.open(INFO);
    await settle();
    expect(await sent()).toEqual(['cluster']);
    await node.invoke(FENCE);
    expect(await sent()).toEqual(['cluster', 'fence']);
  });

  it('counts as silence all the same when the answer comes after that', async () => {
    const { node, clock, hang } = aNode();
    for (let n = 0; n < 3; n++) {
      const answer = hang();
      await late(clock, node.invoke(FENCE));
      answer.open(INFO);
      await settle();
    }
    expect(node.refusal).not.toBeNull();
  });
});
