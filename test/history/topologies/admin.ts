import { Redis } from 'ioredis';

/** A connection for faults, which survives them. */
export function adminOf(port: number): Redis {
  const admin = new Redis(port, '127.0.0.1', {
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
    lazyConnect: true,
  });
  admin.on('error', () => {});
  return admin;
}

/** Runs commands on a connection made for them. */
export async function withAdmin<T>(port: number, run: (admin: Redis) => Promise<T>): Promise<T> {
  const admin = adminOf(port);
  try {
    await admin.connect();
    return await run(admin);
  } finally {
    admin.disconnect();
  }
}

export async function versionOf(port: number): Promise<string> {
  return withAdmin(port, async (admin) => {
    const info = await admin.info('server');
    const valkey = /valkey_version:(\S+)/.exec(info)?.[1];
    return valkey === undefined ? `redis ${/redis_version:(\S+)/.exec(info)?.[1]}` : `valkey ${valkey}`;
  });
}
