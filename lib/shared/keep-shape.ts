const samples: object[] = [];

/**
 * Keeps one object of a class whose objects live as long as one call.
 *
 * V8 forgets how the objects of a class are laid out when a full collection finds none of them, and throws away all
 * code that was compiled for them. Between two calls it finds none: each collection would cost the whole path of a hit
 * its code, and for a tenth of a second a hit twice the time.
 *
 * @param sample with fields of the types that others have: numbers with a fraction, where theirs may have one
 */
export function keepShape(sample: object): void {
  samples.push(sample);
}
