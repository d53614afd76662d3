import { describe, expect, it } from '@jest/globals';
import { Keyspace } from '../../../lib/keys/keyspace.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { Endpoints } from '../../../lib/stores/redis/endpoints.js';
import { KnownPositions } from '../../../lib/stores/redis/known-positions.js';
import { RedisNode } from '../../../lib/stores/redis/redis-node.js';
import { FakeClock, gate, settle } from '../../support/fake-clock.js';
import { FakeRedisClient, replyError } from '../../support/fake-redis-client.js';

const TRUST_MS = 1_000;
const POLL = { verb: 'poll', bucket: 0, keys: [], args: [] } as const;

/** A node on a server that stands at one position, and answers as the test says. */
function aNode(
  answers: {
    poll?: () => unknown;
    hmget?: () => unknown;
    get?: (args: readonly unknown[]) => unknown;
    mget?: (args: readonly unknown[]) => unknown;
    survey?: (args: readonly unknown[]) => unknown;
  } = {},
  bucketCount = 1,
) {
  const clock = new FakeClock();
  const endpoints = new Endpoints(clock, silentLogger);
  const server = { incarnation: 7, sequence: 3 };
  const positions = new KnownPositions(bucketCount);
  const client = new FakeRedisClient((name, args) => {
    if (name === 'hmget') return answers.hmget?.() ?? [`${server.incarnation}`, `${server.sequence}`, '1'];
    if (name === 'get') return answers.get?.(args) ?? null;
    if (name === 'mget') return answers.mget?.(args) ?? [null, null];
    if (name === 'survey') return answers.survey?.(args);
    return answers.poll?.() ?? [server.incarnation, server.sequence, 1, 1, 1, ''];
  });
  const keyspace = new Keyspace({ service: 'user', bucketCount, maxKeyLength: 200 });
  const node = new RedisNode(client.asRedis, {
    keyspace,
    positions,
    channelOf: () => 'user:~events',
    timeoutMs: 250,
    endpoints,
    trustMs: TRUST_MS,
    clock,
    isCluster: false,
    onRedirect: () => {},
  });
  return { clock, server, positions, client, node, read: async () => node.read(0, 'user:profile:1:json', false) };
}

describe('what a turn sends', () => {
  it('leaves in one write: functions and reads, in the order of one connection', async () => {
    const { node, client, read } = aNode();
    await node.invoke(POLL);
    await settle();
    client.writes.length = 0;
    await Promise.all([read(), node.invoke(POLL), read(), node.invoke(POLL)]);
    expect(client.writes).toEqual([['poll', 'poll', 'hmget', 'mget']]);
  });

  it('leaves earlier where a call waits for nothing, with what was sent before it', async () => {
    const { node, client } = aNode();
    await node.invoke(POLL);
    await settle();
    client.writes.length = 0;
    const full = { ...POLL, leavesAtOnce: true };
    await Promise.all([node.invoke(POLL), node.invoke(full), node.invoke(POLL), node.invoke(POLL)]);
    await settle();
    expect(client.writes).toEqual([
      ['poll', 'poll'],
      ['poll', 'poll'],
    ]);
  });

  it('holds nothing back on a connection that was made in this turn', async () => {
    const { node, client } = aNode();
    const corks = { old: 0, new: 0 };
    const streamOf = (name: keyof typeof corks) => ({
      ...client.stream,
      cork: () => void (corks[name] += 1),
      uncork: () => void (corks[name] = Math.max(0, corks[name] - 1)),
    });
    Object.assign(client, { stream: streamOf('old') });
    void node.invoke(POLL);
    Object.assign(client, { stream: streamOf('new') });
    await node.invoke({ ...POLL, leavesAtOnce: true });
    await settle();
    expect(corks).toEqual({ old: 0, new: 0 });
  });

  it('asks for a position once for the reads of all callbacks, as of requests that came at the same time', async () => {
    const { node, client, read } = aNode();
    await node.invoke(POLL);
    await settle();
    client.writes.length = 0;
    const reads: Promise<unknown>[] = [];
    for (let n = 0; n < 3; n++) {
      reads.push(read());
      await new Promise((resolve) => process.nextTick(resolve));
    }
    await Promise.all(reads);
    // the first does not wait for others
    expect(client.writes).toEqual([
      ['hmget', 'get'],
      ['hmget', 'mget'],
    ]);
  });
});

describe('reads of large values', () => {
  it('go in several commands of a write, each with the position before it', async () => {
    const values = (args: readonly unknown[]) => args.map(() => Buffer.alloc(16_384));
    const { node, client, read } = aNode({ mget: values });
    await node.invoke(POLL);
    await Promise.all([read(), read()]);
    client.writes.length = 0;
    await Promise.all(Array.from({ length: 9 }, read));
    expect(client.writes).toEqual([['hmget', 'mget', 'hmget', 'mget', 'hmget', 'get']]);
  });
});

describe('the reads of several buckets that leave in one write', () => {
  const readBoth = ({ node }: ReturnType<typeof aNode>) =>
    Promise.allSettled([0, 1].map((bucket) => node.read(bucket, `user:profile:${bucket}:json`, false)));

  it('have their deadline until all of them are answered', async () => {
    const all = aNode({ get: ([key]) => (String(key).includes(':1:') ? gate<unknown>().promise : null) }, 2);
    const reads = readBoth(all);
    await all.clock.advance(1_000);
    expect(await reads).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { message: expect.stringContaining('No answer within') } },
    ]);
  });

  it('and no longer', async () => {
    const all = aNode({}, 2);
    expect((await readBoth(all)).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    await all.clock.advance(1_000);
    expect(all.clock.pendingTimers).toBe(0);
  });
});

describe('a connection that closes under reads', () => {
  it.each(['Connection is closed.', 'write EPIPE'])('is silence, as under functions: %s', async (message) => {
    const { node, read } = aNode({
      hmget: () => Promise.reject(new Error(message)),
      get: () => Promise.reject(new Error(message)),
    });
    for (let n = 0; n < 3; n++) await read().catch(() => {});
    expect(node.refusal).toMatchObject({ message: expect.stringContaining('nothing is sent to it now') });
  });

  it('is no silence where the server refuses them', async () => {
    const { node, read } = aNode({ get: () => Promise.reject(replyError('WRONGTYPE of another program')) });
    for (let n = 0; n < 30; n++) await read().catch(() => {});
    expect(node.refusal).toBeNull();
  });
});

describe('calls that act on many keys', () => {
  const bulk = { verb: 'fence', bucket: 0, keys: [], args: [], weight: 1_000 } as const;

  it('go out some at a time, and the deadline of each begins when it is written', async () => {
    const answers = Array.from({ length: 7 }, () => gate<unknown>());
    let answered = 0;
    const { node, client, clock } = aNode({ poll: () => answers[answered++]!.promise });
    const calls = answers.slice(1).map(() => node.invoke(bulk));
    // few keys wait their turn as well
    calls.push(node.invoke({ ...bulk, weight: 1 }));
    for (const [n, answer] of answers.entries()) {
      await clock.advance(60);
      expect(client.writes.flat()).toHaveLength([4, 5, 6, 7, 7, 7, 7][n]!);
      answer.open([7, 3]);
      await settle();
    }
    await Promise.all(calls);
  });

  it('of which one is more than fits go alone, and one that fails makes room', async () => {
    const answer = gate<unknown>();
    const { node, client } = aNode({ poll: () => answer.promise });
    const calls = Array.from({ length: 3 }, () => node.invoke({ ...bulk, weight: 5_000 }));
    await settle();
    expect(client.writes).toEqual([['fence']]);
    answer.fail(replyError('ERR anything'));
    for (const call of calls) await expect(call).rejects.toThrow('ERR anything');
  });

  it('keep nobody waiting who acts on one key', async () => {
    const answer = gate<unknown>();
    const { node, client } = aNode({ poll: () => answer.promise });
    const calls = Array.from({ length: 5 }, () => node.invoke(bulk));
    const other = node.invoke(POLL);
    await settle();
    expect(client.writes.flat()).toEqual(['fence', 'fence', 'fence', 'fence', 'poll']);
    answer.open([7, 3, 1, 1, 1, '']);
    await Promise.all([...calls, other]);
  });
});

describe('the polls of one turn', () => {
  const pollOf = (bucket: number) => ({ verb: 'poll', bucket, keys: [], args: [] }) as const;

  it('are one call; each bucket of which the server knows something new is polled by itself after that', async () => {
    const { node, clock, client } = aNode({ survey: () => [1, [7, 3, 1, 1, 1, ''], null, [7, 9, 1, 1, 1, '']] }, 3);
    const polled = await Promise.all([0, 1, 2].map((bucket) => node.poll(pollOf(bucket))));
    expect(polled.map(([, sequence]) => sequence)).toEqual([3, 3, 9]);
    await settle();
    expect(client.writes).toEqual([['survey'], ['poll']]);
    expect([0, 1, 2].map((bucket) => node.isIdentified(bucket, clock.now()))).toEqual([true, true, true]);
  });

  it('of one bucket are one poll', async () => {
    const { node, client } = aNode();
    await Promise.all([node.poll(POLL), node.poll(POLL)]);
    expect(client.writes).toEqual([['poll']]);
  });

  it('go out one by one where the bucket that leads the call has moved', async () => {
    const moved = () => {
      throw replyError('MOVED 1 127.0.0.1:1');
    };
    const { node, client } = aNode({ survey: moved }, 2);
    await Promise.all([node.poll(pollOf(0)), node.poll(pollOf(1))]);
    await settle();
    expect(client.writes).toEqual([['survey'], ['poll', 'poll']]);
  });

  it('are refused together by a server that accepts no writes, which is not believed any more', async () => {
    const refused = () => {
      throw replyError('NOREPLICAS Not enough good replicas to write.');
    };
    const { node, clock } = aNode({ survey: refused }, 2);
    await node.invoke(POLL);
    const polls = [node.poll(pollOf(0)), node.poll(pollOf(1))];
    expect((await Promise.allSettled(polls)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(node.isIdentified(0, clock.now())).toBe(false);
  });
});

describe('a plain read counts', () => {
  it('only after a function was accepted, which it asks for itself in the same write', async () => {
    let isRefusing = true;
    const { node, clock, client, read } = aNode({
      poll: () => {
        if (isRefusing) throw replyError('ERR anything');
      },
    });
    expect((await read()).identified).toBe(false);
    await settle();
    isRefusing = false;
    client.writes.length = 0;
    expect((await read()).identified).toBe(true);
    expect(node.isIdentified(0, clock.now())).toBe(true);
    expect(client.writes).toEqual([['poll', 'hmget', 'get']]);
  });

  it('only for the bucket for which a function was accepted', async () => {
    const { node, clock } = aNode({}, 2);
    await node.invoke(POLL);
    expect([node.isIdentified(0, clock.now()), node.isIdentified(1, clock.now())]).toEqual([true, false]);
  });

  it('for as long as the connection is believed after the last function that was accepted, counted from its sending', async () => {
    const answer = gate<unknown>();
    let isSlow = true;
    const { node, clock, read } = aNode({
      poll: () => {
        if (isSlow) return answer.promise;
        throw replyError('ERR anything');
      },
    });
    const polled = node.invoke(POLL);
    await clock.advance(200);
    answer.open([7, 3, 1, 1, 1, '']);
    await polled;
    isSlow = false;
    await clock.advance(TRUST_MS - 200);
    expect((await read()).identified).toBe(true);
    await clock.advance(1);
    expect((await read()).identified).toBe(false);
  });

  it.each(['NOREPLICAS Not enough good replicas to write.', 'READONLY x', 'MISCONF x', 'LOADING x', 'MASTERDOWN x'])(
    'no more once a function was refused with %s, also when it was sent before',
    async (message) => {
      let isRefusing = false;
      const { node, read } = aNode({
        poll: () => {
          if (isRefusing) throw replyError(message);
        },
      });
      await node.invoke(POLL);
      isRefusing = true;
      const [, before] = await Promise.all([node.invoke(POLL).catch(() => {}), read()]);
      expect([before.identified, (await read()).identified]).toEqual([false, false]);
      isRefusing = false;
      await node.invoke(POLL);
      expect((await read()).identified).toBe(true);
    },
  );

  it('no more once a function that was sent before it was refused, however late the client hands that on', async () => {
    let isRefusing = false;
    const { node, client, read } = aNode({
      poll: () => {
        if (isRefusing) return Promise.reject(replyError('NOREPLICAS Not enough good replicas to write.'));
        return undefined;
      },
    });
    await node.invoke(POLL);
    isRefusing = true;
    // the reply to a read is handed on as it comes, that to a function some reactions later
    const answer = client.holdReplies();
    const refused = node.invoke(POLL).catch(() => {});
    const reading = read();
    await settle();
    answer();
    const [before] = await Promise.all([reading, refused]);
    expect(before.identified).toBe(false);
  });

  it('not by a function that was sent after it, where all replies come together (R9)', async () => {
    const { node, client, read } = aNode({ survey: () => [1, null, null] }, 2);
    const answer = client.holdReplies();
    node.identify(0);
    node.identify(1);
    const before = read();
    await new Promise((resolve) => process.nextTick(resolve));
    const evicted = node.invoke({ verb: 'evict', bucket: 0, keys: [], args: [] });
    await settle();
    expect(client.writes.flat()).toEqual(['survey', 'hmget', 'get', 'evict']);
    answer();
    expect((await before).identified).toBe(false);
    await evicted;
    expect((await read()).identified).toBe(true);
  });

  it.each(['OOM command not allowed', 'ERR anything'])(
    'after %s as before: that server accepts writes',
    async (message) => {
      let isRefusing = false;
      const { node, read } = aNode({
        poll: () => {
          if (isRefusing) throw replyError(message);
        },
      });
      await node.invoke(POLL);
      isRefusing = true;
      await node.invoke(POLL).catch(() => {});
      expect((await read()).identified).toBe(true);
    },
  );

  it('only when the reply came on the connection on which it was sent', async () => {
    const { node, clock, client, read } = aNode();
    await node.invoke(POLL);
    const answer = client.holdReplies();
    const sent = read();
    await settle();
    client.emit('close');
    answer();
    expect((await sent).identified).toBe(false);

    // nor where the new one is believed by then
    await node.invoke(POLL);
    const late = client.holdReplies();
    const before = read();
    await settle();
    client.emit('close');
    const accept = client.holdReplies();
    const polled = node.invoke(POLL);
    await settle();
    accept();
    await polled;
    late();
    expect((await before).identified).toBe(false);
    expect(node.isIdentified(0, clock.now())).toBe(true);
  });

  it('only from a sequence that is not below the one known when it was sent', async () => {
    const { node, client, clock, server, positions, read } = aNode();
    await node.invoke(POLL);
    positions.note(0, { incarnation: 7, sequence: 4 }); // a message
    const rolledBack = read();
    positions.note(0, { incarnation: 7, sequence: 9 });
    expect((await rolledBack).identified).toBe(false);
    expect(node.isIdentified(0, clock.now())).toBe(false);

    // what a function says is so: a message of nobody ours cannot keep hits away for ever
    await node.invoke(POLL);
    expect((await read()).identified).toBe(true);

    // known only since it was sent: the reply may be from before
    const answer = client.holdReplies();
    const sent = read();
    await settle();
    expect(client.writes.at(-1)).toEqual(['hmget', 'get']);
    positions.note(0, { incarnation: 7, sequence: server.sequence + 1 });
    answer();
    expect((await sent).identified).toBe(true);
  });

  it('only from a sequence that is not below that of an earlier read', async () => {
    const { node, clock, server, read } = aNode();
    await node.invoke(POLL);
    server.sequence = 9;
    expect((await read()).identified).toBe(true);
    server.sequence = 8;
    expect((await read()).identified).toBe(false);
    expect(node.isIdentified(0, clock.now())).toBe(false);
  });
});
