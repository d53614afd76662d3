// What `npm run typecheck` and `npm run lint` say, from one program: the rules that need types ask the checker that has
// just checked them, and nothing is parsed or inferred twice. `npm test` runs this (docs/decisions/0061).
import { join } from 'node:path';
import { ESLint } from 'eslint';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..');

const program = programOf(join(ROOT, 'tsconfig.json'));
const errors = [...ts.getPreEmitDiagnostics(program)];
if (errors.length > 0) {
  console.error(
    ts.formatDiagnostics(errors, {
      getCanonicalFileName: (path) => path,
      getCurrentDirectory: () => ROOT,
      getNewLine: () => '\n',
    }),
  );
}

const eslint = new ESLint({
  cwd: ROOT,
  overrideConfig: {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: false, programs: [program] } },
  },
});
const results = await eslint.lintFiles('.');
const { format } = await eslint.loadFormatter('stylish');
process.stdout.write(await format(results));

const isClean = results.every(({ errorCount, warningCount }) => errorCount + warningCount === 0);
process.exitCode = errors.length === 0 && isClean ? 0 : 1;

/** @throws Error when the configuration cannot be read */
function programOf(configuration) {
  const fail = ({ messageText }) => {
    throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
  };
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail };
  const {
    fileNames,
    options,
    projectReferences,
    errors: wrong,
  } = ts.getParsedCommandLineOfConfigFile(configuration, {}, host);
  if (wrong.length > 0) fail(wrong[0]);
  return ts.createProgram({ rootNames: fileNames, options, projectReferences });
}
