import { type Observable, Subject, type Subscriber, takeUntil } from 'rxjs';
import { NOT_SHARED } from './cached-response.js';

/** Who gets what a handler sends, where that is not one value: the client whose message runs it. */
export interface StreamTaker {
  /** Closed: it has gone, or has its answer already, as that of a load in the background. */
  readonly client: Subscriber<unknown>;
  /** It gets the handler's own stream, and nothing else. */
  isStreaming: boolean;
}

const NONE = Symbol('no value yet');

/**
 * The one value of a handler; NOT_SHARED as soon as it is known that it is not one. From then on everything it sends
 * goes to its client as it comes: nothing is kept, and it ends with its client.
 *
 * @param signal aborts when nobody else waits for the handler any more
 */
export function oneReply(source: Observable<unknown>, taker: StreamTaker, signal: AbortSignal): Promise<unknown> {
  const { client } = taker;
  const gone = new Subject<void>();
  let first: unknown = NONE;
  return new Promise((resolve, reject) => {
    const leave = () => {
      if (!client.closed || !(taker.isStreaming || signal.aborted)) return;
      resolve(NOT_SHARED);
      gone.next();
    };
    const stream = () => {
      taker.isStreaming = true;
      if (first !== NONE) client.next(first);
      first = NONE;
      resolve(NOT_SHARED);
      leave();
    };
    signal.addEventListener('abort', leave, { once: true });
    client.add(leave);
    source.pipe(takeUntil(gone)).subscribe({
      next: (value) => {
        if (!taker.isStreaming && first === NONE) return void (first = value);
        if (!taker.isStreaming) stream();
        client.next(value);
      },
      error: (error: unknown) => {
        if (!taker.isStreaming && first === NONE) return reject(error as Error);
        if (!taker.isStreaming) stream();
        client.error(error);
      },
      complete: () => {
        if (!taker.isStreaming && first !== NONE) return resolve(first);
        if (!taker.isStreaming) stream();
        client.complete();
      },
    });
  });
}
