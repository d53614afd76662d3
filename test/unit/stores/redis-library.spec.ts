import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { libraryText } from '../../../lib/stores/redis/functions/library.js';
import { LIBRARY_NAME, PROTOCOL_VERSION } from '../../../lib/stores/redis/functions/protocol-version.js';

/**
 * SHA-256 of the library's text, by protocol version. Servers keep what they have under a name, so a changed text needs
 * a new version and a new line here; lines of released versions are never changed.
 */
const TEXTS: Record<number, string> = {
  1: 'e96f945fff0b24596e5eada9435db314f361d0436141e3e147e7606eb2525554',
  2: 'af54ffc71788ac45d8375c27fd5f4706b4554e6ba61fca6d10805a47564c646a',
  3: '8a5bee4ca6e51cb2ea8c9c710435e5583ee8803c19f281f638127d7e1be6d90a',
  4: '844df43ebb394daf87c44b96832f6cd9f3eef5f1d25cf5f5af959df6d36804dd',
  5: '499579ee256d60ac1fd694196109b07d29053bc16ae8c74f8cba7fea86829f34',
  6: '98d344838c20ec72ea641e3f97d9d5c5158e20646552269d93a601684b059802',
  7: '81a5d063b4179f60dcb53f757ff2465d9112372ce9a4fc54a540a6b619268a10',
  8: 'adea11e98067e87f328ab0cf0107bb0c18d5ba6f6e474b26a4a5a25f727d357d',
};

it('the text of the function library belongs to its version', () => {
  expect(createHash('sha256').update(libraryText).digest('hex')).toBe(TEXTS[PROTOCOL_VERSION]);
});

it('the library and all its functions carry the version in their names', () => {
  expect(LIBRARY_NAME).toMatch(new RegExp(`_${PROTOCOL_VERSION}$`));
  const names = [...libraryText.matchAll(/function_name = '([^']+)'/g)].map(([, name]) => name);
  expect(names).toHaveLength(13);
  for (const name of names) expect(name).toMatch(new RegExp(`^nrc${PROTOCOL_VERSION}_[a-z_]+$`));
});

it('the library is plain text that no key or message could be mistaken for', () => {
  expect(libraryText.startsWith(`#!lua name=${LIBRARY_NAME}\n`)).toBe(true);
  expect(libraryText).not.toMatch(/undefined|\[object/);
});
