// Second half of `npm run build`: the ES modules of dist once more as CommonJS, in dist/cjs, for what does not load ES
// modules by `require`: Jest in CommonJS mode, TypeScript's `node16`, older resolvers. Node itself never loads them
// (docs/decisions/0007). Then it looks that every door of package.json's `exports` has its files.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// `import` would read the nine megabytes twice more, to find out what they export
const ts = createRequire(import.meta.url)('typescript');

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const COMMONJS = join(DIST, 'cjs');
const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023, esModuleInterop: true };

rmSync(COMMONJS, { recursive: true, force: true });
for (const file of readdirSync(DIST, { recursive: true })) {
  const from = join(DIST, file);
  const to = join(COMMONJS, file);
  if (!/\.(js|d\.ts)$/.test(file)) continue;
  mkdirSync(dirname(to), { recursive: true });
  // what is declared reads the same in both
  if (file.endsWith('.d.ts')) cpSync(from, to);
  else writeFileSync(to, ts.transpileModule(readFileSync(from, 'utf8'), { compilerOptions }).outputText);
}
writeFileSync(join(COMMONJS, 'package.json'), '{ "type": "commonjs" }\n');

const { exports: doors } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const missing = filesOf(doors).filter((file) => !existsSync(join(ROOT, file)));
if (missing.length > 0) throw new Error(`package.json exports what the build did not write: ${missing.join(', ')}`);

function filesOf(target) {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}
