import { Test } from '@nestjs/testing';
import { AppModule } from '../../sample/users-app/app.module.js';
import { DATABASE, type Database } from '../../sample/users-app/database/database.js';
import { TracedDatabase } from '../../sample/users-app/database/traced-database.js';
import { SETTINGS, type Settings } from '../../sample/users-app/settings.js';
import type { User, UserInput } from '../../sample/users-app/user.js';

export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
  /** `miss`, `l1`, `l2`; null on writes and refused input. */
  readonly cache: string | null;
  readonly serverTiming: string | null;
}

export interface RawAnswer {
  readonly status: number;
  readonly body: string;
  readonly etag: string | null;
  readonly cacheStatus: string | null;
}

/** One instance of the sample, and a client for it. */
export interface UsersApp {
  get<T = User>(path: string): Promise<Answer<T>>;
  put<T = User>(path: string, body: unknown): Promise<Answer<T>>;
  post<T = User>(path: string, body: unknown): Promise<Answer<T>>;
  delete(path: string): Promise<Answer>;
  /** A GET as it came over the wire. */
  raw(path: string, headers?: Record<string, string>): Promise<RawAnswer>;
  /** Also called by {@link closeUsersApps}. */
  close(): Promise<void>;
}

const running: UsersApp[] = [];
const NOTHING_ELSE = { databaseUrl: undefined, tcpPort: undefined, kafkaBrokers: undefined };

/** Starts the sample on a database that outlives it. */
export async function startUsersApp(on: { database: Database; redisUrl: string | undefined }): Promise<UsersApp> {
  const settings: Settings = { host: '127.0.0.1', port: 0, redisUrl: on.redisUrl, ...NOTHING_ELSE };
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(SETTINGS)
    .useValue(settings)
    .overrideProvider(DATABASE)
    .useValue(new TracedDatabase(keptOpen(on.database)))
    .compile();
  const app = module.createNestApplication({ logger: ['error', 'warn'] });
  try {
    await app.listen(settings.port, settings.host);
  } catch (error) {
    await app.close();
    throw error;
  }
  const url = await app.getUrl();
  let closing: Promise<void> | undefined;
  const usersApp = { ...clientOf(url), close: () => (closing ??= app.close()) };
  running.push(usersApp);
  return usersApp;
}

/** Ends the instances that are still running, also those of tests that failed. */
export async function closeUsersApps(): Promise<void> {
  await Promise.all(running.splice(0).map((app) => app.close()));
}

/** All but the name is made up; the e-mail address is unlike any other. */
export function aUserInput(changes: Partial<UserInput> & { version?: number } = {}): UserInput {
  serial += 1;
  return {
    name: `Test Person ${serial}`,
    email: `test.person${serial}.${process.pid}@example.org`,
    role: 'member',
    active: true,
    orgId: 3,
    ...changes,
  };
}
let serial = Date.now();

function clientOf(url: string): Omit<UsersApp, 'close'> {
  const send = async (method: string, path: string, body?: unknown): Promise<Answer<never>> => {
    const response = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? null : JSON.parse(text)) as never,
      cache: response.headers.get('X-Cache'),
      serverTiming: response.headers.get('Server-Timing'),
    };
  };
  return {
    get: (path) => send('GET', path),
    put: (path, body) => send('PUT', path, body),
    post: (path, body) => send('POST', path, body),
    delete: (path) => send('DELETE', path),
    raw: async (path, headers = {}) => {
      const response = await fetch(url + path, { headers });
      const [etag, cacheStatus] = ['ETag', 'Cache-Status'].map((name) => response.headers.get(name));
      return { status: response.status, body: await response.text(), etag: etag!, cacheStatus: cacheStatus! };
    },
  };
}

function keptOpen(database: Database): Database {
  return {
    description: database.description,
    query: (sql, parameters) => database.query(sql, parameters),
    transaction: (run) => database.transaction(run),
    execute: (script) => database.execute(script),
    close: () => Promise.resolve(),
  };
}
