/**
 * A stand-in of which a test needs some members only: the compiler holds these to what they stand for, and any other
 * throws.
 */
export function partly<T extends object>(members: Partial<T>): T {
  return new Proxy(members, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name) as unknown;
      throw new Error(`this stand-in has no ${String(name)}`);
    },
  }) as T;
}
