/** Of the process, where bundlers cannot see that nobody reads them: they leave out what has no effect. */
const SAMPLES = Symbol.for('nestjs-redis-cache:shapes');
const place = globalThis as { [SAMPLES]?: object[] };

/**
 * Keeps one object of a class whose objects live as long as one call.
 *
 * V8 forgets how the objects of a class are laid out when a full collection finds none of them, and throws away all
 * optimised code that was made for them. Between two calls it finds none: each collection would cost the whole path of
 * a hit its code, and for a tenth of a second a hit would take twice the time.
 *
 * @param sample with fields of the types that others have: numbers with a fraction, where theirs may have one
 */
export function keepShape(sample: object): void {
  (place[SAMPLES] ??= []).push(sample);
}
