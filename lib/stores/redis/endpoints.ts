import type { Redis } from 'ioredis';
import type { Clock } from '../../shared/clock.js';
import type { LoggerPort } from '../../shared/logger.js';
import type { EndpointStatus } from '../remote-store.js';
import { Circuit } from './circuit.js';

/** The circuits of a store, by address: connections to a server come and go, and what is known of it stays. */
export class Endpoints {
  private readonly circuits = new Map<string, Circuit>();

  constructor(
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {}

  circuitOf(client: Redis): Circuit {
    const address = addressOf(client);
    let circuit = this.circuits.get(address);
    if (circuit === undefined) this.circuits.set(address, (circuit = this.create(address)));
    return circuit;
  }

  statuses(): readonly EndpointStatus[] {
    const nowMs = this.clock.now();
    return [...this.circuits].map(([address, { state }]) =>
      state.kind === 'closed'
        ? { address, circuit: 'closed', openForMs: null, why: null }
        : { address, circuit: state.kind, openForMs: nowMs - state.sinceMs, why: state.why },
    );
  }

  private create(address: string): Circuit {
    const { clock, logger } = this;
    return new Circuit({
      clock,
      onChange: (state, wasOpenMs) => {
        if (state.kind === 'closed') {
          logger.debug(`Redis at ${address} is used again, after ${(wasOpenMs / 1_000).toFixed(1)} s.`);
        } else {
          // what an operator reads is told by the engine, once for all servers
          logger.debug(`Redis at ${address} is silent (${state.why}): no call waits for it until it answers a poll.`);
        }
      },
    });
  }
}

/** As text, without a login: one server has one address, whatever connections lead there. */
export function addressOf({ options }: Redis): string {
  const { sentinels, name, path, host, port } = options;
  return sentinels?.length ? `sentinels, master ${name}` : (path ?? `${host ?? '127.0.0.1'}:${port ?? 6379}`);
}
