import { listOf, portOf } from '../users-app/settings.js';

/** Injection token of {@link Settings}. */
export const SETTINGS = Symbol('Settings');

/** What the environment may change. */
export interface Settings {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Of the users app's TCP transport. */
  readonly users: { readonly host: string; readonly port: number };
  /** Where the events of users come from. Left out: by Redis where there is one, else from the same process. */
  readonly kafkaBrokers: readonly string[] | undefined;
  /** Left out: the cache's embedded store. */
  readonly redisUrl: string | undefined;
}

/** @throws Error when a port is not one */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const { HOST, USERS_HOST, KAFKA_BROKERS, REDIS_URL } = environment;
  return {
    host: HOST || '127.0.0.1',
    port: portOf(environment, 'PROFILE_PORT') ?? 3001,
    users: { host: USERS_HOST || '127.0.0.1', port: portOf(environment, 'USERS_PORT') ?? 4000 },
    kafkaBrokers: listOf(KAFKA_BROKERS),
    redisUrl: REDIS_URL || undefined,
  };
}
