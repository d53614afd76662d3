import type { Step } from './explore.js';
import type { State } from './layout.js';
import { FENCE, type ServerModel } from './server.js';
import type { WriterKind, WriterSpec } from './scenario.js';
import type { ViewModel } from './view.js';
import { type World, YOUNG } from './world.js';

// looked up once (see explore.ts)
const { max } = Math;

/** The steps of each kind of write, in order. */
const PROGRAMS = {
  evict: ['commit', 'evict', 'acknowledge'],
  softEvict: ['commit', 'softEvict', 'acknowledge'],
  bareEvict: ['evict', 'acknowledge'],
  otherEvict: ['otherEvict'],
  strict: ['fence', 'commit', 'unfence', 'acknowledge'],
  fencedPut: ['fence', 'commit', 'putFenced', 'acknowledge'],
  fencedPutOfRead: ['fence', 'read', 'putFenced', 'acknowledge'],
  blindPut: ['commit', 'putBlind', 'acknowledge'],
  tag: ['commit', 'tag', 'acknowledge'],
  clear: ['commit', 'clear', 'acknowledge'],
  eventPut: ['commit', 'deliver'],
  eventEvict: ['commit', 'deliver'],
} as const satisfies Record<WriterKind, readonly string[]>;

type Operation = (typeof PROGRAMS)[WriterKind][number] | 'claim';

const CRASHED = 255;

/** Writers, consumers of events, and what each write promises. */
export class WriterModel {
  constructor(
    private readonly world: World,
    private readonly server: ServerModel,
    private readonly view: ViewModel,
  ) {}

  steps(): Step[] {
    const { world: w } = this;
    const steps = w.scenario.writers.flatMap((spec, writer) => this.stepsOf(spec, writer));
    if (w.scenario.fencesExpire) for (let n = 0; n < w.writers; n++) steps.push(this.expiryOf(n));
    return steps;
  }

  private programOf(spec: WriterSpec): readonly Operation[] {
    const { rules } = this.world;
    if (spec.kind === 'evict' && !rules.evictAfterCommit) return ['evict', 'commit', 'claim'];
    if (spec.kind === 'fencedPutOfRead' && !rules.fenceBeforeSnapshot) return ['read', 'fence', 'putFenced'];
    const program: readonly Operation[] = PROGRAMS[spec.kind];
    return this.hasView(spec) ? program : program.filter((operation) => operation !== 'acknowledge');
  }

  private hasView(spec: WriterSpec): boolean {
    return spec.instance !== undefined && spec.instance < this.world.instances;
  }

  private stepsOf(spec: WriterSpec, writer: number): Step[] {
    const { world: w } = this;
    const at = w.wAt + writer;
    const program = this.programOf(spec);
    const name = `writer ${writer} (${spec.kind})`;
    const steps: Step[] = program.map((operation, n) => ({
      name: `${name}: ${operation}`,
      when: (s) => s[at] === n && (operation !== 'deliver' || s[w.wLeft + writer]! > 0),
      then: (s) => {
        const broken = this.run(s, spec, writer, operation);
        if (operation === 'deliver') s[w.wLeft + writer]!--;
        else s[at] = n + 1;
        return broken;
      },
    }));
    const committed = program.indexOf('commit') + 1;
    if (spec.crashes)
      steps.push({
        name: `${name}: dies`,
        when: (s) => s[at] === committed,
        then: (s) => {
          s[at] = CRASHED;
        },
      });
    if (w.scenario.laggingLoads && program.includes('read'))
      steps.push({
        name: `${name}: read from a lagging replica`,
        when: (s) => s[at] === program.indexOf('read') && s[w.db]! > 0,
        then: (s) => {
          s[w.wValue + writer] = s[w.db]! - 1;
          s[at]!++;
        },
      });
    if (spec.fails)
      steps.push({
        name: `${name}: its eviction fails`,
        when: (s) => s[at] === committed && s[w.wLeft + writer] === 0,
        then: (s) => {
          const instance = spec.instance!;
          s[w.wLeft + writer] = 1;
          s[w.kPending + instance]!++;
          s[w.kOwnFloor + instance] = max(s[w.kOwnFloor + instance]!, s[w.wValue + writer]!);
        },
      });
    return steps;
  }

  private run(s: State, spec: WriterSpec, writer: number, operation: Operation): string | undefined {
    const { world: w, server, view } = this;
    const instance = this.hasView(spec) ? spec.instance! : w.instances;
    const known = view.knownInc(s, instance);
    const value = s[w.wValue + writer]!;
    let broken: string | undefined;
    switch (operation) {
      case 'commit':
        this.commit(s, spec, writer);
        return undefined;
      case 'read':
        s[w.wValue + writer] = s[w.db]!;
        return undefined;
      case 'claim':
        this.promise(s, writer, value);
        return undefined;
      case 'acknowledge':
        this.acknowledge(s, spec, writer);
        return undefined;
      case 'fence':
        s[w.wSafe + writer] = 1;
        if (spec.kind !== 'strict' || w.rules.strictWriteFences) server.fence(s, known, writer);
        break;
      case 'evict':
        server.evict(s, known);
        // an eviction covers all that was loaded before it, whoever committed it
        if (w.rules.evictAfterCommit) this.promise(s, writer, s[w.db]!);
        break;
      case 'otherEvict':
        server.evictOther(s, known);
        break;
      case 'softEvict':
        server.softEvict(s, known);
        this.promise(s, writer, s[w.db]!);
        break;
      case 'unfence':
        server.unfence(s, known, writer);
        s[w.wSafe + writer] = 0;
        this.promise(s, writer, s[w.db]!);
        break;
      case 'putFenced': {
        const isAccepted = server.putFenced(s, known, writer, value);
        s[w.wSafe + writer] = 0;
        // refused, it is an eviction; with a version it promises that version, not what others commit
        if (!isAccepted) this.promise(s, writer, w.scenario.versioned ? value : s[w.db]!);
        else if (spec.kind !== 'fencedPutOfRead') this.promise(s, writer, value);
        break;
      }
      case 'putBlind':
        server.putBlind(s, known, value);
        this.promise(s, writer, value);
        break;
      case 'tag':
      case 'clear':
        // the stamp is remembered for the acknowledgement
        s[w.wAge + writer] = server.mark(s, known, operation);
        this.promise(s, writer, s[w.db]!);
        break;
      case 'deliver':
        if (spec.kind === 'eventPut' && (s[w.wAge + writer]! > 0 || !w.rules.oldEventEvicts))
          broken = server.putVersion(s, known, value);
        else server.evictVersion(s, known, value);
        this.promise(s, writer, value);
        break;
    }
    view.remember(s, instance, s[w.mInc]!);
    if (w.scenario.rollbacks) s[w.wSeq + writer] = s[w.mSeq]!;
    return broken;
  }

  private commit(s: State, spec: WriterSpec, writer: number): void {
    const { world: w } = this;
    s[w.db]!++;
    s[w.wValue + writer] = s[w.db]!;
    if (spec.kind === 'eventPut' || spec.kind === 'eventEvict') {
      s[w.wLeft + writer] = spec.deliveries ?? 2;
      if (spec.kind === 'eventPut') s[w.wAge + writer] = YOUNG;
    }
    // G6: from here on a crash must leave nothing older
    if (s[w.wSafe + writer]) s[w.floor] = max(s[w.floor]!, s[w.db]!);
  }

  private promise(s: State, writer: number, version: number): void {
    const { world: w } = this;
    s[w.wFloor + writer] = version;
    s[w.floor] = max(s[w.floor]!, version);
  }

  private acknowledge(s: State, spec: WriterSpec, writer: number): void {
    const { world: w, view } = this;
    const instance = spec.instance!;
    view.evicted(s, instance);
    if (w.rules.ownEvictionTellsPosition) view.sawPosition(s, instance, s[w.mInc]!, s[w.wSeq + writer]!);
    s[w.wSeq + writer] = 0;
    if (spec.kind === 'tag' || spec.kind === 'clear') view.learn(s, instance, spec.kind, s[w.wAge + writer]!);
    s[w.kOwnFloor + instance] = max(s[w.kOwnFloor + instance]!, s[w.wFloor + writer]!);
    if (spec.fails && s[w.wLeft + writer]) {
      s[w.wLeft + writer] = 0;
      s[w.kPending + instance]!--;
    }
  }

  /** A fence runs out: in the replica too, which knows the same time. */
  private expiryOf(writer: number): Step {
    const { world: w } = this;
    const here = w.fState + writer;
    const there = here - w.dataStart + w.saved;
    const isMine = (n: number) => this.server.fenceOf(n) === writer;
    const safe = w.scenario.writers.flatMap((_, n) => (isMine(n) ? [w.wSafe + n] : []));
    const isSafe = (s: State) => {
      for (const at of safe) if (s[at] === 1) return true;
      return false;
    };
    return {
      name: `fence ${writer} runs out`,
      when: (s) => s[here] === FENCE.standing || s[there] === FENCE.standing || isSafe(s),
      then: (s) => this.expire(s, here, there, isMine),
    };
  }

  private expire(s: State, here: number, there: number, isMine: (n: number) => boolean): void {
    const { world: w } = this;
    if (s[here] === FENCE.standing) {
      s[here] = FENCE.expired;
      if (w.scenario.versioned && w.rules.fenceProlongsInvalidation) s[w.sPlainAge] = YOUNG;
    }
    if (s[there] === FENCE.standing) {
      s[there] = FENCE.expired;
      if (w.scenario.versioned && w.rules.fenceProlongsInvalidation) s[w.sPlainAge - w.dataStart + w.saved] = YOUNG;
    }
    this.server.forgetCount(s);
    if (w.rules.fenceOutlivesWrite) for (let n = 0; n < w.writers; n++) if (isMine(n)) s[w.wSafe + n] = 0;
  }
}
