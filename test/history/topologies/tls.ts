import { makeCerts, tlsConf } from '../../support/servers/tls.js';
import { freePort } from '../../support/servers/free-port.js';
import { tempDir } from '../../support/servers/processes.js';
import { startRedis } from '../../support/servers/redis.js';
import type { ServerPrograms, Topology } from '../topology.js';
import { versionOf } from './admin.js';
import { serverFaults } from './server-faults.js';

/** The least rights that suffice; docs/coherence.md shows them. */
const RIGHTS =
  'resetchannels ~history:* &history:~events +fcall +hmget +get +mget +getdel +hget +hset +hdel +set +del +getrange +setrange ' +
  '+zadd +zrangebyscore +zrem +time +publish +subscribe +ping +function|load +info';

/** One server behind TLS, for a user with the least rights. Faults come in by a plain port. */
export async function startTls({ bin }: ServerPrograms): Promise<Topology> {
  const dir = tempDir();
  const tlsPort = await freePort();
  const { ca, cert, key } = makeCerts(dir);
  const conf = ['save ""', ...tlsConf(dir, tlsPort), `user cache on >secret ${RIGHTS}`];
  const server = await startRedis({ bin, dir, conf });
  const tls = { ca: ca.toString(), cert: cert.toString(), key: key.toString() };
  return {
    name: 'tls',
    connection: { host: '127.0.0.1', port: tlsPort, username: 'cache', password: 'secret', tls },
    server: await versionOf(server.port),
    faults: serverFaults(() => server),
    stop: () => server.remove(),
  };
}
