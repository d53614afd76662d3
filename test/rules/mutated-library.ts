import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { mutatedSources } from '../history/mutants/build-mutant.js';
import type { Mutant } from '../history/mutants/mutant.js';

const FUNCTIONS = 'lib/stores/redis/functions';

/**
 * The text of the function library with a rule taken out, as FUNCTION LOAD takes it.
 *
 * @throws Error when an edit does not fit
 */
export function mutatedLibrary(mutant: Mutant): string {
  const sources = mutatedSources(mutant);
  const load = (name: string): Record<string, unknown> => {
    const path = join(FUNCTIONS, `${name}.ts`);
    const source = sources.get(path) ?? readFileSync(path, 'utf8');
    const outputText = asCommonJs(source);
    const exports: Record<string, unknown> = {};
    const require = (specifier: string) => load(specifier.replace(/^\.\//, '').replace(/\.js$/, ''));
    // the sources of this repository, which are text and names of functions
    new Function('exports', 'require', outputText)(exports, require);
    return exports;
  };
  return load('library')['libraryText'] as string;
}

/** Most files are the same in every mutant. */
const transpiled = new Map<string, string>();

function asCommonJs(source: string): string {
  let output = transpiled.get(source);
  if (output === undefined) {
    output = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS } }).outputText;
    transpiled.set(source, output);
  }
  return output;
}
