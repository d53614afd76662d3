import type { Clock } from './shared/clock.js';
import { getCacheToken } from './shared/tokens.js';
import type { RemoteStore } from './stores/remote-store.js';

/** The embedded server, as far as a test moves it. */
export interface EmbeddedServer {
  /** Another process serves the same data, as after a restart. */
  restart(): void;
  /** Everything is lost, as after FLUSHALL. */
  flush(): void;
}

/** What a test puts between a cache and an embedded store, which then stands in for any Redis. */
export interface EmbeddedWiring {
  readonly clock: Clock;
  /** Time of the server, µs since the epoch. Left out: the process's. */
  readonly nowMicros?: () => number;
  /** @returns the store that the cache shall use */
  wire(server: EmbeddedServer, store: RemoteStore): RemoteStore;
}

/** Injection token of the {@link EmbeddedWiring} of the cache with this name; absent in applications. */
export function getEmbeddedWiringToken(name: string): string {
  return `${getCacheToken(name)}_EmbeddedWiring`;
}
