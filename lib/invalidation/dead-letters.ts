import type { Clock, Timer } from '../shared/clock.js';
import type { CacheError } from '../shared/errors.js';
import { describeThrown } from '../shared/errors.js';
import type { LoggerPort } from '../shared/logger.js';
import type { Delivery } from './delivery.js';
import type { DeadLetter, RedisCacheEventsOptions } from './events-options.js';
import type { EventCounts } from './events-status.js';
import { withHeartbeats } from './heartbeats.js';

/** Longest value of a dead letter in a topic, bytes: brokers refuse more than a megabyte, where nothing else is set. */
const MAX_VALUE = 900_000;

/**
 * Longest time a dead letter may take, ms: its partition waits meanwhile. A function that writes to a database or a
 * broker has answered long before, and an application that closes waits no longer than its platform lets it
 * (Kubernetes: 30 s).
 */
const MAX_TIME_MS = 10_000;

/** Where messages go that cannot be understood. Nothing here holds up the messages behind them. */
export class DeadLetters {
  constructor(
    private readonly target: RedisCacheEventsOptions['deadLetters'],
    private readonly counts: EventCounts,
    private readonly logger: LoggerPort,
    private readonly clock: Clock,
  ) {}

  /** True for a message of the dead-letter topic itself, which a RegExp may match: it would go round for ever. */
  isOwn(delivery: Delivery): boolean {
    return delivery.channel === this.target;
  }

  /**
   * Resolves when the letter was taken, or is lost.
   *
   * @throws what the heartbeat throws: the message is somebody else's now, who makes a letter of its own
   */
  async take(delivery: Delivery, error: CacheError): Promise<void> {
    this.counts.deadLetters += 1;
    this.logger.error(`A dead letter, ${delivery.place}: ${error.message}`);
    if (this.target === undefined) return;
    let timer: Timer | undefined;
    const late = new Promise<string>((resolve) => {
      timer = this.clock.after(MAX_TIME_MS, () => resolve(`nothing was heard of it for ${MAX_TIME_MS / 1_000} s`));
    });
    const handed = this.hand(this.target, letterOf(delivery, error)).then(() => null, describeThrown);
    try {
      const why = await withHeartbeats(Promise.race([handed, late]), delivery.hold, this.clock);
      if (why === null) return;
      this.counts.deadLettersLost += 1;
      this.logger.error(`The dead letter, ${delivery.place}, was not taken: ${why}`);
    } finally {
      timer?.cancel();
    }
  }

  private async hand(target: Target, taken: TakenLetter): Promise<void> {
    const { delivery, letter } = taken;
    if (typeof target === 'function') return target(letter);
    if (!delivery.send) throw new Error('its transport has no topics: give deadLetters a function');
    const { key, headers, error, place } = letter;
    const [value, cut] = shortened(letter.value);
    await delivery.send(target, {
      key,
      value,
      headers: { ...headers, 'rc-error': error.code, 'rc-reason': error.message, 'rc-place': place, ...cut },
    });
  }
}

type Target = NonNullable<RedisCacheEventsOptions['deadLetters']>;

interface TakenLetter {
  readonly delivery: Delivery;
  readonly letter: DeadLetter;
}

function letterOf(delivery: Delivery, error: CacheError): TakenLetter {
  const { channel, place, key, headers, raw } = delivery;
  return { delivery, letter: { error, channel, place, key, headers, value: valueOf(raw) } };
}

function valueOf(raw: unknown): string | Buffer | null {
  if (raw === null || typeof raw === 'string') return raw;
  if (raw instanceof Uint8Array) return Buffer.from(raw);
  try {
    return JSON.stringify(raw) ?? null;
  } catch {
    return null;
  }
}

function shortened(value: string | Buffer | null): [string | Buffer | null, Record<string, string>] {
  if (value === null || Buffer.byteLength(value) <= MAX_VALUE) return [value, {}];
  const bytes = Buffer.from(value as Buffer);
  return [bytes.subarray(0, MAX_VALUE), { 'rc-cut': `first ${MAX_VALUE} of ${bytes.length} bytes` }];
}
