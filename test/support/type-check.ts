import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..');

/** A module that stands in no file. */
export interface VirtualModule {
  /** Path from the repository's root, where its imports resolve from. */
  readonly path: string;
  readonly code: string;
}

/**
 * Type-checks modules with the repository's own configuration, so that `nestjs-redis-cache` is lib/index.ts.
 *
 * @returns one line per error: path:line: message
 */
export function typeErrorsOf(modules: readonly VirtualModule[]): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, ROOT);
  const lenient = { ...options, noUnusedLocals: false, noUnusedParameters: false, noEmit: true, declaration: false };

  const sources = new Map(modules.map(({ path, code }) => [join(ROOT, path), code]));
  const host = ts.createCompilerHost(lenient);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.readFile = (path) => sources.get(path) ?? readFile(path);

  const program = ts.createProgram([...sources.keys()], lenient, host);
  return [...sources.keys()].flatMap((path) => {
    const source = program.getSourceFile(path)!;
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => {
      const line = source.getLineAndCharacterOfPosition(start).line + 1;
      return `${path.slice(ROOT.length + 1)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
}
