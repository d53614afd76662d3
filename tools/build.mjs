// `npm run build`: lib as ES modules with their declarations in dist, and these modules once more as CommonJS, in
// dist/cjs, for what does not load ES modules by `require`: Jest in CommonJS mode, TypeScript's `node16`, older
// resolvers. Node itself never loads them (docs/decisions/0007). Declarations that no door leads to are left out: they
// were a quarter of the package. Then it looks that every door of package.json's `exports` has its files. With `--modules` the ES modules alone, which is all that the samples need.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const COMMONJS = join(DIST, 'cjs');

rmSync(DIST, { recursive: true, force: true });
compile('tsconfig.build.json');
if (!process.argv.includes('--modules')) {
  compile('tsconfig.commonjs.json');
  const { exports: doors } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const reached = declarationsOf(doors);
  for (const file of readdirSync(DIST, { recursive: true }).filter((file) => file.endsWith('.d.ts'))) {
    // what is declared reads the same in both
    if (reached.has(join(DIST, file))) cpSync(join(DIST, file), join(COMMONJS, file));
    else rmSync(join(DIST, file));
  }
  writeFileSync(join(COMMONJS, 'package.json'), '{ "type": "commonjs" }\n');

  const missing = filesOf(doors).filter((file) => !existsSync(join(ROOT, file)));
  if (missing.length > 0) throw new Error(`package.json exports what the build did not write: ${missing.join(', ')}`);
}

/** By the native compiler: the same modules as TypeScript 6 writes, in a fraction of its time (docs/decisions/0061). */
function compile(configuration) {
  const compiler = join(ROOT, 'node_modules/typescript-native/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', configuration], { cwd: ROOT, stdio: 'inherit' });
  // it has said why
  if (status !== 0) process.exit(1);
}

/** Those of the ES modules to which the doors lead. */
function declarationsOf(doors) {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    const text = readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
    for (const [, from] of text.matchAll(/\b(?:from |import |import\()['"](\.[^'"]+)['"]/g)) {
      visit(join(dirname(file), from.replace(/\.js$/, '.d.ts')));
    }
  };
  for (const file of filesOf(doors).filter((file) => file.endsWith('.d.ts'))) visit(join(ROOT, file));
  return reached;
}

function filesOf(target) {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}
