import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../support/servers/free-port.js';
import { track } from '../support/servers/processes.js';

const run = promisify(execFile);

export const ROOT = join(import.meta.dirname, '..', '..');
const FIXTURE = join(import.meta.dirname, 'fixtures', 'consumer');
const JEST = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');

/** What Nest asks for when it is there, and bundles leave out. */
const NOT_BUNDLED = [
  '@nestjs/microservices',
  '@nestjs/websockets/*',
  '@nestjs/platform-express',
  'class-transformer',
  'class-validator',
];

/** What `npm pack` wrote. */
export interface Tarball {
  readonly path: string;
  readonly files: readonly string[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** The environment of npm's children without what tells them of this package. The user's registry and cache stay. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|config_local_prefix|config_prefix)|INIT_CWD|NODE_OPTIONS)/.test(name),
  ),
);

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects with what it printed when it fails. */
export async function command(folder: string, file: string, ...args: string[]): Promise<Printed> {
  try {
    const running = run(file, args, { cwd: folder, env: environment, maxBuffer: 64 * 1024 ** 2 });
    track(running.child);
    return await running;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** A new folder from which nothing resolves: outside the repository, and with no node_modules in any folder above. */
export async function temporaryFolder(): Promise<string> {
  const parent = [tmpdir(), '/var/tmp', homedir()].find((folder) => !hasNodeModules(folder));
  if (!parent) throw new Error(`A node_modules stands above ${tmpdir()}. Set TMPDIR to a folder without one above it.`);
  return mkdtemp(join(parent, 'nestjs-redis-cache-'));
}

function hasNodeModules(folder: string): boolean {
  if (!existsSync(folder) || existsSync(join(folder, 'node_modules'))) return true;
  return folder !== dirname(folder) && hasNodeModules(dirname(folder));
}

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** What is not in a clone. */
const NOT_CLONED = /^(node_modules|\.git|\.services|coverage|dist.*)$/;

/**
 * Builds a copy of the repository and packs it, both below `folder`; without the check of types that prepack begins
 * with, `npm test` has its own.
 */
export async function pack(folder: string): Promise<Tarball> {
  const clone = join(folder, 'clone');
  for (const name of await readdir(ROOT))
    if (!NOT_CLONED.test(name)) await cp(join(ROOT, name), join(clone, name), { recursive: true });
  const modules = join(clone, 'node_modules');
  await symlink(join(ROOT, 'node_modules'), modules);
  await command(clone, 'npm', 'run', 'build');
  // npm would read the manifests of all of them
  await rm(modules);
  const { stdout } = await command(clone, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder);
  const [packed] = JSON.parse(stdout) as [
    { filename: string; size: number; unpackedSize: number; files: { path: string }[] },
  ];
  return {
    path: join(folder, packed.filename),
    files: packed.files.map(({ path }) => path),
    packedBytes: packed.size,
    unpackedBytes: packed.unpackedSize,
  };
}

/** A project that has installed the tarball beside Nest, with one ESM and one CommonJS application in it. */
export class Consumer {
  private constructor(
    readonly folder: string,
    private readonly npmWarnings: string,
  ) {}

  /**
   * Copies the fixture, adds Nest, ioredis and, where named, @nestjs/observe and esbuild of these versions, and lets
   * npm install.
   */
  static async install(
    folder: string,
    tarball: Tarball,
    versions: { nest: string; ioredis: string; observe?: string; esbuild?: string },
  ): Promise<Consumer> {
    await mkdir(folder, { recursive: true });
    await cp(FIXTURE, folder, { recursive: true });
    for (const file of ['all.ts', 'app.ts', 'doors.ts', 'health.ts', 'main.ts', 'observed.ts']) {
      if (file !== 'observed.ts' || versions.observe)
        for (const format of ['esm', 'commonjs']) await cp(join(FIXTURE, file), join(folder, format, file));
      await rm(join(folder, file));
    }
    const manifest = JSON.parse(await readFile(join(FIXTURE, 'package.json'), 'utf8')) as { dependencies: object };
    manifest.dependencies = {
      ...manifest.dependencies,
      '@nestjs/common': versions.nest,
      '@nestjs/core': versions.nest,
      '@nestjs/microservices': versions.nest,
      '@nestjs/platform-express': versions.nest,
      '@nestjs/terminus': versions.nest,
      ...(versions.observe && { '@nestjs/observe': versions.observe }),
      ...(versions.esbuild && { esbuild: versions.esbuild }),
      ioredis: versions.ioredis,
      'nestjs-redis-cache': `file:${tarball.path}`,
    };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder];
    const { stderr } = await command(folder, 'npm', 'install', ...flags);
    return new Consumer(folder, stderr);
  }

  /** Type-checks and compiles both applications. Rejects with the compiler's messages. */
  async compile(compiler: 'typescript' | 'typescript-native'): Promise<void> {
    const tsc = join(ROOT, 'node_modules', compiler, 'bin', 'tsc');
    await command(this.folder, process.execPath, tsc, '-p', 'tsconfig.json');
  }

  /**
   * Runs Jest in CommonJS mode on the compiled files, with its defaults. Rejects with what it printed when a test
   * fails.
   */
  async jest(): Promise<void> {
    await command(join(this.folder, 'commonjs'), process.execPath, JEST, '--ci', '--rootDir', '.');
  }

  /**
   * Bundles a file with everything it loads into one CommonJS file, and runs that.
   *
   * @returns the last line it printed, as JSON
   */
  async bundle(file: string, ...flags: string[]): Promise<unknown> {
    const out = join(this.folder, 'bundle', `${flags.length}-${file.replaceAll(sep, '-')}.cjs`);
    const left = NOT_BUNDLED.map((name) => `--external:${name}`);
    const esbuild = join(this.folder, 'node_modules', '.bin', 'esbuild');
    await command(this.folder, esbuild, file, '--bundle', '--platform=node', `--outfile=${out}`, ...left, ...flags);
    return this.run(out);
  }

  /** Runs a file, which may listen on the port EVENTS_PORT. @returns the last line it printed, as JSON */
  async run(file: string, ...args: string[]): Promise<unknown> {
    environment['EVENTS_PORT'] = `${await freePort()}`;
    const { stdout } = await command(this.folder, process.execPath, file, ...args);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null');
  }

  /** Runs compiled files of one format in one process. @returns what each reported, by its name */
  async runAll(format: string, names: readonly string[]): Promise<Record<string, unknown>> {
    return (await this.run(join(format, 'all.js'), ...names)) as Record<string, unknown>;
  }

  /** The version of an installed package; undefined when it is not there. */
  async versionOf(name: string): Promise<string | undefined> {
    const text = await readFile(join(this.folder, 'node_modules', name, 'package.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as { version: string }).version;
  }

  /** Every installed copy of a package, as paths below node_modules. */
  async copiesOf(name: string): Promise<string[]> {
    const modules = join(this.folder, 'node_modules');
    const manifests = await readdir(modules, { recursive: true });
    const wanted = join(name, 'package.json');
    return manifests
      .filter((path) => path === wanted || path.endsWith(`${sep}node_modules${sep}${wanted}`))
      .map((path) => relative(modules, join(modules, path, '..')));
  }

  /** Warnings of npm about peers or engines of our package. */
  get complaints(): string[] {
    return this.npmWarnings.split('\n').filter((line) => line.includes('nestjs-redis-cache'));
  }
}
