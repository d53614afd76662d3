import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { buildLibrary } from '../support/built-library.js';
import { track } from '../support/servers/processes.js';
import { sharedRedis } from '../support/servers/redis.js';

/** Until then the compiler is still learning what the fields hold. */
const WARM_UP = 3;
const DECLARED = /^(?: {2}(?:private |get )*|(?:export )?(?:class|function) )(\w+)[(<{ ]/gm;
/** Names that functions of Node, ioredis and the fixture have, too; and what calls a `Command` of ioredis. */
const COMMON = new Set([
  'toWritable',
  'setReplyContext',
  'callFunction',
  'connect',
  'find',
  'remove',
  'hit',
  'get',
  'set',
  'add',
  'delete',
  'end',
  'has',
  'write',
  'send',
  'then',
  'next',
  'call',
]);
/** Functions and classes of the folders through which hits and misses go. */
const OURS = new Set(
  ['cache', 'stores/redis', 'values', 'codecs', 'keys', 'interception', 'operations'].flatMap((folder) =>
    readdirSync(`lib/${folder}`)
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(`lib/${folder}/${file}`, 'utf8').matchAll(DECLARED)])
      .map(([, name]) => name!)
      .filter((name) => !COMMON.has(name)),
  ),
);

let library: ReturnType<typeof buildLibrary>;
let redis: Awaited<ReturnType<typeof sharedRedis>>;
let script: string;

beforeAll(async () => {
  library = buildLibrary();
  script = join(dirname(dirname(fileURLToPath(library.url))), 'hot-paths.mjs');
  copyFileSync(join(import.meta.dirname, 'fixtures', 'hot-paths.mjs'), script);
  redis = await sharedRedis();
});
afterAll(async () => {
  library.remove();
  await redis.release();
});

/** Functions of ours whose code more than half of the collections cost, since objects that it knew were gone. */
async function lostAtCollections(path: string): Promise<string[]> {
  // both are traced by V8 itself, and so in order
  const args = ['--expose-gc', '--trace-gc', '--trace-deopt', script, library.url, redis.url, path];
  const child = track(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const ended = once(child, 'exit');
  const sections = (await text(child.stdout!)).split('Mark-Compact');
  expect(await ended).toEqual([0, null]);
  const after = sections.slice(WARM_UP, -1);
  expect(after.length).toBeGreaterThanOrEqual(5);
  const times = new Map<string, number>();
  for (const section of after) {
    const lost = section.matchAll(/SharedFunctionInfo (?:get )?(\w+)>.*weak objects/g);
    for (const name of new Set(Array.from(lost, ([, one]) => one!)))
      if (OURS.has(name)) times.set(name, (times.get(name) ?? 0) + 1);
  }
  return [...times].filter(([, count]) => count > after.length / 2).map(([name]) => name);
}

it.each(['hit', 'lone hit', 'get', 'miss', 'l1', 'write'])(
  'a full collection costs the path of a %s none of its optimised code',
  async (path) => {
    expect(await lostAtCollections(path)).toEqual([]);
  },
  120_000,
);

it('finds what a full collection costs where nothing is kept', async () => {
  const folder = dirname(fileURLToPath(library.url));
  const file = join(folder, 'shared', 'keep-shape.js');
  const original = readFileSync(file);
  writeFileSync(file, 'export function keepShape() {}\n');
  try {
    // which of them depends on what the compiler inlined where
    expect((await lostAtCollections('hit')).length).toBeGreaterThan(3);
  } finally {
    writeFileSync(file, original);
  }
}, 120_000);
