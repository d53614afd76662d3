import { describe, expect, it } from '@jest/globals';
import { HistoryChecker, type Violation } from './history-checker.js';
import type { Operation, OperationKind } from './operation.js';
import { REGIONS } from './regions.js';

const EXACT = REGIONS.findIndex(({ name }) => name === 'exact');
const LOCAL = REGIONS.findIndex(({ name }) => name === 'local');
const TAGGED = REGIONS.findIndex(({ name }) => name === 'tagged');

/** What happened from `begin` to `end`, to key 0 of the region without L1 unless it says otherwise. */
function did(kind: OperationKind, begin: number, end: number, rest: Partial<Operation> = {}): Operation {
  return { kind, process: 1, region: EXACT, key: 0, version: 0, begin, end, isAcknowledged: true, ...rest };
}

function rulesBroken(operations: Operation[], mayHaveLostFences = false, isBoundedByAge = false): string[] {
  const violations: Violation[] = [];
  const checker = new HistoryChecker({
    keyCount: 8,
    maxAgeMs: 1_000,
    fenceMs: 5_000,
    mayHaveLostFences: () => mayHaveLostFences,
    isBoundedByAge: () => isBoundedByAge,
    onViolation: (violation) => violations.push(violation),
  });
  checker.check(operations, Infinity);
  return violations.map(({ rule }) => rule);
}

const committed = (version: number, begin: number, rest: Partial<Operation> = {}) =>
  did('commit', begin, begin + 1, { version, ...rest });
const read = (version: number, begin: number, rest: Partial<Operation> = {}) =>
  did('read', begin, begin + 1, { version, process: 2, ...rest });

describe('HistoryChecker', () => {
  it('finds a read that began after the eviction was acknowledged and got what was there before', () => {
    expect(rulesBroken([committed(1, 0), did('evict', 2, 3), read(0, 4)])).toEqual(['G1']);
  });

  it('wants no more than D while some talk to a master that others have left', () => {
    const history = [committed(1, 0), did('evict', 2, 3), read(0, 1_002)];
    expect(rulesBroken(history, false, true)).toEqual([]);
    expect(rulesBroken([...history, read(0, 1_004)], false, true)).toEqual(['G2']);
  });

  it('lets a read be old that began before the acknowledgement', () => {
    expect(rulesBroken([committed(1, 0), did('evict', 2, 5), read(0, 4)])).toEqual([]);
  });

  it('counts only commits that had ended when the eviction began', () => {
    expect(rulesBroken([committed(1, 0), did('evict', 0.5, 3), read(0, 4)])).toEqual([]);
  });

  it('counts commits of other processes', () => {
    expect(rulesBroken([committed(1, 0, { process: 9 }), did('evict', 2, 3), read(0, 4)])).toEqual(['G1']);
  });

  it('takes an eviction by version for that version alone', () => {
    const history = [committed(1, 0), committed(2, 2), did('evict-version', 4, 5, { version: 1 })];
    expect(rulesBroken([...history, read(1, 6), read(0, 7)])).toEqual(['G1']);
  });

  it('expects of a write its own version', () => {
    expect(rulesBroken([committed(1, 1), did('write', 0, 3, { version: 1 }), read(0, 4)])).toEqual(['G1']);
  });

  it('knows which keys a tag, a region and everything cover', () => {
    const tagged = { region: TAGGED, key: 5 };
    const before = committed(1, 0, tagged);
    const after = read(0, 4, tagged);
    expect(rulesBroken([before, did('evict-tag', 2, 3, { region: TAGGED, key: 1 }), after])).toEqual(['G1']);
    expect(rulesBroken([before, did('evict-tag', 2, 3, { region: TAGGED, key: 2 }), after])).toEqual([]);
    expect(rulesBroken([before, did('clear-region', 2, 3, { region: TAGGED }), after])).toEqual(['G1']);
    expect(rulesBroken([before, did('clear-region', 2, 3), after])).toEqual([]);
    expect(rulesBroken([before, did('clear-all', 2, 3), after])).toEqual(['G1']);
  });

  it('holds a value against the version it was made of, once both were evicted together', () => {
    const [part, composed, composedLocal] = ['part', 'composed', 'composedLocal'].map((wanted) =>
      REGIONS.findIndex(({ name }) => name === wanted),
    );
    const before = committed(1, 0, { region: part! });
    const outer = read(0, 4, { region: composed! });
    expect(rulesBroken([before, did('evict-together', 2, 3, { region: part! }), outer])).toEqual(['G1']);
    expect(rulesBroken([before, did('evict-tag', 2, 3, { region: part! }), outer])).toEqual(['G1']);
    expect(rulesBroken([before, did('clear-all', 2, 3), outer])).toEqual(['G1']);
    expect(rulesBroken([before, did('evict', 2, 3, { region: part! }), outer])).toEqual([]);
    const late = read(0, 1_004, { region: composedLocal! });
    expect(rulesBroken([before, did('evict-together', 2, 3, { region: part! }), late])).toEqual(['G2']);
  });

  it('holds a write of a part to its own version, and what is made of the part too', () => {
    const [part, composed] = ['part', 'composed'].map((wanted) => REGIONS.findIndex(({ name }) => name === wanted));
    const region = part!;
    const write = did('write-together', 2, 3, { region, version: 1 });
    const history = [committed(1, 0, { region }), committed(2, 1, { region }), write];
    expect(rulesBroken([...history, read(1, 1_004, { region }), read(1, 1_004, { region: composed! })])).toEqual([]);
    expect(rulesBroken([...history, read(0, 1_004, { region })])).toEqual(['G2']);
    expect(rulesBroken([...history, read(0, 4, { region: composed! })])).toEqual(['G1']);
    const evict = did('evict-together', 4, 5, { region });
    expect(rulesBroken([...history.slice(0, 2), evict, read(1, 6, { region: composed! })])).toEqual(['G1']);
  });

  it('gives regions with L1 the time D, and the process itself none', () => {
    const local = { region: LOCAL };
    const history = [committed(1, 0, local), did('evict', 2, 3, local)];
    expect(rulesBroken([...history, read(0, 900, local)])).toEqual([]);
    expect(rulesBroken([...history, read(0, 1_004, local)])).toEqual(['G2']);
    expect(rulesBroken([...history, read(0, 4, { ...local, process: 1 })])).toEqual(['G3']);
  });

  it('expects of an eviction that is not acknowledged only what the process itself reads', () => {
    const history = [committed(1, 0), did('evict', 2, 3, { isAcknowledged: false })];
    expect(rulesBroken([...history, read(0, 4)])).toEqual([]);
    expect(rulesBroken([...history, read(0, 4, { process: 1 })])).toEqual(['G3']);
  });

  it('expects nothing stale after a crash inside a strict write, unless the fence may be lost', () => {
    const history = [committed(1, 1), did('crash-strict', 0, 2, { version: 1 }), read(0, 4)];
    expect(rulesBroken(history)).toEqual(['G6']);
    expect(rulesBroken(history, true)).toEqual([]);
  });

  it('measures how long a crash without a fence leaves the old value', () => {
    const checker = new HistoryChecker({
      keyCount: 8,
      maxAgeMs: 1_000,
      fenceMs: 5_000,
      mayHaveLostFences: () => false,
      onViolation: () => expect(true).toBe(false),
    });
    checker.check([did('crash-plain', 0, 2, { version: 1 }), read(0, 40), read(0, 52), read(1, 60)], Infinity);
    expect(checker.figures.plainCrashWindowsMs).toEqual([50]);
  });

  it('waits with a stretch of time until nothing of it can be missing', () => {
    const violations: Violation[] = [];
    const checker = new HistoryChecker({
      keyCount: 8,
      maxAgeMs: 1_000,
      fenceMs: 5_000,
      mayHaveLostFences: () => false,
      onViolation: (violation) => violations.push(violation),
    });
    checker.check([committed(1, 0), read(0, 10)], 5);
    expect(checker.figures.reads).toBe(0);
    checker.check([did('evict', 6, 8)], 20);
    expect(violations.map(({ rule }) => rule)).toEqual(['G1']);
  });

  it('counts apart what is read within D of a rollback that no client was told of', () => {
    const checker = new HistoryChecker({
      keyCount: 8,
      maxAgeMs: 1_000,
      fenceMs: 5_000,
      mayHaveLostFences: () => true,
      maySeeRollback: ({ begin }) => begin < 10,
      onViolation: ({ read: { begin } }) => expect(begin).toBe(20),
    });
    checker.check([committed(1, 0), did('evict', 2, 3), read(0, 4), read(0, 20)], Infinity);
    expect(checker.figures.readsOfRollbacks).toBe(1);
    expect.assertions(2);
  });

  it('reports reads that failed', () => {
    expect(rulesBroken([did('failed-read', 0, 1)])).toEqual(['failed read']);
  });
});
