import { Observable, type Observer, of, Subscriber, type Subscription } from 'rxjs';

/** As `of(answer)`, without the closures that a general source makes for each operator, as Nest's are. */
export class OneAnswer extends Observable<unknown> {
  constructor(private readonly answer: unknown) {
    super();
  }

  override subscribe(
    observer?: Partial<Observer<unknown>> | ((value: unknown) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (!(observer instanceof Subscriber)) {
      return typeof observer === 'object' && observer !== null
        ? of(this.answer).subscribe(observer)
        : of(this.answer).subscribe(observer, error, complete);
    }
    observer.next(this.answer);
    observer.complete();
    return observer;
  }
}
