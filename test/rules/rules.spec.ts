import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildMutant } from '../history/mutants/build-mutant.js';
import { clientMutants } from '../history/mutants/client-mutants.js';
import { directedClientMutants, directedServerMutants } from '../history/mutants/directed-mutants.js';
import { serverMutants } from '../history/mutants/server-mutants.js';
import { transpileFolders } from '../support/transpile-folders.js';
import { sharedRedis } from '../support/servers/redis.js';
import { Judges } from './judges.js';
import { besideTheModel, ofComposition, ofOneKey } from './of-the-model.js';
import { schedules } from './schedules/index.js';

/**
 * Every rule of the engine and of the driver, once with it and once without: the promise is kept, and it is broken.
 * RULES_TIMES repeats each, since once is no proof that it is broken every time.
 */

const TIMES = Number(process.env['RULES_TIMES'] ?? 1);
/** Longer than the patience of the judges. */
const TEST_MS = 60_000 + TIMES * 3_000;
const BUILD = join(process.cwd(), 'dist-rules-spec');
const INTACT = join(BUILD, 'intact');

const mutants = [...clientMutants, ...directedClientMutants];
const judges = new Judges(INTACT);

let redis: Awaited<ReturnType<typeof sharedRedis>>;
beforeAll(async () => {
  redis = await sharedRedis();
  rmSync(BUILD, { recursive: true, force: true });
  transpileFolders(['lib', 'test/support', 'test/rules'], INTACT);
});
afterAll(async () => {
  judges.end();
  await redis.release();
  rmSync(BUILD, { recursive: true, force: true });
});

describe.each(schedules.map((schedule): [string, (typeof schedules)[number]] => [schedule.name, schedule]))(
  '%s',
  (name, { convicts }) => {
    const ask = (build: string) => judges.ask({ build, schedule: name, times: TIMES, redis: redis.url });

    it(
      'on the code as it stands',
      async () => {
        const verdicts = await ask(INTACT);
        expect(verdicts).toEqual(Array.from({ length: TIMES }, () => ({ kind: 'kept' })));
      },
      TEST_MS,
    );

    it.each(convicts)(
      'and not without its rule: %s',
      async (mutantName) => {
        const mutant = mutants.find((each) => each.name === mutantName)!;
        const build = join(BUILD, mutantName.replaceAll(/\W+/g, '-'));
        buildMutant(mutant, INTACT, build);
        const verdicts = await ask(build);
        expect(verdicts).toEqual(
          Array.from({ length: TIMES }, () => ({ kind: 'broken', promise: expect.any(String) })),
        );
      },
      TEST_MS,
    );
  },
);

describe('every rule of the model', () => {
  const tried = { ...ofOneKey, ...ofComposition, ...besideTheModel };
  const named = Object.values(tried).flatMap((each) => ('by' in each ? each.by : []));
  const all = [...mutants, ...serverMutants, ...directedServerMutants].map(({ name }) => name);

  it('is tried here, or says why only the model can', () => {
    expect(named.filter((name) => !all.includes(name))).toEqual([]);
    expect(all.filter((name) => !named.includes(name))).toEqual([]);
    const unable = Object.values(tried).flatMap((each) => ('onlyByModel' in each ? [each.onlyByModel] : []));
    expect(unable.filter((because) => because.length < 40)).toEqual([]);
  });
});

describe('the schedules', () => {
  it('leave out no rule, and name no other', () => {
    const convicted = schedules.flatMap(({ convicts }) => convicts);
    expect([...new Set(convicted)].sort()).toEqual(mutants.map(({ name }) => name).sort());
  });

  it('have names of their own', () => {
    expect(new Set(schedules.map(({ name }) => name)).size).toBe(schedules.length);
  });
});
