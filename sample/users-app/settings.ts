/** Injection token of {@link Settings}. */
export const SETTINGS = Symbol('Settings');

/** What the environment may change. */
export interface Settings {
  /** Address to listen on: this machine only, unless HOST says otherwise. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** For other services; 0 takes a free port. Left out: it does not listen by TCP. */
  readonly tcpPort: number | undefined;
  /** Where events go. Left out: by Redis where there is one, else to nobody outside this process. */
  readonly kafkaBrokers: readonly string[] | undefined;
  /** Left out: the cache's embedded store. */
  readonly redisUrl: string | undefined;
  /** Left out: PGlite, a PostgreSQL inside this process, in memory. */
  readonly databaseUrl: string | undefined;
}

/** @throws Error when PORT or TCP_PORT is not a port */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const { HOST, REDIS_URL, DATABASE_URL, KAFKA_BROKERS } = environment;
  return {
    host: HOST || '127.0.0.1',
    port: portOf(environment, 'PORT') ?? 3000,
    tcpPort: portOf(environment, 'TCP_PORT'),
    kafkaBrokers: listOf(KAFKA_BROKERS),
    redisUrl: REDIS_URL || undefined,
    databaseUrl: DATABASE_URL || undefined,
  };
}

/** @throws Error when it is no port */
export function portOf(environment: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = environment[name];
  if (!text) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Error(`${name} must be a number from 0 to 65535, got "${text}".`);
}

/** `host:port,host:port`. */
export function listOf(text: string | undefined): string[] | undefined {
  const items = (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
  return items.length > 0 ? items : undefined;
}
