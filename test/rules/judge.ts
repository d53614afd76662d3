import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { Scene } from './scene.js';
import type { Schedule } from './schedule.js';

/** What a schedule came to on a build. */
export type Verdict =
  | { readonly kind: 'kept' }
  | { readonly kind: 'broken'; readonly promise: string }
  /** It does not fit the code. */
  | { readonly kind: 'failed'; readonly why: string };

export interface Case {
  /** A folder with lib/ and test/ as JavaScript. */
  readonly build: string;
  readonly schedule: string;
  readonly times: number;
  /** URL of a Redis that is there for these tests. */
  readonly redis: string;
}

/**
 * A process that tries schedules on builds, each of which is code of its own. Started by the spec, one case at a time.
 */
process.on('message', (asked: Case) => void judge(asked).then((verdict) => process.send?.(verdict)));
process.on('disconnect', () => process.exit());

let services = 0;

async function judge({ build, schedule, times, redis }: Case): Promise<Verdict[]> {
  const at = (file: string) => pathToFileURL(join(build, 'test/rules', file)).href;
  try {
    const { schedules } = (await import(at('schedules/index.js'))) as { schedules: readonly Schedule[] };
    const { Scene: SceneOfBuild } = (await import(at('scene.js'))) as { Scene: typeof Scene };
    const { run } = schedules.find(({ name }) => name === schedule)!;
    const verdicts: Verdict[] = [];
    for (let n = 0; n < times; n++)
      verdicts.push(await once(run, new SceneOfBuild(redis, `rules${process.pid}x${(services += 1)}`)));
    return verdicts;
  } catch (error) {
    return [{ kind: 'failed', why: stackOf(error) }];
  }
}

async function once(run: Schedule['run'], scene: Scene): Promise<Verdict> {
  let verdict: Verdict = { kind: 'kept' };
  try {
    await run(scene);
  } catch (error) {
    verdict =
      error instanceof Error && error.name === 'BrokenPromise'
        ? { kind: 'broken', promise: error.message }
        : { kind: 'failed', why: stackOf(error) };
  }
  // what a schedule left open matters only where it came to its end
  await scene.end().catch((error: unknown) => {
    if (verdict.kind === 'kept') verdict = { kind: 'failed', why: stackOf(error) };
  });
  return verdict;
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
