import { lua, type Mutant } from './mutant.js';

const EVENTS = '--regions event,eventLocal';
const EVENTS_ONLY = `${EVENTS} --keys 4 --mix events`;
const TAGGED = '--regions tagged,taggedLocal';
/** Stale entries of L1 live long enough to be seen: few writes, and a small D. */
export const SMALL_D =
  '--regions local,taggedLocal --max-age 150 --keys 64 --write-pause 40 --load-max 4 --load-tail 20';
const ONE_KEY = '--keys 4';
const ROLLBACKS = ['rollback in place', 'restart, older snapshot'];
/** Many writes go no further after their commit. */
export const ABANDONED = '--regions exact --keys 8 --abandon 0.03 --fence 800 --load-max 3';

/** Rules of the function library. */
export const serverMutants: readonly Mutant[] = [
  {
    name: 'blind fill',
    edits: [
      lua('fill', `if not isHolder then return 'L' end`, ''),
      lua('fill', `if not ls or li ~= m.i then refused = 'I'`, `ls = ls or m.c + 1\n  if false then`),
    ],
  },
  { name: 'evict keeps the lease', edits: [lua('evict', `clearLease(s)\n      countWrite`, 'countWrite')] },
  {
    name: 'tags stamped at fill',
    edits: [lua('fill', 'e.newest >= ls', 'false'), lua('fill', 'else write(m, V, ls,', 'else write(m, V, m.c + 1,')],
    options: TAGGED,
  },
  {
    name: 'a stamp that equals the lease stamp voids nothing',
    edits: [
      lua('entries', 'newestStamp(m, marksOf(region, v.tags)) < v.s', 'newestStamp(m, marksOf(region, v.tags)) <= v.s'),
      lua('fill', 'e.newest >= ls', 'e.newest > ls'),
    ],
    options: TAGGED,
  },
  {
    name: 'fill checks no version',
    edits: [lua('fill', `elseif e.version ~= '' and isOlder(e.version, s.tv) then refused = 'V'`, '')],
    onlyByModel: {
      rule: 'fillChecksTombstone',
      because:
        'an eviction by version clears the lease unless a newer entry stands, so only an eviction of that entry and a load from before both leave a late fill',
    },
  },
  {
    name: 'GETL leases under a fence',
    edits: [lua('read-or-lease', 'if isFenced(m, V, fence) or', 'if')],
    options: ABANDONED,
  },
  {
    name: 'one fence per key',
    edits: [lua('fence', 'f.list[#f.list + 1] = own', 'f.list = { own }')],
    options: `${ABANDONED} ${ONE_KEY} --writers 8 --abandon 0.05 --fence 400 --longest-write 60`,
  },
  {
    name: 'evict clears fences',
    edits: [lua('evict', 'countWrite(m, V)', `redis.call('HDEL', m.key, 'f:' .. V)`)],
    options: ABANDONED,
  },
  {
    name: 'a fence over a fence counts as alone',
    edits: [lua('fence', `count = #f.list == 0 and text(f.w) or '-'`, 'count = text(f.w)')],
    options: ABANDONED,
  },
  {
    name: 'put without fence',
    edits: [
      lua(
        'put',
        'if own and own.count == text(f.w)',
        'own = own or { fs = stamp, fi = m.i }\n    if (true or own.count == text(f.w))',
      ),
    ],
    options: ONE_KEY,
  },
  {
    name: 'fenced put ignores what wrote the key since',
    edits: [lua('put', 'own.count == text(f.w) and', '')],
    options: ONE_KEY,
  },
  {
    name: 'fenced put ignores tags since its fence',
    edits: [
      lua('put', 'newestStamp(m, e.marks) < own.fs', 'true'),
      lua('put', `outcome, stamp = 'stored', own.fs`, `outcome, stamp = 'stored', m.c + 1`),
    ],
    options: `${ONE_KEY} ${TAGGED}`,
  },
  {
    name: 'fenced put ignores a change of incarnation',
    edits: [lua('put', 'and own.fi == m.i ', '')],
    onlyByModel: {
      rule: 'putChecksFenceIncarnation',
      because: 'the fence must survive a rollback that takes back another write of the same key',
    },
  },
  {
    name: 'fenced put forgets the version',
    edits: [lua('put', `(version == '' or not isOlder(version, known))`, 'true')],
    onlyByModel: {
      rule: 'fencedPutChecksVersion',
      because: 'a put is fenced and versioned at once only in regions that use tags, whose events are evictions',
    },
  },
  {
    name: 'put keeps the lease',
    edits: [lua('put', `clearLease(s)\n  if #f.list`, 'if #f.list')],
    options: EVENTS_ONLY,
  },
  {
    name: 'put forgets newer entries',
    edits: [lua('put', 'if v and isOlder(version, v.version) then', 'if false then')],
    onlyByModel: {
      rule: 'putKeepsNewerEntry',
      because:
        'whatever acknowledged the newer version left a tombstone as well; an entry that was only filled was promised to nobody',
    },
  },
  {
    name: 'put forgets the tombstone',
    edits: [lua('put', 'elseif not isOlder(version, s.tv) and', 'elseif true and')],
    options: EVENTS_ONLY,
  },
  {
    name: 'event put without version',
    edits: [
      lua('put', 'if v and isOlder(version, v.version) then', 'if false then'),
      lua('put', 'elseif not isOlder(version, s.tv) and', 'elseif true and'),
    ],
    options: EVENTS_ONLY,
  },
  {
    name: 'put ignores evictions without a version (tx)',
    edits: [lua('put', 'isYoung(m, s.tx, tombMs) or ', '')],
    options: `${EVENTS} ${ONE_KEY} --mix events-and-evictions`,
  },
  {
    name: 'put ignores marks (tt)',
    edits: [
      lua(
        'put',
        `or isYoung(m, m.tt, tombMs) or isYoung(m, whole(redis.call('HGET', m.key, 'tt:' .. e.region)), tombMs) `,
        '',
      ),
    ],
    options: `${EVENTS} ${ONE_KEY} --mix events-and-clears`,
  },
  {
    name: 'put ignores a young incarnation',
    edits: [lua('put', 'or isYoung(m, m.i, tombMs)', '')],
    options: `${EVENTS_ONLY} --fault-pause 20-200`,
    faults: ['FLUSHALL', ...ROLLBACKS],
  },
  {
    name: 'put ignores fences',
    edits: [lua('put', 'and #f.list == 0 ', '')],
    onlyByModel: {
      rule: 'putChecksFences',
      because: 'a fence counts as a young invalidation (tx) for longer than it stands, which refuses the put as well',
    },
  },
  {
    name: 'refused put drops only',
    edits: [lua('put', `elseif outcome == 'refused' then redis.call('DEL', V) end`, 'end')],
    options: `${EVENTS} ${ONE_KEY}`,
  },
  {
    name: 'evict by version leaves no tombstone',
    edits: [lua('evict', 'else noteVersion(m, s, version, tombMs) end', 'end')],
    options: EVENTS_ONLY,
  },
  {
    name: 'no server identity',
    edits: [lua('identity', 'if not b or seen[b] ~= m.q or known > m.i then', 'if not b then')],
    faults: ROLLBACKS,
    options: '--fault-pause 100-300',
  },
  {
    name: 'boot id only',
    edits: [lua('identity', 'seen[b] ~= m.q', 'seen[b] == nil')],
    faults: ['rollback in place'],
    options: '--fault-pause 50-200',
  },
  {
    name: 'no known incarnation',
    edits: [lua('identity', 'or known > m.i then', 'then')],
    onlyByModel: {
      rule: 'identityByCaller',
      because: 'a server that was never synchronised must come back with the very sequence that it remembers',
    },
  },
  {
    name: 'evictions are not counted',
    edits: [lua('identity', 'm.q = m.q + 1\n  redis.call', 'redis.call')],
    options: SMALL_D,
    faults: ['drop 10 % of messages'],
  },
  {
    name: 'marks are not counted',
    edits: [lua('marks', 'm.tq = m.tq + 1', '')],
    options: TAGGED,
    faults: ['drop all messages'],
  },
];
