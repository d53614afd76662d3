import { sleep } from '../support/servers/processes.js';
import { monotonicMs } from './monotonic.js';
import type { Random } from './random.js';
import type { Fault } from './topology.js';

/** A fault that was, or is. */
export interface FaultRecord {
  readonly name: string;
  readonly losesData: boolean;
  readonly isSilent: boolean;
  readonly isBoundedByAge: boolean;
  readonly begin: number;
  /** Infinity while it lasts. */
  end: number;
}

/** Runs one fault after another, as the seed has it, with pauses between. */
export class FaultSchedule {
  private isRunning = true;
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: {
      readonly faults: readonly Fault[];
      readonly random: Random;
      readonly pauseMs: readonly [least: number, most: number];
      /** Shared by all schedules of a run. */
      readonly log: FaultRecord[];
      readonly onProblem: (message: string) => void;
    },
  ) {}

  start(): void {
    if (this.parts.faults.length > 0) this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.loop;
  }

  private async run(): Promise<void> {
    const { faults, random, pauseMs, log, onProblem } = this.parts;
    const weights = Object.fromEntries(faults.map(({ name, weight }) => [name, weight]));
    while (this.isRunning) {
      await sleep(random.between(...pauseMs));
      if (!this.isRunning) return;
      const name = random.weighted(weights);
      const fault = faults.find((each) => each.name === name)!;
      const { losesData, isSilent = false, isBoundedByAge = false } = fault;
      const begin = monotonicMs();
      const record: FaultRecord = { name, losesData, isSilent, isBoundedByAge, begin, end: Infinity };
      log.push(record);
      try {
        await fault.run(random);
      } catch (error) {
        onProblem(
          `the fault "${name}" failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
      record.end = monotonicMs();
    }
  }
}
