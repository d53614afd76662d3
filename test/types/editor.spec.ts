import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

/** What stands in a literal for each option; of those with functions, a function. */
const VALUES: Record<string, string> = {
  allEntries: 'true',
  beforeInvocation: 'false',
  cache: "'second'",
  condition: '(id: number) => id > 0',
  earlyRefresh: '1',
  errorBackOff: "'1s'",
  jitter: '0.1',
  key: '(id: number) => id',
  keys: '(id: number) => [id]',
  mutable: 'true',
  negativeTtl: "'30s'",
  region: "'profile'",
  schema: 'schema',
  shared: 'true',
  staleIf: '() => true',
  staleIfError: "'1h'",
  staleWhileRevalidate: "'30s'",
  strict: 'true',
  tags: "() => ['users']",
  timeout: "{ hard: '5s' }",
  ttl: "'5m'",
  type: "'plain'",
  unless: '() => false',
  version: '() => 1',
};

/** Literals of options, as they are written. `|` is where an editor is asked for completions. */
const DECORATORS = ['Cacheable', 'CachePut', 'CacheEvict', 'CacheConfig'] as const;
const DECLARED = `
import { Cacheable, CacheConfig, CacheEvict, CachePut, RedisCacheModule } from '../../lib/index.js';
import type { StandardSchemaV1 } from '@standard-schema/spec';
declare const schema: StandardSchemaV1;
type Method = (id: number) => Promise<number>;
`;

interface Editor {
  /** @returns name -> its text, of what is offered at `|` that is no plain name of the file */
  completions(source: string): Map<string, string>;
  /** @returns the text shown over the name that follows each `|` */
  hovers(source: string): Map<string, string>;
}

describe('an editor', () => {
  const editor = openEditor();

  const literal = (decorator: string, named: string, options: string) =>
    decorator === 'CacheConfig'
      ? `@CacheConfig({ ${options} }) class S {}`
      : `class S { @${decorator}${named}({ ${options} }) async find(id: number): Promise<number> { return id; } }`;
  const cases = DECORATORS.flatMap((decorator) =>
    (decorator === 'CacheConfig' ? [''] : ['', '<Method>']).map((named) => ({ decorator, named })),
  );

  it.each(cases)(
    'offers and explains every option of @$decorator$named',
    ({ decorator, named }) => {
      // without the key that it must have, TypeScript takes the other form of it
      const given = decorator === 'CachePut' && named === '' ? { key: `key: ${VALUES['key']},` } : {};
      const offered = editor.completions(literal(decorator, named, `${Object.values(given).join('')} |`));
      const names = [...Object.keys(given), ...offered.keys()];
      expect(names.length).toBeGreaterThan(8);
      expect(names.filter((name) => VALUES[name] === undefined)).toEqual([]);
      expect([...offered].filter(([, text]) => text === '')).toEqual([]);
      const all = names.map((name) => `|${name}: ${VALUES[name]}`).join(', ');
      const shown = editor.hovers(literal(decorator, named, all));
      expect([...shown.keys()].sort()).toEqual(names.sort());
      expect([...shown].filter(([, text]) => text === '')).toEqual([]);
    },
    120_000,
  );

  it('says the unit of a duration first', () => {
    const shown = editor.hovers(literal('Cacheable', '', "|ttl: '5m', |staleIfError: '1h', |negativeTtl: '1s'"));
    for (const text of shown.values()) expect(text).toMatch(/^[^.]*: milliseconds, or text/);
  }, 120_000);

  it('explains every option of the module', () => {
    const offered = editor.completions("RedisCacheModule.forRoot({ service: 'user', | })");
    expect(offered.size).toBeGreaterThan(20);
    expect([...offered].filter(([, text]) => text === '')).toEqual([]);
  }, 120_000);

  it('offers the forms of `redis`, and no members of a client', () => {
    const offered = editor.completions("RedisCacheModule.forRoot({ service: 'user', redis: { | } })");
    expect([...offered.keys()]).toEqual(expect.arrayContaining(['url', 'host', 'sentinels', 'nodes', 'client']));
    for (const form of ['url', 'nodes', 'client', 'credentials', 'duplicate']) expect(offered.get(form)).not.toBe('');
    for (const member of ['sendCommand', 'disconnect', '_buildBatchContext', 'get'])
      expect(offered.has(member)).toBe(false);
    const shown = editor.hovers("RedisCacheModule.forRoot({ service: 'user', redis: { |url: 'redis://localhost' } })");
    expect(shown.get('url')).toMatch(/^A standalone server/);
  }, 120_000);
});

/** The language service of TypeScript, as editors run it, with the repository's own configuration. */
function openEditor(): Editor {
  const root = join(import.meta.dirname, '..', '..');
  const file = join(import.meta.dirname, 'in-the-editor.ts');
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root);
  let text = '';
  let version = 0;
  const read = (path: string) => (path === file ? text : ts.sys.readFile(path));
  const service = ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: (path) => (path === file ? `${version}` : '1'),
    getScriptSnapshot: (path) => {
      const source = read(path);
      return source === undefined ? undefined : ts.ScriptSnapshot.fromString(source);
    },
    getCurrentDirectory: () => root,
    getCompilationSettings: () => options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (path) => path === file || ts.sys.fileExists(path),
    readFile: read,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  /** @returns where the marks stood */
  const show = (source: string): number[] => {
    const parts = (DECLARED + source).split('|');
    text = parts.join('');
    version += 1;
    let at = 0;
    return parts.slice(0, -1).map((part) => (at += part.length));
  };
  const textOf = (parts: ts.SymbolDisplayPart[] | undefined) => ts.displayPartsToString(parts);
  return {
    completions(source) {
      const [at] = show(source);
      const { entries } = service.getCompletionsAtPosition(file, at!, {})!;
      const kinds = [ts.ScriptElementKind.memberVariableElement, ts.ScriptElementKind.memberFunctionElement];
      const properties = entries.filter(({ kind }) => kinds.includes(kind));
      return new Map(
        properties.map(({ name }) => {
          const details = service.getCompletionEntryDetails(file, at!, name, {}, undefined, {}, undefined);
          return [name, textOf(details?.documentation)];
        }),
      );
    },
    hovers(source) {
      const places = show(source);
      return new Map(
        places.map((at) => {
          const name = /^\w+/.exec(text.slice(at))![0];
          return [name, textOf(service.getQuickInfoAtPosition(file, at)?.documentation)];
        }),
      );
    },
  };
}
