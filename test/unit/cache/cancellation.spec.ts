import { expect, it } from '@jest/globals';
import { ownerOfRejection } from '../../../lib/cache/cancellation.js';

const aborted = AbortSignal.abort(new Error('the client went away'));
const open = new AbortController().signal;

it.each<[string, unknown, unknown[], string]>([
  ['a signal among the arguments, whatever its reason', aborted.reason, [1, aborted], 'callers'],
  ['a signal inside an argument', new Error('late'), [1, { signal: aborted }], 'callers'],
  ['a signal that nobody aborted', new Error('database away'), [1, open, { signal: open }], 'everyones'],
  ['an AbortError of a hidden signal', new DOMException('', 'AbortError'), [1], 'perhaps-callers'],
  ['an AbortError of Node', Object.assign(new Error(), { code: 'ABORT_ERR' }), [], 'perhaps-callers'],
  ['a time limit of the source', new DOMException('', 'TimeoutError'), [1], 'everyones'],
  [
    'something else',
    null,
    [
      null,
      'x',
      {
        get signal(): never {
          throw new Error('a getter');
        },
      },
    ],
    'everyones',
  ],
])('%s', (_name, error, args, owner) => {
  expect(ownerOfRejection(error, args)).toBe(owner);
});
