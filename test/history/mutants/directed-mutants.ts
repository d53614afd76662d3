import { edit, lua, type Mutant } from './mutant.js';

/**
 * Rules that only directed schedules (test/rules) look for: live runs meet them too rarely, or another rule stands in
 * for them there.
 */

export const directedServerMutants: readonly Mutant[] = [
  { name: 'fills ignore holds', edits: [lua('fill', 'or isHeld(m, e.region, e.tags)', '')] },
  { name: 'fenced puts ignore holds', edits: [lua('put', 'and not isHeld(m, e.region, e.tags)', '')] },
  { name: 'versioned puts ignore holds', edits: [lua('put', `and not isHeld(m, e.region, '')`, '')] },
  {
    name: 'one hold per mark',
    edits: [lua('marks', 'elseif hold.owner == owner and own[hold.name] then', 'elseif own[hold.name] then')],
  },
  {
    name: 'holds are kept however many they are',
    edits: [lua('marks', 'if #parts + to - from >= MAX_HOLDS then', 'if false then')],
  },
  {
    name: 'reads ignore stamps',
    edits: [lua('entries', 'isKnown and newestStamp(m, marksOf(region, v.tags)) < v.s', 'isKnown')],
  },
  { name: 'stamps do not grow', edits: [lua('marks', 'm.c = m.c + 1', '')] },
  {
    name: 'collected stamps are forgotten',
    edits: [lua('fences', `if raised > floor then redis.call('HSET', m.key, '*', text(raised)) end`, '')],
  },
  { name: 'fill checks no incarnation', edits: [lua('fill', 'if not ls or li ~= m.i then', 'if not ls then')] },
  { name: 'soft evict keeps the lease', edits: [lua('soft-evict', 'clearLease(s)', '')] },
  {
    name: 'soft-evicted values stay fresh',
    edits: [
      lua(
        'soft-evict',
        `if v then redis.call('SETRANGE', V, v.offset, string.rep('0', v.width)) else redis.call('DEL', V) end`,
        `if not v then redis.call('DEL', V) end`,
      ),
    ],
  },
  {
    name: 'a fence whose time is over counts as standing',
    edits: [lua('fences', 'if now(m) < tonumber(till) then', 'if true then')],
  },
  {
    name: 'a fence invalidates as of its beginning',
    edits: [
      lua(
        'fence',
        'noteInvalidation(m, s, math.max(s.tx or 0, till),',
        'noteInvalidation(m, s, math.max(s.tx or 0, now(m)),',
      ),
    ],
  },
  { name: 'put needs no proof', edits: [lua('put', `elseif version ~= '' then if v`, 'else if v')] },
  {
    name: 'put raises no tombstone',
    edits: [
      lua(
        'put',
        `if version ~= '' then noteVersion(m, s, newer(known, version), tombMs) else`,
        `if version == '' then`,
      ),
    ],
  },
  {
    name: 'put forgets the version that stood',
    edits: [lua('put', 'noteVersion(m, s, newer(known, version), tombMs)', 'noteVersion(m, s, version, tombMs)')],
  },
  {
    name: 'a superseded eviction raises no tombstone',
    edits: [
      lua(
        'evict',
        'else noteVersion(m, s, version, tombMs) end',
        'elseif not (v and not isOlder(v.version, version)) then noteVersion(m, s, version, tombMs) end',
      ),
    ],
  },
  {
    name: 'a superseded eviction is not told',
    edits: [
      lua(
        'evict',
        `bump(m, 'E', V)`,
        `if not (version ~= '' and v and not isOlder(v.version, version)) then bump(m, 'E', V) end`,
      ),
    ],
  },
  {
    name: 'the release of a hold stamps nothing',
    edits: [
      lua(
        'mark',
        'local stamp = stampMarks(m, keys[2], tonumber(args[4]), args, 7, #args)',
        `local stamp = m.c
  if owner == '' or tonumber(args[6]) > 0 then stamp = stampMarks(m, keys[2], tonumber(args[4]), args, 7, #args) end`,
      ),
    ],
  },
  { name: 'sequence memory only', edits: [lua('identity', 'seen[b] ~= m.q', '(seen[b] and seen[b] ~= m.q)')] },
];

export const directedClientMutants: readonly Mutant[] = [
  { name: 'a lease does not hold L1 back', edits: [edit('cache/local-tier', '|| view.isHeldBack', '')] },
  {
    name: 'a fence does not hold L1 back',
    edits: [edit('cache/remote-tier', 'view.require(position);', '')],
  },
  {
    name: 'nothing but a lease holds L1 back',
    edits: [edit('cache/remote-tier', "reply.kind !== 'hit'", "reply.kind === 'lease'")],
  },
  {
    name: 'a plain read does not hold L1 back',
    edits: [edit('cache/plain-look', 'this.parts.coherence.view(call.key.bucket).require(read.position);', '{}')],
  },
  {
    name: 'L1 of another bucket needs no proof inside a load',
    edits: [edit('cache/load-scopes', 'view.verifiedAtMs > scope.beganAtMs', 'true')],
  },
  {
    name: 'a tainted load is filled',
    edits: [edit('cache/load-run', 'lease.isHeld && !isTainted', 'lease.isHeld')],
  },
  {
    name: 'a refused fill taints nothing',
    edits: [edit('cache/load-run', 'loadedAt(askedAt, take, null, true)', 'loadedAt(askedAt, take, null, false)')],
  },
  {
    name: 'a put takes what its call evicts',
    edits: [edit('cache/writer', '!evictsNothing || strict.length > 0 || puts.length > 1', 'false')],
  },
  {
    name: 'a hit counts as of its answer',
    edits: [
      edit(
        'cache/plain-look',
        'hits.hit(call, ticket, read.position!, entry, sentAt,',
        'hits.hit(call, ticket, read.position!, entry, this.parts.nextMoment(),',
      ),
    ],
  },
  {
    name: 'a stale value counts as of its serving',
    edits: [
      edit('cache/stale', `{ kind: 'value', at, source: 'stale',`, `{ kind: 'value', at: Infinity, source: 'stale',`),
    ],
  },
  {
    name: 'a late load has no ticket of its own',
    edits: [
      edit(
        'cache/load-run',
        'const ticket = tickets.take(key.entry, loading.ticket.epoch);',
        'const { ticket } = loading;',
      ),
      edit('cache/load-run', '.finally(() => tickets.giveBack(ticket));', ';'),
    ],
  },
  {
    name: 'a fill counts as of its answer',
    edits: [edit('cache/load-run', 'loadedAt(sentAt, ', 'loadedAt(nextMoment(), ')],
  },
  {
    name: 'a refused load counts as of its end',
    edits: [edit('cache/load-run', 'loadedAt(askedAt, take, null, true)', 'loadedAt(nextMoment(), take, null, true)')],
  },
  {
    name: 'a load that was not filled counts as of its begin',
    edits: [edit('cache/load-run', 'loading.askedAt ?? nextMoment()', 'nextMoment()')],
  },
  {
    name: 'a poll of another incarnation proves',
    edits: [edit('cache/bucket-view', 'reply.incarnation === this.incarnation && this.sequence', 'this.sequence')],
  },
  {
    name: 'a read of another incarnation of the bucket is trusted',
    edits: [
      edit('cache/bucket-view', 'position.incarnation === this.incarnation &&', ''),
      // who sees another incarnation asks anew at once: the first of two locks
      edit('cache/coherence', 'view.isKnown && position.incarnation !== view.incarnation', 'false'),
    ],
  },
  {
    name: 'a connection is believed for ever',
    edits: [
      edit(
        'stores/redis/identified-buckets',
        'return atMs - this.acceptedAtMs[bucket]! <= this.trustMs;',
        'return true;',
      ),
    ],
  },
  {
    name: 'a master that was cut off is believed',
    edits: [
      edit(
        'stores/redis/identified-buckets',
        'return atMs - this.acceptedAtMs[bucket]! <= this.trustMs;',
        'return true;',
      ),
      edit('stores/redis/node-functions', 'if (isWriteRefused(error)) lives.epoch += 1;', ''),
    ],
  },
  {
    name: 'a server that refuses writes is believed',
    edits: [edit('stores/redis/node-functions', 'if (isWriteRefused(error)) lives.epoch += 1;', '')],
  },
  {
    name: 'a position may go back',
    edits: [edit('stores/redis/sent-reads', 'if (isBehind(position, this.known))', 'if (false)')],
  },
  {
    name: 'own evictions tell no position',
    edits: [
      edit(
        'stores/redis/node-functions',
        'this.context.positions.settle(bucket, { incarnation, sequence }, known);',
        '',
      ),
    ],
  },
  {
    name: 'a group over several buckets goes in one round',
    edits: [
      edit(
        'cache/eviction-delivery',
        'return this.turns.run(buckets, () => this.inRounds(parts, suspects));',
        'await Promise.all(parts.map((part) => this.line.send(part))); return DELIVERED;',
      ),
    ],
  },
  {
    name: 'a hold that ended counts',
    edits: [
      edit(
        'cache/eviction-delivery',
        'if (!(await this.release(part, owner)))',
        'await this.release(part, owner); if (false)',
      ),
    ],
  },
  {
    name: 'a fence ends beside the evictions of its call',
    edits: [
      edit(
        'cache/call-writes',
        'const first = await this.evict([...after, ...loose], () => this.group([...after, ...this.fencedKeys]));',
        'const first = ACKNOWLEDGED as EvictionOutcome; void this.evict([...after, ...loose]);',
      ),
    ],
  },
  {
    name: 'GETL is sent twice, and the load does not wait for the second answer',
    edits: [
      edit('cache/lease-look', 'return ask().then(', 'const first = ask(); ask().catch(() => {}); return first.then('),
    ],
  },
  {
    name: 'an eviction goes before its method',
    edits: [
      edit(
        'interception/operation-runner',
        'const method = writes.length === 0 ? invoke :',
        'if (!late.areNone) await evictNow(late, undefined); const method = writes.length === 0 ? invoke :',
      ),
    ],
  },
  {
    name: 'a fence is shorter than its write',
    edits: [edit('cache/call-fences', `const fenceMs = longest(keys, 'fenceMs');`, 'const fenceMs = 1;')],
  },
  {
    name: 'a fence is set when the method has read',
    edits: [
      edit('cache/writer', 'await writes.begin();', ''),
      edit(
        'cache/writer',
        'await this.endOf(await writes.end(result, plan',
        'await writes.begin(); await this.endOf(await writes.end(result, plan',
      ),
    ],
  },
  {
    name: 'an answer from before lowers what is known',
    edits: [edit('stores/redis/known-positions', 'else this.note(bucket, said);', 'else this.highest[bucket] = said;')],
  },
  {
    name: 'a message begins an incarnation',
    edits: [
      edit(
        'cache/bucket-view',
        `if (message.incarnation !== this.incarnation || message.kind === 'flush') return this.lose(message);`,
        `if (message.incarnation !== this.incarnation) {
          this.incarnation = message.incarnation;
          this.sequence = message.sequence;
          return true;
        }`,
      ),
    ],
  },
  {
    name: 'a proof for the outermost load is one for all',
    edits: [
      edit('cache/load-run', 'beganAtMs, held, flight', 'beganAtMs: within?.beganAtMs ?? beganAtMs, held, flight'),
    ],
  },
  {
    name: 'who joins a read is not tainted by it',
    edits: [
      edit(
        'cache/reader',
        'if (outcome.isTainted || caller.scope?.takesLoadsOnly) scopes.taint(caller.scope, caller.moment);',
        '',
      ),
    ],
  },
  {
    name: 'the first of two rounds holds nothing',
    edits: [
      edit(
        'cache/eviction-delivery',
        'remote.fence({ keys: some.map(({ key }) => key), fence: owner, fenceMs: HOLD_MS, tombstoneMs })',
        'remote.evict({ keys: some.map(({ key }) => key), tombstoneMs })',
      ),
      // which its end would tell
      edit(
        'cache/eviction-delivery',
        'if (!(await this.release(part, owner)))',
        'await this.release(part, owner); if (false)',
      ),
    ],
  },
  {
    name: 'the journal keeps no groups',
    edits: [
      edit(
        'cache/evictions',
        'const delivered = this.journal.add(group, undelivered.keys());',
        `const delivered = Promise.all(group.parts.flatMap((part) => part.keys.map((key) =>
          this.journal.add({ ...group, parts: [{ ...part, keys: [key], marks: [] }] }, [part.bucket])))).then(() => {});`,
      ),
    ],
  },
  {
    name: 'a journal that overflows forgets',
    edits: [
      edit(
        'cache/eviction-journal',
        'this.follow(delivered, this.keep(clearOf(group.parts, group.tally), suspects, sinceMs));',
        'delivered.resolve();',
      ),
    ],
  },
  {
    name: 'an eviction that waits for others counts',
    edits: [
      edit(
        'cache/eviction-line',
        'await this.evict(batch.map(({ part }) => part));',
        'void this.evict(batch.map(({ part }) => part)).catch(() => {}); await Promise.resolve();',
      ),
    ],
  },
  {
    name: 'of two evictions of a key in one turn the last goes',
    edits: [
      edit(
        'cache/eviction-line',
        'byName.set(`${one.version} ${one.key.entry}`, one)',
        'byName.set(one.key.entry, one)',
      ),
    ],
  },
  {
    name: 'a put that a full server refuses counts',
    edits: [
      edit(
        'cache/call-writes',
        'region.counts.putsRefused += 1; return null;',
        `region.counts.putsRefused += 1; return 'stored';`,
      ),
    ],
  },
  {
    name: 'the key follows the codec',
    edits: [
      edit(
        'cache/engine-region',
        'parts.keyspace.keysOf(state.name, state.options.attribute)',
        'parts.keyspace.keysOf(state.name, state.codec.id)',
      ),
    ],
  },
  {
    name: 'values of another shape are hits',
    edits: [edit('codecs/shaped-codec', 'if (shape === 1) return codec;', 'return codec;')],
  },
  { name: 'a clock that stands still is believed', edits: [edit('shared/clock', 'stoodStillMs += gainedMs;', '')] },
];
