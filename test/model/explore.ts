import type { State } from './layout.js';

/** A guarded command: where `when` holds, `then` may happen, as one indivisible step. */
export interface Step {
  readonly name: string;
  when(state: State): boolean;
  /** Changes the state in place. Returns what it broke, if a promise of the protocol was broken by this step. */
  then(state: State): string | undefined | void;
}

/** Anything that can be explored. */
export interface Model {
  readonly initial: State;
  readonly steps: readonly Step[];
  /** Looked at in every state. Returns what is broken, if anything is. */
  broken(state: State): string | undefined;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Steps that were never possible: what they stand for was not explored. */
  readonly idle: readonly string[];
  /** False: the limit was reached first. */
  readonly isComplete: boolean;
  /** With the shortest way to it. */
  readonly violation: { readonly message: string; readonly trace: readonly TracePoint[] } | null;
}

export interface TracePoint {
  readonly step: string;
  readonly state: State;
}

/**
 * Visits every state that can be reached, breadth first, and stops at the first violation: its trace is a shortest one.
 * Exact: states are compared byte by byte, never by a hash alone.
 */
export function explore(model: Model, maxStates = 8_000_000): Exploration {
  const { steps, initial } = model;
  const known = new StateSet(initial.length);
  const candidates = new Candidates(steps, initial);
  const taken = new Uint8Array(steps.length);
  const [before, after] = [known.room(), known.room()];
  const width = before.words.length;
  const changed = new Int32Array(width);
  let transitions = 0;

  const end = (message: string | undefined, from: number, last?: TracePoint): Exploration => ({
    states: known.size,
    transitions,
    idle: steps.filter((_, n) => !taken[n]).map((step) => step.name),
    isComplete: message === undefined && known.size <= maxStates,
    violation: message === undefined ? null : { message, trace: traceOf(model, known, from, last) },
  });

  after.bytes.set(initial);
  known.add(after.words, hashOf(after.words), -1);
  const atStart = model.broken(initial);
  if (atStart !== undefined) return end(atStart, 0);
  for (let from = 0; from < known.size; from++) {
    if (known.size > maxStates) break;
    known.read(from, before.words);
    after.words.set(before.words);
    const hash = hashOf(before.words);
    for (let run = 0; run < candidates.runs; run++) {
      const few = candidates.of(run, before.bytes);
      for (let at = 0; at < few.length; at++) {
        const n = few[at]!;
        const step = steps[n]!;
        if (!step.when(before.bytes)) continue;
        const brokenByStep = step.then(after.bytes);
        transitions++;
        taken[n] = 1;
        if (brokenByStep !== undefined) return end(brokenByStep, from, { step: step.name, state: after.bytes.slice() });
        // to undo a step is cheaper than to copy the state for the next one: it writes little
        let changes = 0;
        let hashAfter = hash;
        for (let word = 0; word < width; word++) {
          const was = before.words[word]!;
          const is = after.words[word]!;
          if (was === is) continue;
          changed[changes++] = word;
          hashAfter ^= mixed(was, word) ^ mixed(is, word);
        }
        if (changes === 0) continue;
        if (known.add(after.words, hashAfter, from)) {
          const message = model.broken(after.bytes);
          if (message !== undefined) return end(message, known.size - 1);
        }
        for (let c = 0; c < changes; c++) after.words[changed[c]!] = before.words[changed[c]!]!;
      }
    }
  }
  return end(undefined, 0);
}

/** The state after steps of these names, a way to reach deep places cheaply. Changes `state` in place. */
export function afterSteps(steps: readonly Step[], names: readonly string[] = [], state: State): State {
  for (const name of names) {
    const step = steps.find((candidate) => candidate.name === name);
    if (!step?.when(state)) throw new Error(`"${name}" is not possible here`);
    step.then(state);
  }
  return state;
}

/** The way from the start to a state. Only parents are kept: the steps between are found by trying them again. */
function traceOf(model: Model, known: StateSet, to: number, last?: TracePoint): TracePoint[] {
  const trace = last ? [last] : [];
  for (let at = to; at > 0; at = known.parentOf(at)) {
    const state = known.get(at);
    const parent = known.get(known.parentOf(at));
    const step = model.steps.find((candidate) => {
      if (!candidate.when(parent)) return false;
      const next = parent.slice();
      candidate.then(next);
      return next.every((byte, n) => byte === state[n]);
    });
    trace.unshift({ step: step!.name, state });
  }
  return trace;
}

/**
 * The steps worth asking in a state. Most guards begin with the byte that says where a reader or writer stands, and are
 * false by it alone. Exact: a guard is left out for a value of that byte only after it was asked in a state with this
 * value, said no, and looked at nothing else; so it says no in every such state. The order of the steps is kept.
 */
class Candidates {
  /** How many groups of steps, one after the other, look at the same byte first. */
  readonly runs: number;
  private readonly firstByte: number[] = [];
  private readonly stepsOf: number[][] = [];
  /** By run, and the value of its byte. */
  private readonly known: (number[] | undefined)[][] = [];

  constructor(
    private readonly steps: readonly Step[],
    initial: State,
  ) {
    steps.forEach((step, n) => {
      // where nothing is looked at, any byte will do
      const byte = asked(step, initial).bytes[0] ?? 0;
      if (byte !== this.firstByte.at(-1)) {
        this.firstByte.push(byte);
        this.stepsOf.push([]);
        this.known.push([]);
      }
      this.stepsOf.at(-1)!.push(n);
    });
    this.runs = this.firstByte.length;
  }

  of(run: number, state: State): readonly number[] {
    const byte = this.firstByte[run]!;
    return this.known[run]![state[byte]!] ?? this.learn(run, state);
  }

  private learn(run: number, state: State): number[] {
    const byte = this.firstByte[run]!;
    const few = this.stepsOf[run]!.filter((n) => {
      const { answer, bytes } = asked(this.steps[n]!, state);
      return answer || bytes.some((looked) => looked !== byte);
    });
    this.known[run]![state[byte]!] = few;
    return few;
  }
}

/** What a guard answers, and the bytes it looked at for it, in this order. */
function asked(step: Step, state: State): { answer: boolean; bytes: number[] } {
  const bytes: number[] = [];
  const watched = new Proxy(state, {
    get(target, key) {
      const at = Number(key);
      if (!Number.isInteger(at)) throw new Error(`the guard of "${step.name}" has to look at single bytes`);
      bytes.push(at);
      return target[at];
    },
  });
  return { answer: step.when(watched), bytes };
}

/**
 * States in the order they were found, each once. They stand in blocks of memory: millions of small objects would not
 * fit.
 */
class StateSet {
  size = 0;
  /** Words of four bytes per state: copied, compared and hashed four times as fast. */
  private readonly width: number;
  /** Each state after its parent. */
  private readonly blocks: Int32Array[] = [];
  /** Pairs of a hash and an index + 1, side by side: a look at another state's place costs one miss of the cache. */
  private table = new Int32Array(FIRST_PLACES * 2);
  private places = FIRST_PLACES;

  /** @param bytes of one state */
  constructor(private readonly bytes: number) {
    this.width = Math.ceil(bytes / 4);
  }

  /** Room for one state, seen as bytes and as words. */
  room(): { bytes: State; words: Int32Array } {
    const words = new Int32Array(this.width);
    return { bytes: new Uint8Array(words.buffer, 0, this.bytes), words };
  }

  /** @returns false when it was known */
  add(state: Int32Array, hash: number, parent: number): boolean {
    const { table } = this;
    const mask = this.places - 1;
    let at = hash & mask;
    for (;;) {
      const found = table[at * 2 + 1]!;
      if (found === 0) break;
      if (table[at * 2] === hash && this.isAt(found - 1, state)) return false;
      at = (at + 1) & mask;
    }
    const index = this.size++;
    table[at * 2] = hash;
    table[at * 2 + 1] = index + 1;
    if (index % BLOCK === 0) this.blocks.push(new Int32Array(BLOCK * (this.width + 1)));
    const block = this.blocks[(index / BLOCK) | 0]!;
    const start = (index % BLOCK) * (this.width + 1);
    block[start] = parent;
    for (let n = 0; n < state.length; n++) block[start + 1 + n] = state[n]!;
    if (this.size * 2 > this.places) this.grow();
    return true;
  }

  read(index: number, into: Int32Array): void {
    const block = this.blocks[(index / BLOCK) | 0]!;
    const start = (index % BLOCK) * (this.width + 1) + 1;
    for (let n = 0; n < into.length; n++) into[n] = block[start + n]!;
  }

  get(index: number): State {
    const { bytes, words } = this.room();
    this.read(index, words);
    return bytes;
  }

  parentOf(index: number): number {
    return this.blocks[(index / BLOCK) | 0]![(index % BLOCK) * (this.width + 1)]!;
  }

  private isAt(index: number, state: Int32Array): boolean {
    const block = this.blocks[(index / BLOCK) | 0]!;
    const start = (index % BLOCK) * (this.width + 1) + 1;
    for (let n = 0; n < state.length; n++) if (block[start + n] !== state[n]) return false;
    return true;
  }

  private grow(): void {
    const { table } = this;
    this.places *= 2;
    this.table = new Int32Array(this.places * 2);
    const larger = this.table;
    const mask = this.places - 1;
    for (let from = 0; from < table.length; from += 2) {
      if (table[from + 1] === 0) continue;
      let at = table[from]! & mask;
      while (larger[at * 2 + 1] !== 0) at = (at + 1) & mask;
      larger[at * 2] = table[from]!;
      larger[at * 2 + 1] = table[from + 1]!;
    }
  }
}

/** Powers of two. */
const FIRST_PLACES = 1 << 15;
const BLOCK = 1 << 15;

// looked up once: inside jest's sandbox each use of a global goes through a slow door
const { imul } = Math;

/** Of words that are mixed each by itself, so that a step pays for those alone that it changed. */
function hashOf(state: Int32Array): number {
  let hash = 0;
  for (let n = 0; n < state.length; n++) hash ^= mixed(state[n]!, n);
  return hash;
}

/** The table uses the low bits, and states differ in few bytes. */
function mixed(word: number, n: number): number {
  let hash = imul(word ^ imul(n + 1, 0x9e3779b1), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = imul(hash ^ (hash >>> 13), 0x297a2d39);
  return hash ^ (hash >>> 16);
}
