import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

/**
 * One promise of a contract. Kept as data, so that `sabotage.spec.ts` can try the suite on drivers that break promises.
 */
export interface ContractTest<Harness> {
  readonly name: string;
  run(harness: Harness): Promise<void>;
}

/** Promises that a driver cannot be asked for, by the exact name of the test, each with the reason. */
export type DriverLimits = Readonly<Record<string, string>>;

/** Registers all tests for one driver. There is no off switch: a limit that names no test is an error. */
export function describeContract<Harness extends { close(): Promise<void> }>(
  subject: string,
  tests: readonly ContractTest<Harness>[],
  open: () => Promise<Harness>,
  limits: DriverLimits = {},
): void {
  describe(subject, () => {
    let harness: Harness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());

    it('has one test per name, and every limit of the driver names one', () => {
      const names = tests.map((test) => test.name);
      expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
      expect(Object.keys(limits).filter((name) => !names.includes(name))).toEqual([]);
    });

    for (const { name, run } of tests) {
      if (Object.hasOwn(limits, name)) it.skip(`${name} (not here: ${limits[name]})`, () => {});
      else it(name, () => run(harness));
    }
  });
}
