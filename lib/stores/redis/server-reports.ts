import type { ServerFacts, ServerReport } from '../remote-store.js';
import { addressOf } from './endpoints.js';
import { outageReason } from './outage-reason.js';
import { isPermissionDenied } from './redis-errors.js';
import type { RedisNode } from './redis-node.js';

/** Asks servers about themselves, and counts what each evicted since it was first asked. */
export class ServerReports {
  private readonly firstSeen = new Map<string, { readonly process: string; readonly evicted: number }>();

  /** Never rejects: a server that does not answer is reported as such. */
  async of(node: RedisNode): Promise<ServerReport> {
    const address = addressOf(node.client);
    const why = (error: unknown) => outageReason(error, node.client, node.lastError).message;
    const away = node.isDown ? node.lastError : node.refusal;
    if (node.isDown || away !== null) return { address, latencyMs: null, facts: null, why: why(away) };
    const askedMs = performance.now();
    try {
      const info = String(await node.command('call', 'INFO', ['server', 'memory', 'stats']));
      return { address, latencyMs: performance.now() - askedMs, facts: this.factsIn(info, address) };
    } catch (error) {
      const latencyMs = isPermissionDenied(error) ? performance.now() - askedMs : null;
      return { address, latencyMs, facts: null, why: why(error) };
    }
  }

  private factsIn(info: string, address: string): ServerFacts {
    const text = (field: string) => new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    const process = text('run_id');
    const evicted = Number(text('evicted_keys'));
    let first = this.firstSeen.get(address);
    if (first === undefined) this.firstSeen.set(address, (first = { process, evicted }));
    // the counts of a server that was restarted begin anew
    else if (first.process !== process) this.firstSeen.set(address, (first = { process, evicted: 0 }));
    const valkey = text('valkey_version');
    return {
      version: valkey === '' ? text('redis_version') : `valkey ${valkey}`,
      usedMemoryBytes: Number(text('used_memory')),
      maxMemoryBytes: Number(text('maxmemory')) || null,
      evictionPolicy: text('maxmemory_policy'),
      evictedKeys: evicted - first.evicted,
    };
  }
}
