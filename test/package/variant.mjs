import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const COPIED = ['lib', 'test', 'sample', 'docs', 'bench', 'package.json', 'nest-cli.json', 'jest.config.js'];
const CONFIGS = readdirSync(ROOT).filter((file) => /^tsconfig.*\.json$/.test(file));

/**
 * A copy of the repository whose node_modules has other versions of some packages: links to the repository's own, and
 * beside them what npm installs anew.
 *
 * @param {readonly string[]} packages as npm takes them, such as `ioredis@5.4.2`
 */
export function makeVariant(packages) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-redis-cache-variant-'));
  for (const path of [...COPIED, ...CONFIGS]) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\n');

  const fresh = join(folder, 'fresh');
  mkdirSync(fresh);
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--legacy-peer-deps', '--loglevel=error'];
  execFileSync('npm', ['install', ...flags, '--prefix', fresh, ...packages], { cwd: fresh, stdio: 'inherit' });
  execFileSync('mv', [join(fresh, 'node_modules'), join(folder, 'node_modules')]);
  for (const name of packageNamesIn(join(ROOT, 'node_modules'))) {
    const link = join(folder, 'node_modules', name);
    if (existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What Node needs for Jest to run ES modules. */
export const ES_MODULES = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

/** Runs Jest in the copy. @returns whether all tests passed */
export function jestIn(folder, flags, ...args) {
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  try {
    execFileSync(process.execPath, [...flags, jest, '--forceExit', '--rootDir', folder, ...args], {
      cwd: folder,
      stdio: 'inherit',
    });
    return true;
  } catch {
    return false;
  }
}

function packageNamesIn(modules) {
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => (name.startsWith('@') ? readdirSync(join(modules, name)).map((sub) => `${name}/${sub}`) : name));
}
