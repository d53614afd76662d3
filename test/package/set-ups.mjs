// `npm run test:package`: applications as the command line of Nest generates them, with the packed tarball, in the
// set-ups that teams have. Their application uses every entry: the module and its decorators, /http, /health,
// /microservices, and /testing in its tests. Prints a table: set-up × (installs, builds, boots, tests, lints, hit,
// eviction, event, http, health, seconds). Needs the registry. `npm run test:package -- 'Nest 12|esbuild'` runs the
// set-ups whose name this matches.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const FIXTURE = join(import.meta.dirname, 'fixtures', 'generated');
const RUNNERS = join(import.meta.dirname, 'fixtures', 'runners');
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
const BIN = join(ROOT, 'node_modules', '.bin');
/** What Nest, its microservices and Terminus ask for only when it is there. */
const ABSENT = [
  '@nestjs/websockets',
  'class-transformer',
  'class-validator',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'kafkajs',
  'mqtt',
  'nats',
  '@nats-io/transport-node',
  'amqplib',
  'amqp-connection-manager',
  '@mikro-orm/core',
  '@nestjs/axios',
  '@nestjs/mongoose',
  '@nestjs/sequelize',
  '@nestjs/typeorm',
];

const folder = mkdtempSync(join(tmpdir(), 'nestjs-redis-cache-set-ups-'));
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(package|lifecycle|config_local_prefix)|INIT_CWD)/.test(name)),
);
const tarball = await pack();

/** What an application of the fixture needs beside the package. */
const doors = (major) => [`@nestjs/microservices@${major}`, `@nestjs/terminus@${major}`];
const asModules = (line) => line.replace(/(from '\.\/[^']+)'/, "$1.js'");
const nest11 = (versions = []) => generate('11', ['ioredis@^5.4.2', ...doors(11), ...versions], (line) => line);
const nest12 = (versions = []) => generate('12', ['ioredis@6', ...doors(12), ...versions], asModules, ['--no-observe']);
const { freePort } = await support('servers/free-port.ts');
const nest = (...args) => bin('nest', 'build', ...args);
const node = (file) => async (app) => {
  const ports = { EVENTS_PORT: `${await freePort()}` };
  return JSON.parse((await command(app, process.execPath, [file], ports)).trim().split('\n').at(-1));
};
const bundled = (...flags) => [
  async (app) => {
    await nest()(app);
    const left = ABSENT.flatMap((name) => [`--external:${name}`, `--external:${name}/*`]);
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
/**
 * The application's sources under options of our own: what `nest new` writes into tsconfig.json is not for every
 * TypeScript.
 */
const compiled = (typescript, module) => [
  async (app) => {
    const compilerOptions = { ...CHECKED, module, moduleResolution: module };
    const config = { compilerOptions, files: ['src/main.ts'] };
    writeFileSync(join(app, 'tsconfig.checked.json'), JSON.stringify(config));
    await command(app, 'npx', ['-y', '-p', `typescript@${typescript}`, 'tsc', '-p', 'tsconfig.checked.json']);
  },
  null,
];

/**
 * The examples of README and docs as files of the application, by its own linter; its fixes are not undone, its
 * warnings count.
 */
const linted =
  (...flags) =>
  async (app) => {
    const examples = join(app, 'src', 'examples');
    mkdirSync(examples, { recursive: true });
    for (const { name, code } of await examplesOfTheDocs()) writeFileSync(join(examples, name), code);
    try {
      await command(app, 'npm', ['run', 'lint', '--', ...flags]);
    } finally {
      rmSync(examples, { recursive: true });
    }
  };

/** How the test runners fake timers, as docs/testing.md says. */
const FAKES = {
  jest: `const useFakeTimers = () => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);`,
  vitest: `const useFakeTimers = () => vi.useFakeTimers();
const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);`,
};

/** The application's tests by its own runner, and one under its fake timers. */
const tested =
  (runner, ...args) =>
  async (app) => {
    const isVitest = runner === 'vitest';
    const text = readFileSync(join(RUNNERS, 'fake-timers.spec.ts'), 'utf8');
    const [imports, rest] = text.split('\n\n');
    const lines = isVitest ? [...imports.split('\n').map(asModules), "import { vi } from 'vitest';"] : [imports];
    const file = join(app, 'src', 'fake-timers.spec.ts');
    writeFileSync(file, [...lines, FAKES[runner], rest].join('\n'));
    try {
      await bin(runner, ...args)(app);
    } finally {
      rmSync(file);
    }
  };

/** What was built, by the runner of Node. */
async function nodeTested(app) {
  cpSync(join(RUNNERS, 'users.node-test.mjs'), join(app, 'dist', 'users.node-test.mjs'));
  await command(app, process.execPath, ['--test', 'dist/users.node-test.mjs']);
}

/**
 * Of each: its name, what installs it, what builds it, what boots it, what tests it, what lints it. Applications of one
 * generator are made once.
 */
const SET_UPS = [
  ['Nest 11, ioredis 5, Jest 30 (CommonJS), ESLint', () => nest11(['msgpackr']), [nest(), node('dist/main.js')], tested('jest'), linted('--max-warnings', '0')], // prettier-ignore
  ['Nest 11, Jest 29', () => nest11(['jest@29', '@types/jest@29']), [nest(), node('dist/main.js')], tested('jest')],
  ['Nest 11, node:test', nest11, [nest(), node('dist/main.js')], nodeTested],
  ['Nest 11, webpack (nest build --webpack)', nest11, [nest('--webpack'), node('dist/main.js')]],
  ['Nest 11, webpack, all in one file', nest11, [webpackWhole, node('dist/main.js')]],
  ['Nest 11, SWC (nest build -b swc)', () => nest11(['@swc/cli', '@swc/core@1.15.18']), [nest('-b', 'swc'), node('dist/main.js')]], // prettier-ignore
  ['Nest 11, esbuild', () => nest11(['esbuild']), bundled()],
  ['Nest 11, esbuild, minified', () => nest11(['esbuild']), bundled('--minify')],
  ['Nest 11 beside TypeORM 1', () => nest11(['typeorm@1', '@nestjs/typeorm@11']), [nest(), node('dist/main.js')]],
  ['Nest 12, ioredis 6, Vitest (ES modules), oxlint', () => nest12(['msgpackr']), [nest(), node('dist/main.js')], tested('vitest', 'run'), linted('--deny-warnings')], // prettier-ignore
  ['Nest 12, node:test', () => nest12(['msgpackr']), [nest(), node('dist/main.js')], nodeTested],
  ['Nest 12, @nestjs/observe (instrument)', observed, [nest(), node('dist/main.js')], tested('vitest', 'run')],
  ['Nest 12, pnpm', pnpm, [nest(), node('dist/main.js')], tested('vitest', 'run')],
  ...['5.4', '5.9', '6', '7'].flatMap((typescript) => [
    [`TypeScript ${typescript}, nodenext`, nest11, compiled(typescript, 'nodenext')],
    [`TypeScript ${typescript}, node16`, nest11, compiled(typescript, 'node16')],
  ]),
  ['attw, all entries', async () => ROOT, [() => command(ROOT, join(BIN, 'attw'), [tarball, '--format', 'ascii'])]],
  ['publint --strict', async () => ROOT, [() => command(ROOT, join(BIN, 'publint'), ['run', '--strict'])]],
];

const wanted = process.argv[2] ?? '';
const rows = [];
const made = new Map();
const SEEN = ['hit', 'eviction', 'event', 'http', 'health'];
for (const [name, install, [build, boot], test, lint] of SET_UPS) {
  if (!new RegExp(wanted).test(name)) continue;
  const row = { 'set-up': name };
  for (const what of ['installs', 'builds', 'boots', 'tests', 'lints', ...SEEN]) row[what] = '–';
  rows.push(row);
  const begun = performance.now();
  const step = async (what, work) => {
    try {
      const result = (await work()) ?? true;
      row[what] = 'yes';
      return result;
    } catch (error) {
      row[what] = 'NO';
      console.error(`${name} ${what}: ${error.stderr ?? ''}${error.stdout ?? ''}${error.message}`.slice(0, 6_000));
      return undefined;
    }
  };
  const app = await step('installs', install);
  if (app !== undefined && (await step('builds', () => build(app))) !== undefined) {
    if (boot) {
      const seen = await step('boots', () => boot(app));
      for (const what of SEEN) row[what] = seen?.[what] === true ? 'yes' : 'NO';
    }
    // from `nest new`, unless the application stood already, to the first hit and all that follows it
    row.seconds = Math.round((performance.now() - begun) / 1_000);
    if (test) await step('tests', () => test(app));
    if (lint) await step('lints', () => lint(app));
  }
  console.log(Object.values(row).join(' | '));
}
console.table(rows);
rmSync(folder, { recursive: true, force: true });
process.exitCode = rows.length === 0 || rows.some((row) => Object.values(row).includes('NO')) ? 1 : 0;

async function command(app, file, args, variables = {}) {
  const env = { ...environment, ...variables };
  const { stdout } = await run(file, args, { cwd: app, env, maxBuffer: 64 * 1024 ** 2 });
  return stdout;
}

function bin(name, ...args) {
  return (app) => command(app, join(app, 'node_modules', '.bin', name), args);
}

async function pack() {
  const out = await command(ROOT, 'npm', ['pack', '--json', '--pack-destination', folder]);
  return join(folder, JSON.parse(out.slice(out.search(/^\[/m)))[0].filename);
}

/** `nest new`, the files of the fixture, and the packages; once for each list of packages. */
function generate(major, packages, edit, flags = [], installed = npm) {
  const name = `app-${[major, ...flags, ...packages, installed.name].join('-').replaceAll(/[^a-z0-9]+/g, '-')}`;
  if (!made.has(name)) made.set(name, create(name, major, packages, edit, flags, installed));
  return made.get(name);
}

async function create(name, major, packages, edit, flags, installed) {
  const app = join(folder, name);
  await command(folder, 'npx', ['-y', `@nestjs/cli@${major}`, 'new', name, '--skip-install', '--skip-git', '-p', 'npm', ...flags]); // prettier-ignore
  cpSync(FIXTURE, join(app, 'src'), { recursive: true });
  for (const file of readdirSync(FIXTURE)) {
    const path = join(app, 'src', file);
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').map(edit).join('\n'));
  }
  await installed(app, [tarball, ...packages]);
  return app;
}

async function npm(app, packages) {
  await command(app, 'npm', [...INSTALL, ...packages]);
}

/** The other way to lay out node_modules: links, and nothing that is not named. */
function pnpm() {
  const install = async function pnpm(app, packages) {
    await command(app, 'npx', ['-y', 'pnpm@10', 'add', ...packages]);
  };
  return generate('12', ['ioredis@6', ...doors(12)], asModules, ['--no-observe'], install);
}

/** As `nest new --observe` writes it: every provider stands behind a Proxy. */
async function observed() {
  const edit = (line) =>
    asModules(line)
      .replace(/^import \{ AppModule \}.*/, "$&\nimport { ObserveInstrument } from './observe.js';")
      .replace('{ logger:', '{ instrument: ObserveInstrument, logger:')
      .replace(/^import \{ AppController \}.*/, "$&\nimport { ObserveModule } from './observe.js';")
      .replace(
        /^ {2}imports: \[$/,
        "imports: [ObserveModule.forRoot({ appKey: 'key', appSecret: 'secret', serviceId: 'app' }),",
      );
  const app = await generate('12', ['ioredis@6', ...doors(12)], edit, ['--observe']);
  const source = `import { createObserveModule } from '@nestjs/observe';
export const { ObserveModule, ObserveInstrument } = createObserveModule();\n`;
  writeFileSync(join(app, 'src', 'observe.ts'), source);
  return app;
}

/** A module of the tests, which are TypeScript. */
async function support(file) {
  const text = readFileSync(join(ROOT, 'test', 'support', file), 'utf8');
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.ESNext } });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

/** What test/docs.spec.ts compiles, as files. */
async function examplesOfTheDocs() {
  const { fencesOf } = await support('markdown.ts');
  const pages = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', ...pages.map((file) => join('docs', file))].flatMap((page) =>
    fencesOf(readFileSync(join(ROOT, page), 'utf8'))
      .filter(({ language, flags }) => language === 'ts' && !flags.includes('fragment'))
      .map(({ line, given, code }) => ({
        name: `${page.replaceAll(/\W/g, '-')}-${line}.ts`,
        code: `${given}\n${code}`,
      })),
  );
}

/** webpack with everything in one file: what is asked for only when it is there is left out. */
async function webpackWhole(app) {
  writeFileSync(
    join(app, 'webpack.config.js'),
    `const { ContextReplacementPlugin, IgnorePlugin } = require('webpack');
const absent = ${JSON.stringify(ABSENT)};
module.exports = (options) => ({
  ...options,
  externals: [],
  plugins: [
    ...options.plugins,
    // Terminus requires what it is told to check, by a name that webpack cannot know
    new ContextReplacementPlugin(/terminus.dist.utils/, /^$/),
    new IgnorePlugin({ checkResource: (name) => absent.some((one) => name === one || name.startsWith(one + '/')) }),
  ],
});\n`,
  );
  await nest('--webpack', '--webpackPath', 'webpack.config.js')(app);
}
