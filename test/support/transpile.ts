import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** As tsconfig.json says; what needs no types needs no program. */
const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

/**
 * TypeScript as JavaScript, without a look at its types: `npm run typecheck` is for that.
 *
 * @param path for messages
 * @throws Error when it is not TypeScript
 */
export function transpile(text: string, path: string): string {
  const { outputText, diagnostics = [] } = ts.transpileModule(text, {
    compilerOptions: OPTIONS,
    fileName: path,
    reportDiagnostics: true,
  });
  if (diagnostics.length > 0) {
    const [{ messageText, start = 0 }] = diagnostics as [ts.Diagnostic];
    const line = text.slice(0, start).split('\n').length;
    throw new Error(`${path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
  }
  return outputText;
}

/** Transpiles folders of the repository, specs aside, to folders of the same names below `to`. */
export function transpileFolders(folders: readonly string[], to: string): void {
  for (const folder of folders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.spec.ts') || file.includes('fixtures')) continue;
      const path = join(folder, file);
      const target = join(to, path).replace(/\.ts$/, '.js');
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, transpile(readFileSync(path, 'utf8'), path));
    }
  }
}
