import { join } from 'node:path';
import js from '@eslint/js';
import { ESLint, type Linter } from 'eslint';
import type ts from 'typescript';
import tseslint from 'typescript-eslint';
import type { VirtualModule } from './type-check.js';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Lints modules of a program by the rules that `nest new` writes into an application: ESLint's and typescript-eslint's
 * recommended ones, with types. What it makes a warning of counts as well; how lines are broken does not.
 *
 * @returns one line per message: path:line: message (rule)
 */
export async function lintMessagesOf(program: ts.Program, modules: readonly VirtualModule[]): Promise<string[]> {
  const eslint = new ESLint({
    cwd: ROOT,
    ignore: false,
    overrideConfigFile: true,
    overrideConfig: [
      js.configs.recommended,
      ...(tseslint.configs.recommendedTypeChecked as Linter.Config[]),
      { languageOptions: { parserOptions: { programs: [program] } } },
      { rules: { '@typescript-eslint/no-explicit-any': 'off' } },
    ],
  });
  const found: string[] = [];
  for (const { path, code } of modules) {
    const [result] = await eslint.lintText(code, { filePath: join(ROOT, path) });
    for (const { line, message, ruleId } of result?.messages ?? [])
      found.push(`${path}:${line}: ${message} (${ruleId})`);
  }
  return found;
}
