import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..');

/** A module that stands in no file. */
export interface VirtualModule {
  /** Path from the repository's root, where its imports resolve from. */
  readonly path: string;
  readonly code: string;
}

/** Modules as the compiler knows them, by the repository's own configuration: `nestjs-redis-cache` is lib/index.ts. */
export function programOf(modules: readonly VirtualModule[]): ts.Program {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, ROOT);
  const lenient = { ...options, noUnusedLocals: false, noUnusedParameters: false, noEmit: true, declaration: false };

  const sources = new Map(modules.map(({ path, code }) => [join(ROOT, path), code]));
  const host = ts.createCompilerHost(lenient, true);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.readFile = (path) => sources.get(path) ?? readFile(path);
  return ts.createProgram([...sources.keys()], lenient, host);
}

/** @returns what the compiler says of these modules of the program, one line per error: path:line: message */
export function typeErrorsOf(program: ts.Program, modules: readonly VirtualModule[]): string[] {
  return modules.flatMap(({ path }) => {
    const source = program.getSourceFile(join(ROOT, path))!;
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(
      ({ start = 0, messageText }) =>
        `${path}:${lineAt(source, start)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
  });
}

/** @returns the names in these modules whose type is `any`, of which the compiler checks nothing: path:line: name */
export function untypedNamesOf(program: ts.Program, modules: readonly VirtualModule[]): string[] {
  const checker = program.getTypeChecker();
  return modules.flatMap(({ path }) => {
    const source = program.getSourceFile(join(ROOT, path))!;
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node) && checker.getTypeAtLocation(node).flags & ts.TypeFlags.Any)
        found.push(`${path}:${lineAt(source, node.getStart())}: ${node.text}`);
      ts.forEachChild(node, visit);
    };
    // a name that is imported as a type has none where it is imported
    for (const statement of source.statements) if (!ts.isImportDeclaration(statement)) visit(statement);
    return found;
  });
}

function lineAt(source: ts.SourceFile, position: number): number {
  return source.getLineAndCharacterOfPosition(position).line + 1;
}
