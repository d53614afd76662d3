import { randomBytes } from 'node:crypto';

/** Random bytes are drawn for so many tokens at once: to draw them costs as much as all else that a load takes. */
const DRAWN = 64;
const BYTES = 9;
const CHARACTERS = (BYTES / 3) * 4;

/** Makes tokens, each unlike any other of any process: one per load, one per fence (R2). */
export function createTokens(): () => string {
  const instance = randomBytes(8).toString('base64url');
  let made = 0;
  let drawn = '';
  return () => {
    const at = made % DRAWN;
    if (at === 0) drawn = randomBytes(DRAWN * BYTES).toString('base64url');
    made += 1;
    return `${instance}.${made}.${drawn.slice(at * CHARACTERS, (at + 1) * CHARACTERS)}`;
  };
}
