/** Injection token of {@link Settings}. */
export const SETTINGS = Symbol('Settings');

/** What the environment may change. */
export interface Settings {
  /** Address to listen on: this machine only, unless HOST says otherwise. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Left out: the cache's embedded store. */
  readonly redisUrl: string | undefined;
  /** Left out: PGlite, a PostgreSQL inside this process, in memory. */
  readonly databaseUrl: string | undefined;
}

/** @throws Error when PORT is not a port */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const { HOST, PORT, REDIS_URL, DATABASE_URL } = environment;
  if (PORT && !(/^\d{1,5}$/.test(PORT) && Number(PORT) <= 65_535)) {
    throw new Error(`PORT must be a number from 0 to 65535, got "${PORT}".`);
  }
  return {
    host: HOST || '127.0.0.1',
    port: Number(PORT || 3000),
    redisUrl: REDIS_URL || undefined,
    databaseUrl: DATABASE_URL || undefined,
  };
}
