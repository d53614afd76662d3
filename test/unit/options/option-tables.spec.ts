import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import type { ReadOptions } from '../../../lib/cache/read-policy.js';
import type { CacheableOptions, CacheConfigOptions } from '../../../lib/operations/operation-options.js';
import { CACHE, L1 } from '../../../lib/options/cache-table.js';
import { POLICY, POLICY_AT } from '../../../lib/options/policy-table.js';
import type { RedisCacheOptions } from '../../../lib/options/redis-cache-options.js';

const LIB = join(import.meta.dirname, '..', '..', '..', 'lib');

/**
 * What the engine reads bears the name of the option where that is no duration and no share: then only these files are
 * counted.
 */
const WHERE_OPTIONS_ARE_STATED =
  /^(options|operations|interception|application)\/|^cache\/(read-policy|check-call)\.ts/;

/** Doors that have options of their own, which may bear the same name. */
const DOORS = /^(http|invalidation|health|testing)\//;

/** What the engine does, beside how long. */
const VERBS = ['lease', 'fence'];

/** Words that name other things there as well; `l1` is two options. */
const ORDINARY_WORDS = ['keys', 'type', 'schema', 'shape', 'reads', 'l1'];

/** Options of the same name that are others. */
const OTHER_OPTIONS: Readonly<Record<string, RegExp>> = {
  // of ioredis
  commandTimeout: /connection-form|stores\/redis|cache-client-options|boot-advice/,
  // of a rule about events
  tombstone: /^operations\/|operation-schema/,
};

/** Names of properties, and texts, by the files in which they stand. */
function wordsOfLib(): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, string[]>();
  for (const file of readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((one) => one.endsWith('.ts'))) {
    const seen = new Set<string>();
    const visit = (node: ts.Node) => {
      if (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) seen.add(node.text);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, readFileSync(join(LIB, file), 'utf8'), ts.ScriptTarget.Latest));
    for (const word of seen) words.set(word, [...(words.get(word) ?? []), file]);
  }
  return words;
}

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

describe('an option', () => {
  const words = wordsOfLib();
  const specs = Object.entries({ ...POLICY, ...CACHE, ...L1 });

  it.each(specs.filter(([name]) => !ORDINARY_WORDS.includes(name)))(
    'is spelled in three files at most: %s',
    (name, { kind }) => {
      const files = (words.get(name) ?? []).filter((file) => !DOORS.test(file));
      const counted =
        kind === 'value' || VERBS.includes(name) ? files.filter((file) => WHERE_OPTIONS_ARE_STATED.test(file)) : files;
      const ours = counted.filter((file) => !OTHER_OPTIONS[name]?.test(file));
      expect(ours.length).toBeGreaterThan(1);
      expect(ours.length > 3 ? ours : []).toEqual([]);
    },
  );

  it('of the tables is one that the interfaces have, at each level, and no other is', () => {
    type Place = 'cache' | 'region';
    const same: [
      Same<
        keyof RedisCacheOptions,
        keyof typeof POLICY_AT.cache | keyof typeof CACHE | 'service' | 'redis' | 'l1' | 'regions'
      >,
      Same<Exclude<keyof CacheConfigOptions, Place>, keyof typeof POLICY_AT.class>,
      Same<keyof ReadOptions, keyof typeof POLICY_AT.method | 'tags' | 'version' | 'unless'>,
      Same<keyof CacheableOptions, keyof ReadOptions | Place | 'condition' | 'key' | 'shared'>,
    ] = [true, true, true, true];
    expect(same).not.toContain(false);
    for (const [level, table] of Object.entries(POLICY_AT)) {
      for (const [name, { levels }] of Object.entries(table))
        expect([name, levels]).toEqual([name, expect.arrayContaining([level])]);
    }
  });
});
