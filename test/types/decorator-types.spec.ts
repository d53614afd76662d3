import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..');
const FIXTURES = join(import.meta.dirname, 'fixtures');

/**
 * `// error: part of the message` stands on the line before the one that must not compile; `// error at ttl: …` where
 * it is the one message for that line, and points at that word.
 */
function expectedErrors(source: string): { line: number; at: string | undefined; text: string }[] {
  return source.split('\n').flatMap((text, index) => {
    const marker = /\/\/ error(?: at (\S+))?: (.*)$/.exec(text);
    return marker ? [{ line: index + 2, at: marker[1], text: marker[2]! }] : [];
  });
}

const fixtures = readdirSync(FIXTURES).map((file) => join(FIXTURES, file));
const config = ts.getParsedCommandLineOfConfigFile(
  join(ROOT, 'tsconfig.base.json'),
  {},
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => expect(diagnostic).toBeUndefined() },
)!;
const host = rememberingHost();
const program = ts.createProgram(
  fixtures,
  { ...config.options, noUnusedLocals: false, noUnusedParameters: false },
  host,
);

it('names the switch where experimentalDecorators is off', () => {
  const options = { ...config.options, experimentalDecorators: false, emitDecoratorMetadata: false };
  const file = join(import.meta.dirname, 'standard-decorators.ts');
  const standard = ts.createProgram([file], options, host);
  const messages = ts
    .getPreEmitDiagnostics(standard, standard.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  expect(messages).toHaveLength(2);
  for (const message of messages) expect(message).toContain('Set "experimentalDecorators": true in tsconfig.json');
});

describe.each(fixtures)('%s', (file) => {
  const source = program.getSourceFile(file)!;
  const found = ts.getPreEmitDiagnostics(program, source).map((diagnostic) => ({
    line: source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line + 1,
    rest: source.text.slice(diagnostic.start),
    text: ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'),
  }));
  const expected = expectedErrors(readFileSync(file, 'utf8'));

  it('compiles where nothing else is said', () => {
    expect(found.filter(({ line }) => !expected.some((error) => error.line === line))).toEqual([]);
  });

  if (expected.length > 0) {
    it.each(expected)('does not compile at line $line: $text', ({ line, at, text }) => {
      const errors = found.filter((error) => error.line === line);
      expect(errors.map((error) => error.text).join('\n')).toContain(text);
      if (at !== undefined) expect(errors.map(({ rest }) => rest.slice(0, at.length))).toEqual([at]);
    });
  }
});

/** Reads each file once for all programs, whose options differ in nothing that a parsed file depends on. */
function rememberingHost(): ts.CompilerHost {
  const host = ts.createCompilerHost(config.options);
  const { getSourceFile } = host;
  const read = new Map<string, ts.SourceFile | undefined>();
  host.getSourceFile = (path, ...rest) => {
    if (!read.has(path)) read.set(path, getSourceFile(path, ...rest));
    return read.get(path);
  };
  return host;
}
