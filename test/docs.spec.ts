import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { defaultKeyOf } from '../lib/keys/default-key.js';
import { Keyspace } from '../lib/keys/keyspace.js';
import { CACHE, L1 } from '../lib/options/cache-table.js';
import type { OptionTable } from '../lib/options/option-table.js';
import { POLICY } from '../lib/options/policy-table.js';
import { CACHE_ERROR_CODES } from '../lib/shared/errors.js';
import { parseEntry } from '../lib/stores/redis/entry-header.js';
import { aclLine } from '../lib/stores/redis/preflight.js';
import { lintMessagesOf } from './support/lint.js';
import { fencesOf, headingsOf, linksOf, sectionOf, tableOf } from './support/markdown.js';
import { programOf, typeErrorsOf, untypedNamesOf } from './support/type-check.js';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The files of the repository, and new ones that git does not ignore. */
const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path && existsSync(join(ROOT, path)));
const pages = tracked.filter((path) => path.endsWith('.md'));

describe('docs/errors.md', () => {
  const text = read('docs/errors.md');
  const sections = headingsOf(text).filter(({ depth }) => depth === 2);

  it('has a section for each error code, in the order of the code, and no other', () => {
    expect(sections.map((heading) => heading.text)).toEqual([...CACHE_ERROR_CODES]);
  });

  it.each(CACHE_ERROR_CODES)('says what %s is, when it comes, and its cure', (code) => {
    const section = sectionOf(text, code) ?? '';
    for (const part of ['What', 'When', 'Cure'])
      expect(section).toMatch(new RegExp(`^\\* \\*\\*${part}\\*\\*: \\S`, 'm'));
  });
});

describe('docs/redis.md', () => {
  it.each([
    [1, ''],
    [1, ':2'],
    [256, ''],
  ])(
    'has the least rights that the boot check names, with %i buckets and channels ending in "%s"',
    (bucketCount, end) => {
      const keyspace = new Keyspace({ service: 'user', bucketCount, maxKeyLength: 200 });
      const context = { keyspace, channelOf: (bucket: number) => keyspace.channelOf(bucket) + end };
      expect(read('docs/redis.md').split('\n')).toContain(aclLine(context));
    },
  );
});

describe('docs/architecture.md', () => {
  const text = read('docs/architecture.md');
  const exampleIn = (section: string) => fencesOf(sectionOf(text, section) ?? '')[0]!.code.trim();

  it('shows the header of a value field by field, as it is read', () => {
    const header = exampleIn('The header of a value');
    const rows = tableOf(sectionOf(text, 'The header of a value') ?? '');
    expect(rows.map(([, example]) => example!.replaceAll('`', '')).join('|')).toBe(header);
    expect(parseEntry(`${header}\n{}`)).toEqual({
      payload: '{}',
      format: 'json {"filter":{"since":"D"}}',
      stamp: 57,
      incarnation: 1795642352809985,
      freshUntilMicros: 1795642633334260,
      loadMicros: 1025,
      version: '3',
      tags: ['org:7', 'a,b'],
    });
  });

  it('shows a default key as it is made', () => {
    const identity = { runtimeClass: 'UsersService', declaringClass: 'UsersService', method: 'search' };
    const identifier = defaultKeyOf(identity, 'UsersService.search')(['ann', 2, { since: new Date(0), org: 7 }]);
    const keyspace = new Keyspace({ service: 'user', bucketCount: 1, maxKeyLength: 200 });
    expect(exampleIn('Default keys')).toBe(keyspace.key('UsersService', identifier, 'json').entry);
  });
});

describe('docs/options.md', () => {
  const text = read('docs/options.md');
  const interfaces = optionInterfaces(['lib/options/redis-cache-options.ts', 'lib/options/policy-options.ts']);
  const ofCache = new Set(interfaces.get('RedisCacheOptions')?.map(({ name }) => name));

  it('has a table for each interface of options, and no other', () => {
    const documented = headingsOf(text).filter(({ depth }) => depth === 2);
    expect(documented.map((heading) => heading.text)).toEqual([...interfaces.keys()]);
  });

  it.each([...interfaces])('lists the options of %s with their types and defaults', (name, options) => {
    const rows = tableOf(sectionOf(text, name) ?? '').map(([option, type, byDefault]) => ({
      name: option!.replaceAll('`', ''),
      type: type!.replaceAll('`', ''),
      default: byDefault!.replaceAll('`', ''),
    }));
    const expected = options.map((option) => ({
      ...option,
      default: name === 'RegionOptions' && ofCache.has(option.name) ? "the cache's" : (option.default ?? '–'),
    }));
    expect(rows.sort(byName)).toEqual(expected.sort(byName));
  });

  it.each([
    ['RedisCacheOptions', { ...POLICY, ...CACHE }],
    ['RegionOptions', POLICY],
    ['L1Options', L1],
  ] as [string, OptionTable][])('states the defaults of %s that the code has', (name, table) => {
    const all = (interfaces.get(name) ?? []).filter((option) => option.default);
    // where the code has none, words say what holds
    const stated = all.filter((option) => table[option.name]!.default !== undefined);
    for (const option of all) if (!stated.includes(option)) expect(option.default).not.toMatch(/^('|\d|true$|false$)/);
    expect(stated.length).toBeGreaterThan(0);
    expect(Object.fromEntries(stated.map((option) => [option.name, valueOf(option.default!)]))).toEqual(
      Object.fromEntries(stated.map((option) => [option.name, table[option.name]!.default])),
    );
  });
});

describe('docs/decorators.md', () => {
  const interfaces = optionInterfaces([
    'lib/options/policy-options.ts',
    'lib/operations/operation-options.ts',
    'lib/cache/read-policy.ts',
    'lib/cache/cache-region.ts',
  ]);
  const rows = tableOf(read('docs/decorators.md')).map((cells) => cells.map((cell) => cell.replaceAll('`', '')));

  it.each([
    ['CacheableOptions', 1],
    ['CachePutOptions', 2],
    ['CacheEvictOptions', 3],
    ['CacheConfigOptions', 4],
    ['GetOrLoadOptions', 5],
  ])('marks the options of %s, and no other', (name, column) => {
    const marked = rows.filter((cells) => cells[column] === 'x').map(([option]) => option);
    expect(marked.sort()).toEqual([...new Set(interfaces.get(name)!.map((option) => option.name))].sort());
  });
});

describe('docs/http.md', () => {
  it('lists the options of @HttpCache, and no others', () => {
    const options = optionInterfaces(['lib/http/http-cache-options.ts']).get('HttpCacheOptions')!;
    const rows = tableOf(sectionOf(read('docs/http.md'), 'Options of `@HttpCache`') ?? '');
    const named = rows.map(([option]) => option!.replaceAll('`', ''));
    expect(named.sort()).toEqual(options.map(({ name }) => name).sort());
  });
});

describe('docs/protocol.md', () => {
  const text = read('docs/protocol.md');
  const sections = headingsOf(text).flatMap((heading) => /^(\d+)\. /.exec(heading.text)?.[1] ?? []);
  const named = [text, read('docs/coherence.md')].flatMap((page) => [...page.matchAll(/^\| ([RTG]\d+) \|/gm)]);
  const names = new Set(named.map(([, name]) => name!));
  const cited = (pattern: RegExp) => {
    const found = new Map<string, string>();
    for (const path of tracked.filter((one) => /^(lib|test\/(model|rules))\/.*\.ts$/.test(one))) {
      for (const [, name] of read(path).matchAll(pattern)) found.set(name!, path);
    }
    return [...found];
  };

  it('numbers its sections from 1', () => {
    expect(sections).toEqual(sections.map((_, n) => `${n + 1}`));
    expect(sections.length).toBeGreaterThan(7);
  });

  it('has each section that the code cites', () => {
    const numbers = cited(/PROTOCOL ([\d, andto]*\d)/g);
    expect(numbers.length).toBeGreaterThan(4);
    const absent = numbers.filter(([all]) => !all.match(/\d+/g)!.every((number) => sections.includes(number)));
    expect(absent).toEqual([]);
  });

  it('has each rule that the code names', () => {
    const rules = cited(/(?<![\w'])([RTG]\d{1,2})(?![\w'])/g);
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter(([name]) => !names.has(name) && name !== 'T10')).toEqual([]);
  });
});

describe('the glossary', () => {
  const rows = tableOf(read('docs/glossary.md'));
  const lib = tracked.filter((path) => path.startsWith('lib/')).map(read);

  it('defines each word once', () => {
    const words = rows.flatMap(([term]) => term!.replaceAll('`', '').split(', '));
    expect(words.length).toBeGreaterThan(20);
    expect(words).toEqual([...new Set(words)]);
  });

  it.each(rows.map(([term, , inCode]) => [term!, inCode!]))('names for "%s" what is in the code: %s', (_, inCode) => {
    const names = [...inCode.matchAll(/`([^`]+)`/g)].map(({ 1: name }) => name!);
    const absent = names.filter((name) => {
      const word = new RegExp(`(?<![\\w$])${name.replaceAll(/[^\w]/g, '\\$&')}(?![\\w$])`);
      return !lib.some((source) => word.test(source));
    });
    expect(absent).toEqual([]);
  });
});

describe('docs/decisions', () => {
  const decisions = readdirSync(join(ROOT, 'docs/decisions')).sort();

  it('have a number each', () => {
    const numbers = decisions.map((file) => file.slice(0, 4));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it.each(decisions)('%s has context, choice, what was rejected, and how to tell it was wrong', (file) => {
    const parts = headingsOf(read(`docs/decisions/${file}`)).map(({ depth, text }) => `${depth} ${text}`);
    expect(parts).toEqual([
      expect.stringMatching(new RegExp(`^1 ${file.slice(0, 4)} `)),
      '2 Context',
      '2 Choice',
      '2 Rejected',
      '2 How to tell it was wrong',
    ]);
  });

  it('show the import floors that the architecture test keeps', () => {
    const source = read('test/architecture.spec.ts');
    const floors = /const FLOORS = (\[[^]*?\n\]);/.exec(source)?.[1] ?? '';
    const kept = [...floors.matchAll(/^ {2}\[(.*)\],$/gm)].map(({ 1: floor }) => floor!.replaceAll("'", ''));
    const rows = tableOf(sectionOf(read('docs/decisions/0001-import-floors.md'), 'Choice') ?? '');
    const shown = rows.map(([, folders]) => [...folders!.matchAll(/`([^`]+)`/g)].map(({ 1: name }) => name).join(', '));
    expect(kept.length).toBeGreaterThan(4);
    expect(shown.reverse()).toEqual(kept);
  });

  it('name the dependencies that package.json has', () => {
    const { dependencies, peerDependencies } = JSON.parse(read('package.json')) as Record<string, object>;
    const rows = tableOf(sectionOf(read('docs/decisions/0006-dependencies.md'), 'Choice') ?? '');
    const named = rows.flatMap(([names]) => [...names!.matchAll(/`([^`]+)`/g)].map(({ 1: name }) => name!));
    expect(named.sort()).toEqual([...Object.keys(dependencies!), ...Object.keys(peerDependencies!)].sort());
  });
});

describe('code in the docs', () => {
  const snippets = pages.flatMap((page) =>
    fencesOf(read(page))
      .filter(({ language, flags }) => /^(ts|typescript)$/.test(language) && !flags.includes('fragment'))
      .map((fence) => ({
        path: join(dirname(page), `${page.replaceAll(/\W/g, '_')}_line_${fence.line}.ts`),
        code: `${fence.given}\n${fence.code}\nexport {};\n`,
      })),
  );
  let program: ts.Program;
  beforeAll(() => {
    program = programOf(snippets);
  }, 60_000);

  it('compiles against the library', () => {
    expect(typeErrorsOf(program, snippets)).toEqual([]);
  }, 60_000);

  it('has no name of type any', () => {
    expect(untypedNamesOf(program, snippets)).toEqual([]);
  });

  it('passes the linter that an application of Nest has', async () => {
    expect(await lintMessagesOf(program, snippets)).toEqual([]);
  }, 60_000);
});

describe('links in the docs', () => {
  it.each(pages)('%s points at files and headings that exist', (page) => {
    const broken = linksOf(read(page)).filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !headingsOf(read(target)).some((heading) => heading.anchor === anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('the repository', () => {
  const machinePaths = /(?<![\w.~/])\/(?:root|work|farm|home\/\w+|Users\/\w+)\//;
  const registryHosts = /\bregistry\.[a-z]+(?:js)?\.(?:org|com)\b|\brepo\.maven\b/;

  it('names no path of a machine and no host of a package registry', () => {
    const found = tracked
      .filter((path) => !/\.(png|ico|woff2?)$/.test(path))
      .flatMap((path) =>
        read(path)
          .split('\n')
          .flatMap((line, index) =>
            machinePaths.test(line) || registryHosts.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
          ),
      );
    expect(found).toEqual([]);
  });
});

interface DocumentedOption {
  readonly name: string;
  readonly type: string;
  /** Text of `@default`. */
  readonly default: string | undefined;
}

/** The public interfaces of options in these files, with what they inherit there. */
function optionInterfaces(paths: readonly string[]): Map<string, DocumentedOption[]> {
  const declared = new Map<string, ts.InterfaceDeclaration>();
  for (const path of paths) {
    const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);
    for (const statement of source.statements.filter(ts.isInterfaceDeclaration)) {
      declared.set(statement.name.text, statement);
    }
  }
  const isPublic = (node: ts.Node) => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'publicApi');
  const found = [...declared].filter(([, statement]) => isPublic(statement));
  return new Map(found.map(([name, statement]) => [name, optionsOf(statement, declared)]));
}

function optionsOf(
  statement: ts.InterfaceDeclaration,
  declared: ReadonlyMap<string, ts.InterfaceDeclaration>,
  given: readonly string[] = [],
): DocumentedOption[] {
  const types = new Map<string, string>();
  for (const [n, { name, default: byDefault }] of (statement.typeParameters ?? []).entries()) {
    const text = given[n] ?? byDefault!.getText();
    types.set(name.text, types.get(text) ?? text);
  }
  const inherited = (statement.heritageClauses ?? [])
    .flatMap((clause) => clause.types)
    .flatMap(({ expression, typeArguments = [] }) =>
      optionsOf(
        declared.get(expression.getText())!,
        declared,
        typeArguments.map((type) => type.getText()),
      ),
    );
  const own = statement.members.filter(ts.isPropertySignature).map((member) => {
    const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
    const type = member.type!.getText();
    return {
      name: member.name.getText(),
      type: types.get(type) ?? type,
      default: tag && ts.getTextOfJSDocComment(tag.comment),
    };
  });
  return [...inherited, ...own];
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

/** `'5m'`, `10_000`, `1 MiB`, `0 (never)`, `false` -> the value. */
function valueOf(text: string): unknown {
  const [, literal, unit] = /^('[^']*'|[\d._]+|true|false)(?: (KiB|MiB))?(?: \(.*\))?$/.exec(text) ?? [];
  if (literal === undefined) throw new Error(`"${text}" is no default that can be compared with the code`);
  if (literal.startsWith("'")) return literal.slice(1, -1);
  if (literal === 'true' || literal === 'false') return literal === 'true';
  return Number(literal.replaceAll('_', '')) * ({ KiB: 1024, MiB: 1024 ** 2 }[unit ?? ''] ?? 1);
}
