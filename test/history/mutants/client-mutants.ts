import { edit, type Mutant } from './mutant.js';
import { ABANDONED, SMALL_D } from './server-mutants.js';

const LOCAL = '--regions local,taggedLocal';
const TAGGED = '--regions tagged,taggedLocal';

const PLAIN_READ = 'return store.read(args).then(read.taken';

/** Asks for the position once more, some time after the value came. */
const ONCE_MORE = `this.taken.then(async () => {
  await new Promise((resolve) => setTimeout(resolve, 3));
  const M = this.context.keyspace.bucketKey(this.bucket);
  this.position = positionOf(await this.node.sender.send((client) => client.hmget(M, 'i', 'q', 'tq')));
})`;

/** Rules of the engine and of the driver. */
export const clientMutants: readonly Mutant[] = [
  {
    name: 'token per client',
    edits: [edit('cache/lease-look', 'token: nextToken(), beganAtMs', 'token: `client.${process.pid}`, beganAtMs')],
    options: '--regions local,tagged --keys 64 --write-pause 12 --short-ttl 60 --load-max 40',
  },
  { name: 'join after evict', edits: [edit('cache/reader', 'outcome.at >= arrivedAt', 'true')] },
  {
    name: 'L1 without a ticket',
    edits: [
      edit('cache/local-tier', 'ticket.isPoisoned || ', ''),
      // messages overtake the replies of reads, as they may between two connections
      edit(
        'cache/remote-tier',
        PLAIN_READ,
        PLAIN_READ.replace(
          '.then(',
          '.then((read) => new Promise<PlainRead>((resolve) => setTimeout(resolve, 5, read))).then(',
        ),
      ),
    ],
    options: SMALL_D,
  },
  {
    name: 'a flush leaves L1 and tickets',
    edits: [edit('cache/bucket-view', 'this.isKnown = false; this.epoch += 1;', 'this.isKnown = false;')],
    faults: ['drop 10 % of messages', 'drop all messages'],
    options: SMALL_D,
  },
  {
    name: 'a flush leaves tickets',
    edits: [edit('cache/local-tier', ' || ticket.epoch !== view.epoch', '')],
    onlyByModel: {
      rule: 'flushVoidsTickets',
      because:
        'the poll that ends a flush is answered on the connection of the reads, after all that were sent before it',
    },
  },
  {
    name: 'a gap in the messages is ignored',
    edits: [edit('cache/bucket-view', 'message.sequence !== this.sequence + 1', 'false')],
    faults: ['drop 10 % of messages'],
    options: SMALL_D,
  },
  {
    name: 'a poll proves whatever it says',
    edits: [edit('cache/bucket-view', 'this.sequence >= reply.sequence &&', '')],
    faults: ['drop all messages'],
    options: SMALL_D,
  },
  {
    name: 'L1 without D',
    edits: [edit('cache/local-tier', 'nowMs - view.verifiedAtMs > this.maxAgeMs', 'false')],
    faults: ['freeze a process'],
    options: `${LOCAL} --fault-pause 50-200 --max-age 300`,
  },
  {
    name: 'L1 forgets marks',
    edits: [edit('cache/local-tier', `view.judge(entry, entry.region) === 'dead'`, 'false')],
    options: TAGGED,
  },
  {
    name: 'own evictions leave L1',
    edits: [edit('cache/coherence', 'this.parts.localTier?.drop(entry); this.parts.tickets', 'this.parts.tickets')],
    faults: ['drop all messages', 'slow channel'],
    options: LOCAL,
  },
  {
    name: 'messages remove nothing',
    edits: [
      edit('cache/coherence', 'localTier?.invalidate(message.entry, message.sequence); tickets', 'void 0; tickets'),
    ],
    options: SMALL_D,
  },
  {
    name: 'own pending evictions are not bypassed',
    edits: [
      edit(
        'cache/pending-cover',
        'if (this.keys.size > 0 && this.keys.has(entry)) return true;',
        'if (entry) return false;',
      ),
    ],
    faults: ['kill data connections'],
    options: '--fault-pause 20-60',
  },
  {
    name: 'strict evict without a fence',
    edits: [
      edit(
        'cache/call-fences',
        'await this.remote.fence({ keys: some.map(({ key }) => key), fence: this.token, fenceMs, tombstoneMs });',
        '',
      ),
    ],
    options: ABANDONED,
  },
  {
    name: 'evictions of one call go one by one',
    edits: [
      edit(
        'cache/eviction-delivery',
        'if (fence === undefined) return this.line.send(part);',
        `if (fence === undefined) {
          for (const key of part.keys) await this.line.send({ ...part, keys: [key], marks: [] });
          if (part.marks.length > 0) await this.line.send({ ...part, keys: [] });
          return;
        }`,
      ),
    ],
    options: '--regions part,composed --keys 4 --load-max 6',
  },
  {
    name: 'plain read without identity',
    edits: [edit('cache/bucket-view', 'read.identified &&', '')],
    onlyByModel: {
      rule: 'plainReadNeedsIdentity',
      because:
        'the identifying poll is the first command of every connection, so that plain reads come after it; the flag is the second lock',
    },
  },
  {
    name: 'plain read of another incarnation',
    edits: [edit('cache/bucket-view', 'incarnation === this.incarnation || this.kept.includes(incarnation)', 'true')],
    faults: ['restart, older snapshot', 'rollback in place'],
    options: '--fault-pause 50-200',
  },
  {
    name: 'plain read without tq',
    edits: [edit('cache/bucket-view', 'position.markSequence === this.markSequence', 'true')],
    options: TAGGED,
    faults: ['drop all messages', 'slow channel'],
  },
  {
    name: 'plain read without tagFloor',
    edits: [edit('cache/bucket-view', `isBelowFloor && stamp <= this.tagFloor ? 'unknown' : 'alive'`, `'alive'`)],
    options: `${TAGGED} --fault-pause 50-200`,
    faults: ['drop all messages', 'drop 10 % of messages'],
  },
  {
    name: 'plain read without stamps',
    edits: [edit('cache/bucket-view', 'this.stampOf(`t:${tag}`) >= stamp', 'false')],
    options: TAGGED,
  },
  {
    name: 'position read after the value',
    edits: [edit('stores/redis/sent-reads', 'this.taken.then(act, act);', `${ONCE_MORE}.then(act, act);`)],
    options: `${SMALL_D} --fault-pause 10-50 --seconds 60`,
    faults: ['slightly slow channel'],
  },
  {
    name: 'messages without incarnation',
    edits: [edit('cache/bucket-view', 'message.incarnation !== this.incarnation || ', '')],
    onlyByModel: {
      rule: 'messagesCarryIncarnation',
      because: 'a message of the old server must arrive after the failover, with exactly the next sequence',
    },
  },
  {
    name: 'a poll proves its answer',
    edits: [
      edit(
        'cache/coherence',
        'if (view.prove(reply, marks, provenAtMs)) return true; if',
        'if (view.prove(reply, marks, clock.now())) return true; if',
      ),
    ],
    onlyByModel: {
      rule: 'pollProvesItsSending',
      because: 'the difference is one round trip out of D',
    },
  },
];
