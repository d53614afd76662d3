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
  const taken = new Uint8Array(steps.length);
  const [before, after] = [known.room(), known.room()];
  let transitions = 0;

  const end = (message: string | undefined, from: number, last?: TracePoint): Exploration => ({
    states: known.size,
    transitions,
    idle: steps.filter((_, n) => !taken[n]).map((step) => step.name),
    isComplete: message === undefined && known.size <= maxStates,
    violation: message === undefined ? null : { message, trace: traceOf(model, known, from, last) },
  });

  after.bytes.set(initial);
  known.add(after.words, -1);
  const atStart = model.broken(initial);
  if (atStart !== undefined) return end(atStart, 0);
  for (let from = 0; from < known.size; from++) {
    if (known.size > maxStates) break;
    known.read(from, before.words);
    for (let n = 0; n < steps.length; n++) {
      const step = steps[n]!;
      if (!step.when(before.bytes)) continue;
      after.words.set(before.words);
      const brokenByStep = step.then(after.bytes);
      transitions++;
      taken[n] = 1;
      if (brokenByStep !== undefined) return end(brokenByStep, from, { step: step.name, state: after.bytes.slice() });
      if (!known.add(after.words, from)) continue;
      const message = model.broken(after.bytes);
      if (message !== undefined) return end(message, known.size - 1);
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
 * States in the order they were found, each once. One block of memory grows by doubling: millions of small objects
 * would not fit.
 */
class StateSet {
  size = 0;
  /** Words of four bytes per state: copied, compared and hashed four times as fast. */
  private readonly width: number;
  private words: Int32Array;
  private parents: Int32Array;
  private table: Int32Array;
  private hashes: Int32Array;

  /** @param bytes of one state */
  constructor(private readonly bytes: number) {
    this.width = Math.ceil(bytes / 4);
    this.words = new Int32Array(this.width * FIRST_CAPACITY);
    this.parents = new Int32Array(FIRST_CAPACITY);
    this.hashes = new Int32Array(FIRST_CAPACITY);
    this.table = new Int32Array(FIRST_CAPACITY * 2).fill(-1);
  }

  /** Room for one state, seen as bytes and as words. */
  room(): { bytes: State; words: Int32Array } {
    const words = new Int32Array(this.width);
    return { bytes: new Uint8Array(words.buffer, 0, this.bytes), words };
  }

  /** @returns false when it was known */
  add(state: Int32Array, parent: number): boolean {
    const { width } = this;
    const hash = hashOf(state);
    const mask = this.table.length - 1;
    let at = hash & mask;
    for (;;) {
      const index = this.table[at]!;
      if (index < 0) break;
      if (this.hashes[index] === hash && this.isAt(index, state)) return false;
      at = (at + 1) & mask;
    }
    if (this.size === this.parents.length) {
      this.grow();
      return this.add(state, parent);
    }
    this.table[at] = this.size;
    this.hashes[this.size] = hash;
    this.parents[this.size] = parent;
    this.words.set(state, this.size * width);
    this.size++;
    return true;
  }

  read(index: number, into: Int32Array): void {
    const start = index * this.width;
    const { words } = this;
    for (let n = 0; n < into.length; n++) into[n] = words[start + n]!;
  }

  get(index: number): State {
    const { bytes, words } = this.room();
    this.read(index, words);
    return bytes;
  }

  parentOf(index: number): number {
    return this.parents[index]!;
  }

  private isAt(index: number, state: Int32Array): boolean {
    const start = index * this.width;
    const { words } = this;
    for (let n = 0; n < state.length; n++) if (words[start + n] !== state[n]) return false;
    return true;
  }

  private grow(): void {
    const capacity = this.parents.length * 2;
    this.words = enlarged(this.words, capacity * this.width);
    this.parents = enlarged(this.parents, capacity);
    this.hashes = enlarged(this.hashes, capacity);
    this.table = new Int32Array(capacity * 2).fill(-1);
    const mask = this.table.length - 1;
    for (let index = 0; index < this.size; index++) {
      let at = this.hashes[index]! & mask;
      while (this.table[at]! >= 0) at = (at + 1) & mask;
      this.table[at] = index;
    }
  }
}

function enlarged(from: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(from);
  return larger;
}

/** A power of two. */
const FIRST_CAPACITY = 1 << 14;

// looked up once: inside jest's sandbox each use of a global goes through a slow door
const { imul } = Math;

/** Each word is mixed before the next: the table uses the low bits, and states differ in few bytes. */
function hashOf(state: Int32Array): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < state.length; n++) {
    hash = imul(hash ^ state[n]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) | 0;
}
