export interface Broker {
  /** host:port */
  readonly brokers: readonly string[];
  /** False: a mock, which lacks {@link MOCK_LACKS}. */
  readonly isReal: boolean;
  readonly name: string;
  /** Undefined: not started by the tests. */
  readonly pid: number | undefined;
  /** At once and for good, with its data. */
  stop(): void;
}

export const MOCK_LACKS: string;
export function startAnyBroker(options?: { onSkip?: (reason: string) => void }): Promise<Broker | undefined>;
export function startBroker(): Promise<Broker>;
export function startMockBroker(): Promise<Broker>;
