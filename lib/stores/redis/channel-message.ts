import type { ChannelMessage, Mark } from '../channel.js';
import { unescapeText } from './entry-header.js';
import { wholeNumber } from './known-positions.js';

/**
 * Reads a message of the functions: `bucket|incarnation|sequence|kind|rest`, where rest is
 *
 *     E  the entry        T  stamp|mark        F  nothing        W  the entry; its sequence is `-`
 *
 * @returns null when it cannot be understood
 */
export function parseChannelMessage(text: string, bucketCount: number): ChannelMessage | null {
  const [head, rest] = cut(text, 4);
  if (head.length !== 4) return null;
  const bucket = wholeNumber(head[0]);
  const incarnation = wholeNumber(head[1]);
  if (bucket === null || bucket >= bucketCount || incarnation === null) return null;
  const kind = head[3];
  if (kind === 'W') return rest === '' ? null : { kind: 'wake', bucket, entry: rest };
  const sequence = wholeNumber(head[2]);
  if (sequence === null) return null;
  switch (kind) {
    case 'E':
      return rest === '' ? null : { kind: 'entry', bucket, incarnation, sequence, entry: rest };
    case 'F':
      return rest === '' ? { kind: 'flush', bucket, incarnation, sequence } : null;
    case 'T': {
      const [[stampText], markText] = cut(rest, 1);
      const stamp = wholeNumber(stampText);
      const mark = parseMark(markText);
      return stamp === null || mark === null ? null : { kind: 'mark', bucket, incarnation, sequence, mark, stamp };
    }
    default:
      return null;
  }
}

function parseMark(text: string): Mark | null {
  if (text === '*') return text;
  return text.startsWith('t:') || text.startsWith('r:') ? (unescapeText(text) as Mark) : null;
}

/** The first `count` fields and what follows them. */
function cut(text: string, count: number): [fields: string[], rest: string] {
  const fields: string[] = [];
  let from = 0;
  while (fields.length < count) {
    const to = text.indexOf('|', from);
    if (to < 0) break;
    fields.push(text.slice(from, to));
    from = to + 1;
  }
  return [fields, text.slice(from)];
}
