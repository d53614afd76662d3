/** The promise of what is made, also where that throws at once. */
export function promised<T>(make: () => T | PromiseLike<T>): Promise<Awaited<T>> {
  try {
    return Promise.resolve(make()) as Promise<Awaited<T>>;
  } catch (error) {
    return Promise.reject(error as Error);
  }
}
