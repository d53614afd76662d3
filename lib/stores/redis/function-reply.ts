import { classOf } from '../../shared/errors.js';
import { wholeNumber } from './known-positions.js';

/** A function's reply begins with the bucket's incarnation and sequence. */
export type FunctionReply = [incarnation: number, sequence: number, ...rest: unknown[]];

/**
 * @throws Error when it is not the reply of a function of ours: `QUEUED` inside a MULTI, a proxy's own words, a server
 * that is none
 */
export function functionReply(raw: unknown): FunctionReply {
  const [incarnation, sequence, ...rest] = listIn(raw);
  return [numberIn(incarnation), numberIn(sequence), ...rest];
}

/** @throws Error when it is no list */
export function listIn(part: unknown): unknown[] {
  if (!Array.isArray(part)) throw unexpected(part);
  return part as unknown[];
}

/** @throws Error when it is no whole number, as such, as text or its bytes */
export function numberIn(part: unknown): number {
  const number = typeof part === 'number' ? part : wholeNumber(part);
  if (number === null || !Number.isSafeInteger(number) || number < 0) throw unexpected(part);
  return number;
}

/** @throws Error when it is none of these words */
export function wordIn<Word extends string>(part: unknown, words: readonly Word[]): Word {
  const text = Buffer.isBuffer(part) ? part.toString('latin1') : part;
  const word = words.find((one) => one === text);
  if (word === undefined) throw unexpected(part);
  return word;
}

/** @throws Error when it is not a text, or its bytes, of so many letters, of these */
export function lettersIn(part: unknown, count: number, letters: string): string {
  const text = Buffer.isBuffer(part) ? part.toString('latin1') : part;
  if (typeof text !== 'string' || text.length !== count) throw unexpected(part);
  for (const letter of text) if (!letters.includes(letter)) throw unexpected(part);
  return text;
}

/** What was got is not shown: it may hold a cached value. */
function unexpected(part: unknown): Error {
  return new Error(`the reply has a part of another type than the function returns (${classOf(part)})`);
}
