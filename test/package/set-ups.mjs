// `npm run test:package`: applications as the command line of Nest generates them, with the packed tarball, in the set-ups that teams have.
// Prints a table: set-up × (installs, builds, boots, tests, hit, eviction). Needs the registry; takes some minutes.
// `npm run test:package -- 'Nest 12'` runs the set-ups whose name has these words.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const FIXTURE = join(import.meta.dirname, 'fixtures', 'generated');
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
const NOT_BUNDLED = ['@nestjs/microservices', '@nestjs/websockets/*', 'class-transformer', 'class-validator'];

const folder = mkdtempSync(join(tmpdir(), 'nestjs-redis-cache-set-ups-'));
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(package|lifecycle|config_local_prefix)|INIT_CWD)/.test(name)),
);
const tarball = await pack();

const nest11 = (versions = []) => generate('11', ['ioredis@^5.4.2', ...versions], (line) => line);
const nest12 = () =>
  generate('12', ['ioredis@6'], (line) => line.replace(/(from '\.\/[^']+)'/, "$1.js'"), ['--no-observe']);
const nest = (...args) => bin('nest', 'build', ...args);
const node = (file) => async (app) =>
  JSON.parse((await command(app, process.execPath, file)).trim().split('\n').at(-1));
const bundled = (...flags) => [
  async (app) => {
    await nest()(app);
    const left = [...NOT_BUNDLED, '@nestjs/microservices/microservices-module'].map((name) => `--external:${name}`);
    await bin('esbuild', 'dist/main.js', '--bundle', '--platform=node', '--outfile=one.cjs', ...left, ...flags)(app);
  },
  node('one.cjs'),
];
const CHECKED = {
  target: 'es2022',
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: false,
  types: ['node'],
  noEmit: true,
};
/** The application's sources under options of our own: what `nest new` writes into tsconfig.json is not for every TypeScript. */
const compiled = (typescript, module) => [
  async (app) => {
    const compilerOptions = { ...CHECKED, module, moduleResolution: module };
    const config = { compilerOptions, files: ['src/users.service.ts', 'src/app.module.ts'] };
    writeFileSync(join(app, 'tsconfig.checked.json'), JSON.stringify(config));
    await command(app, 'npx', '-y', '-p', `typescript@${typescript}`, 'tsc', '-p', 'tsconfig.checked.json');
  },
  null,
];

/** Of each: its name, what installs it, what builds it, what boots it, what tests it. Applications of one generator are made once. */
const SET_UPS = [
  ['Nest 11, ioredis 5, Jest 30 (CommonJS)', nest11, [nest(), node('dist/main.js')], bin('jest')],
  ['Nest 11, Jest 29', () => nest11(['jest@29', '@types/jest@29']), [nest(), node('dist/main.js')], bin('jest')],
  ['Nest 11, webpack (nest build --webpack)', nest11, [nest('--webpack'), node('dist/main.js')], null],
  ['Nest 11, webpack, all in one file', nest11, [webpackWhole, node('dist/main.js')], null],
  ['Nest 11, SWC (nest build -b swc)', () => nest11(['@swc/cli', '@swc/core@1.15.18']), [nest('-b', 'swc'), node('dist/main.js')], null], // prettier-ignore
  ['Nest 11, esbuild', () => nest11(['esbuild']), bundled(), null],
  ['Nest 11, esbuild, minified', () => nest11(['esbuild']), bundled('--minify'), null],
  ['Nest 12, ioredis 6, Vitest (ES modules)', nest12, [nest(), node('dist/main.js')], bin('vitest', 'run')],
  ['Nest 11 beside TypeORM 1', () => nest11(['typeorm@1', '@nestjs/typeorm']), [nest(), node('dist/main.js')], null],
  ...['5.4', '5.9', '6', '7'].flatMap((typescript) => [
    [`TypeScript ${typescript}, nodenext`, nest11, compiled(typescript, 'nodenext'), null],
    [`TypeScript ${typescript}, node16`, nest11, compiled(typescript, 'node16'), null], // prettier-ignore
  ]),
];

const wanted = process.argv[2] ?? '';
const rows = [];
const made = new Map();
for (const [name, install, [build, boot], test] of SET_UPS) {
  if (!name.includes(wanted)) continue;
  const row = { 'set-up': name, installs: '–', builds: '–', boots: '–', tests: '–', hit: '–', eviction: '–' };
  rows.push(row);
  const step = async (what, work) => {
    try {
      const result = (await work()) ?? true;
      row[what] = 'yes';
      return result;
    } catch (error) {
      row[what] = 'NO';
      console.error(`${name} ${what}: ${error.stderr ?? ''}${error.stdout ?? ''}${error.message}`.slice(0, 3_000));
      return undefined;
    }
  };
  const app = await step('installs', install);
  if (app === undefined || (await step('builds', () => build(app))) === undefined) continue;
  if (boot) {
    const seen = await step('boots', () => boot(app));
    for (const what of ['hit', 'eviction']) row[what] = seen?.[what] === true ? 'yes' : 'NO';
  }
  if (test) await step('tests', () => test(app));
  console.log(Object.values(row).join(' | '));
}
console.table(rows);
rmSync(folder, { recursive: true, force: true });
process.exitCode = rows.some((row) => Object.values(row).includes('NO')) ? 1 : 0;

async function command(app, file, ...args) {
  const { stdout } = await run(file, args, { cwd: app, env: environment, maxBuffer: 64 * 1024 ** 2 });
  return stdout;
}

function bin(name, ...args) {
  return (app) => command(app, join(app, 'node_modules', '.bin', name), ...args);
}

async function pack() {
  const out = await command(ROOT, 'npm', 'pack', '--json', '--pack-destination', folder);
  return join(folder, JSON.parse(out.slice(out.search(/^\[/m)))[0].filename);
}

/** `nest new`, the files of the fixture, and the packages; once for each list of packages. */
function generate(major, packages, edit, flags = []) {
  const name = `app-${[major, ...packages].join('-').replaceAll(/[^a-z0-9]+/g, '-')}`;
  if (!made.has(name)) made.set(name, create(name, major, packages, edit, flags));
  return made.get(name);
}

async function create(name, major, packages, edit, flags) {
  const app = join(folder, name);
  await command(folder, 'npx', '-y', `@nestjs/cli@${major}`, 'new', name, '--skip-install', '--skip-git', '-p', 'npm', ...flags); // prettier-ignore
  cpSync(FIXTURE, join(app, 'src'), { recursive: true });
  for (const file of readdirSync(FIXTURE)) {
    const path = join(app, 'src', file);
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').map(edit).join('\n'));
  }
  await command(app, 'npm', ...INSTALL, tarball, ...packages);
  return app;
}

/** webpack with everything in one file: what Nest asks for only when it is there is left out. */
async function webpackWhole(app) {
  writeFileSync(
    join(app, 'webpack.config.js'),
    `const { IgnorePlugin } = require('webpack');
const absent = /^(@nestjs\\/(microservices|websockets)|class-transformer|class-validator)/;
module.exports = (options) => ({
  ...options,
  externals: [],
  plugins: [...options.plugins, new IgnorePlugin({ checkResource: (name) => absent.test(name) })],
});\n`,
  );
  await nest('--webpack', '--webpackPath', 'webpack.config.js')(app);
}
