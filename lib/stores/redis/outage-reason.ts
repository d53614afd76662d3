import type { Redis } from 'ioredis';
import { addressOf } from './endpoints.js';
import { isLoginRefused, reasonIn } from './redis-errors.js';

/**
 * Why a call failed, for operators: what the server or the socket said, and the cure where one is known.
 *
 * @param earlier what the connection failed by before, which its rejections do not say
 * @returns with `isGuess` where the server may yet say why
 */
export function outageReason(error: unknown, client: Redis | null, earlier: unknown): Error {
  const said = reasonIn(error) ?? reasonIn(earlier);
  const reason = said ?? wordless(client);
  const where = client !== null && /No answer within/.test(reason) ? ` from ${addressOf(client)}` : '';
  const told = new Error(`${reason.replace(/\.$/, '')}${where}${cureOf(reason)}`, { cause: error });
  return said === null && isGettingReady(client) ? Object.assign(told, { isGuess: true }) : told;
}

/** As {@link outageReason}, made once per failure: one failure refuses many calls. */
export class OutageReasons {
  private readonly known = new WeakMap<object, Error>();

  of(error: unknown, client: Redis | null, earlier: unknown): Error {
    if (typeof error !== 'object' || error === null) return outageReason(error, client, earlier);
    let reason = this.known.get(error);
    if (reason === undefined) this.known.set(error, (reason = outageReason(error, client, earlier)));
    return reason;
  }
}

function wordless(client: Redis | null): string {
  if (client === null) return 'no server is known for it now';
  const state = isGettingReady(client)
    ? 'is accepted and does not get ready: the server loads its data, or hangs'
    : 'is closed';
  return `the connection to ${addressOf(client)} ${state}`;
}

/** Its server has yet to answer the handshake. */
const isGettingReady = (client: Redis | null) => client?.status === 'connect';

/** What mends a refusal that does not end by itself; empty: nothing is known. */
function cureOf(reason: string): string {
  const cure = CURES.find(([sign]) => sign.test(reason))?.[1];
  if (cure !== undefined) return `; ${cure}`;
  return isLoginRefused(reason) ? '; check user name and password, or give `credentials` where they change' : '';
}

const CURES: readonly (readonly [RegExp, string])[] = [
  [
    /^READONLY/,
    'this server is a replica: let the address lead to the master, or give { sentinels, name } or { nodes }',
  ],
  [/^MISCONF/, 'its last save failed, and it takes no writes until one succeeds: see its log and its disk'],
  [/^NOREPLICAS/, 'it has fewer replicas than min-replicas-to-write: it is cut off, or they are'],
  [/^(MOVED|CROSSSLOT)/, 'it belongs to a Cluster: give { nodes }'],
  [/cluster support disabled/i, 'it is no Cluster: give { url } or { host, port }'],
  [/max number of clients/i, 'raise maxclients, or find who holds connections (CLIENT LIST)'],
  [/^(BUSY)\b/, 'a script runs for too long: SCRIPT KILL or FUNCTION KILL ends it'],
  [/unknown command.*(FCALL|FUNCTION)/i, 'it has no functions: use Redis >= 7.0 or Valkey'],
  [/\bNOPERM\b|no permissions/i, 'grant the rights in docs/redis.md'],
  [/ENOTFOUND|EAI_AGAIN/, 'the name is not resolved'],
];
