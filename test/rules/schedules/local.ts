import { settle } from '../../support/fake-clock.js';
import type { ChannelMessage } from '../../../lib/stores/channel.js';
import { largerElapsed } from '../../../lib/shared/clock.js';
import { D_MS, type Scene } from '../scene.js';
import { promised, type Schedule } from '../schedule.js';
import type { Instance } from '../../support/a-cache.js';

const G2 = 'a read more than D after an acknowledged eviction (G2)';
const G3 = 'a read after an eviction of its own process (G3)';

/** Time enough for D to be over, with polls that find nothing amiss where nothing is. */
const AFTER_D_MS = 1_100;

/** One instance holds version 1 in L1, another evicts it. */
async function heldByB(scene: Scene, tags?: readonly string[]): Promise<[Instance, Instance]> {
  const [a, b] = await scene.pair();
  await scene.read(a, tags && { tags });
  await scene.read(b, tags && { tags });
  return [a, b];
}

/** L1: what enters it, what proves it, what ends it. */
export const localSchedules: readonly Schedule[] = [
  {
    convicts: ['L1 without a ticket'],
    name: 'a reply that an eviction overtook does not enter L1',
    async run(scene) {
      const [a, b] = await scene.pair();
      await scene.read(a);
      const reply = b.faults.holdNextReply('read');
      const early = scene.read(b);
      await settle();
      scene.version = 2;
      await scene.evict(a);
      await settle();
      reply.open();
      await early;
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a flush leaves L1 and tickets'],
    name: 'L1 is given up when a message turns out to be missing',
    async run(scene) {
      const [a, b] = await heldByB(scene);
      b.channel.loses = () => true;
      scene.version = 2;
      await scene.evict(a);
      await settle();
      b.channel.loses = () => false;
      await scene.evict(a, 7);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a flush leaves tickets'],
    name: 'a reply that was under way when a message turned out to be missing does not enter L1',
    async run(scene) {
      const [a, b] = await scene.pair();
      await scene.read(a);
      const reply = b.faults.holdNextReply('read');
      const early = scene.read(b);
      await settle();
      b.channel.loses = () => true;
      scene.version = 2;
      await scene.evict(a);
      await settle();
      b.channel.loses = () => false;
      await scene.evict(a, 7);
      await settle();
      reply.open();
      await early;
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a gap in the messages is ignored'],
    name: 'a message that follows a lost one is not taken as the next',
    async run(scene) {
      const [a, b] = await heldByB(scene);
      b.channel.loses = (message) => message.kind === 'entry' && message.entry.includes(':1:');
      scene.version = 2;
      await scene.evict(a);
      await scene.evict(a, 7);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a poll proves whatever it says'],
    name: 'a poll that counted more than what arrived ends L1',
    async run(scene) {
      const [a, b] = await heldByB(scene);
      b.channel.loses = () => true;
      scene.version = 2;
      await scene.evict(a);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['L1 without D'],
    name: 'L1 serves nothing when no poll was answered for D',
    async run(scene) {
      const [a, b] = await heldByB(scene);
      b.channel.loses = () => true;
      scene.withoutPolls(b);
      scene.version = 2;
      await scene.evict(a);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a poll proves its answer'],
    name: 'a poll proves what was when it was sent, however late its answer comes',
    async run(scene) {
      const [a, b] = await heldByB(scene);
      b.channel.loses = () => true;
      const answer = b.faults.holdNextReply('poll');
      // the next regular poll is sent, and hangs
      await scene.pass(POLLED_MS);
      scene.version = 2;
      await scene.evict(a);
      await scene.pass(800);
      scene.withoutPolls(b);
      answer.open();
      await settle();
      await scene.pass(300);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['L1 forgets marks'],
    name: 'a tag that was evicted ends what L1 holds under it',
    async run(scene) {
      const tags = ['t'];
      const [a] = await heldByB(scene, tags);
      scene.version = 2;
      await a.cache.evictTags(tags);
      promised(2, await scene.read(a, { tags }), G3);
    },
  },
  {
    convicts: ['own evictions leave L1'],
    name: 'an eviction ends what the own L1 holds, without a message',
    async run(scene) {
      const [a] = await heldByB(scene);
      a.channel.loses = () => true;
      scene.version = 2;
      await scene.evict(a);
      promised(2, await scene.read(a), G3);
    },
  },
  {
    convicts: ['messages remove nothing'],
    name: 'the message of an eviction ends what L1 holds',
    async run(scene) {
      const [a, b] = await heldByB(scene);
      scene.version = 2;
      await scene.evict(a);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['messages without incarnation'],
    name: 'a message of the server from before is not taken for the next one of this server',
    async run(scene) {
      const [a, b] = await heldByB(scene);
      const { server } = scene.world;
      const before = server.dump();
      const late: ChannelMessage[] = [];
      b.channel.loses = (message) => late.push(message) > 0;
      // invalidations that the server forgets, and whose messages come late
      for (const key of [7, 8, 9, 10]) await scene.evict(a, key);
      server.rollBack(before);
      await settle();
      b.channel.loses = () => false;
      // b goes on with the new incarnation
      await scene.evict(b, 7);
      await scene.pass(300);
      await scene.read(a);
      await scene.read(b);
      // the next one is lost, and the old message that bears its number arrives
      b.channel.loses = (message) => message.kind === 'entry';
      scene.version = 2;
      await scene.evict(a);
      await settle();
      const sequence = server.bucket(0).sequence;
      b.channel.deliver(late.find((message) => message.kind === 'entry' && message.sequence === sequence)!);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a poll of another incarnation proves'],
    name: 'a poll of a server that began anew proves nothing, however few invalidations it counts',
    async run(scene) {
      const [a, b] = await scene.pair();
      const { server } = scene.world;
      const before = server.dump();
      await a.cache.evictTags(['other']);
      await a.cache.evictTags(['other']);
      await scene.evict(a, 7);
      await settle();
      await scene.read(a);
      await scene.read(b);
      b.channel.loses = () => true;
      server.rollBack(before);
      scene.version = 2;
      await scene.evict(a);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a message begins an incarnation'],
    name: 'the first message of a server that began anew proves nothing of what came before it',
    async run(scene) {
      const [a, b] = await scene.pair();
      const { server } = scene.world;
      const before = server.dump();
      await a.cache.evictTags(['other']);
      await a.cache.evictTags(['other']);
      await settle();
      await scene.read(a);
      await scene.read(b);
      b.channel.loses = () => true;
      server.rollBack(before);
      scene.version = 2;
      await scene.evict(a);
      await settle();
      b.channel.loses = () => false;
      await scene.evict(a, 7);
      await scene.pass(AFTER_D_MS);
      promised(2, await scene.read(b), G2);
    },
  },
  {
    convicts: ['a clock that stands still is believed'],
    name: 'L1 serves nothing that was proven before the machine stood still for longer than D',
    async run(scene) {
      const { clock } = scene.world;
      let stoodStillMs = 0;
      const monotonic = clock.now.bind(clock);
      clock.now = largerElapsed(monotonic, () => monotonic() + stoodStillMs);
      const [a, b] = await heldByB(scene);
      b.channel.loses = () => true;
      scene.version = 2;
      await scene.evict(a);
      stoodStillMs += 10 * D_MS;
      // the running time in which it is noticed
      await scene.pass(1);
      promised(2, await scene.read(b), G2);
    },
  },
];

/** A regular poll is sent within this, ms. */
const POLLED_MS = 260;
