import type { State } from './layout.js';
import type { Packing } from './packing.js';

/** An answer, and the bytes that were looked at for it, in this order. */
export interface Looked<Answer> {
  readonly answer: Answer;
  readonly bytes: Iterable<number>;
}

/** One byte that is looked at, and where each of its codes leads; or, in the end, the answer. */
interface Branch {
  byte: number | undefined;
  readonly next: Map<number, Branch>;
  /** Its index. */
  answer: number | undefined;
}

/** In the numbers of a tree: nobody asked yet. */
const UNKNOWN = 0;

/**
 * What a function of states answers, asked but once for all states that look alike to it: it looks at the same byte
 * first, always, and which one is next depends on those alone that it has seen. Exact: two states share an answer only
 * when they agree in every byte that was looked at for it. In a million states a step needs some dozens of answers.
 */
export class Answers<Answer> {
  private readonly root: Branch = branch();
  private readonly answers: Answer[] = [];
  /**
   * The branches for packed states. A branch is where its byte stands, followed, by the byte's code, by what comes
   * next: the index of another branch, or an answer (its index, inverted). Bytes that never change are left out. The
   * first number leads to the first branch.
   */
  private tree: number[] = [UNKNOWN];

  constructor(
    private readonly ask: (state: State) => Looked<Answer>,
    private packing: Packing,
  ) {}

  /** @returns undefined where nobody asked yet */
  find(words: Int32Array): Answer | undefined {
    const { tree } = this;
    let at = tree[0]!;
    while (at > UNKNOWN) {
      const place = tree[at]!;
      at = tree[at + 1 + ((words[place >>> 16]! >>> (place >>> 8)) & (place & 0xff))]!;
    }
    return at === UNKNOWN ? undefined : this.answers[~at];
  }

  learn(words: Int32Array): Answer {
    const state = this.packing.unpack(words);
    const { answer, bytes } = this.ask(state);
    let at = this.root;
    let link = 0;
    for (const byte of bytes) {
      if (at.answer !== undefined || (at.byte ??= byte) !== byte) throw new Error(HIDDEN_STATE);
      const code = this.packing.codeOf(byte, state[byte]!);
      link = this.linkOf(byte, code, link);
      const next = at.next.get(code) ?? branch();
      at.next.set(code, next);
      at = next;
    }
    if (at.byte !== undefined) throw new Error(HIDDEN_STATE);
    at.answer = this.answers.push(answer) - 1;
    this.tree[link] = ~at.answer;
    return answer;
  }

  packedBy(packing: Packing): void {
    this.packing = packing;
    this.tree = [UNKNOWN];
    this.write(this.root, 0);
  }

  private write({ answer, byte, next }: Branch, link: number): void {
    if (answer !== undefined) this.tree[link] = ~answer;
    for (const [code, after] of next) this.write(after, this.linkOf(byte!, code, link));
  }

  /** Where a byte leads that is looked at when one has come to `link`. */
  private linkOf(byte: number, code: number, link: number): number {
    const { tree } = this;
    const mask = this.packing.mask[byte]!;
    if (mask === 0) return link;
    if (tree[link] === UNKNOWN) {
      tree[link] = tree.push(this.packing.placeOf(byte)) - 1;
      for (let n = 0; n <= mask; n++) tree.push(UNKNOWN);
    }
    return tree[link]! + 1 + code;
  }
}

const HIDDEN_STATE = 'a step or a promise depends on more than the bytes it looks at';

function branch(): Branch {
  return { byte: undefined, next: new Map(), answer: undefined };
}
