import type { Clock, Timer } from '../shared/clock.js';
import type { Hold } from './delivery.js';

/** Well within any session's time: kafkajs has 30 s, and sends at most one per `heartbeatInterval` of 3 s itself. */
const HEARTBEAT_MS = 1_000;

/**
 * What `work` comes to; while it lasts, its message's receiver says that it lives.
 *
 * @param hold null: nobody asks whether it lives
 * @throws what the work throws, or else the heartbeat, which leaves the work behind
 */
export async function withHeartbeats<T>(work: Promise<T>, hold: Hold | null, clock: Clock): Promise<T> {
  if (hold === null) return work;
  const done = work.then((value) => ({ value }));
  // it may be left behind
  done.catch(() => undefined);
  for (;;) {
    let timer: Timer | undefined;
    const time = new Promise<null>((resolve) => (timer = clock.after(HEARTBEAT_MS, () => resolve(null))));
    try {
      const first = await Promise.race([done, time]);
      if (first !== null) return first.value;
    } finally {
      timer?.cancel();
    }
    await hold.heartbeat();
  }
}
