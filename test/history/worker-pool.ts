import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { track } from '../support/servers/processes.js';
import { takeHistory } from './history-file.js';
import type { FromWorker, ToWorker, WorkerConfig, WorkerReport, WorkerState } from './messages.js';
import type { Operation } from './operation.js';

/** The folder of lib/ and test/ that this runs in. */
export const BUILD = fileURLToPath(new URL('../..', import.meta.url));
const WORKER = 'test/history/worker.js';

/** Longer than any command or load; a process that takes longer hangs. */
const ROTATION_PATIENCE_MS = 20_000;

interface Worker {
  readonly config: WorkerConfig;
  readonly child: ChildProcess;
  readonly paths: string[];
  isAlive: boolean;
}

/** The processes under test: starts them, replaces the dead, talks to them, collects their histories. */
export class WorkerPool {
  private readonly workers: Worker[] = [];
  /** Dead, with histories that nobody took yet. */
  private readonly buried: Worker[] = [];
  private started = 0;
  private segment = 0;
  private isEnding = false;
  state: WorkerState;

  constructor(
    private readonly parts: {
      readonly directory: string;
      /** Folders of the builds that run side by side: the processes take them in turn. */
      readonly builds?: readonly string[];
      /** Whether every second process keeps values of another shape. */
      readonly hasMixedShapes?: boolean;
      /** Whether every second process, others than with a second shape, writes MessagePack. */
      readonly hasMixedCodecs?: boolean;
      /** For every third process. */
      readonly stayingConnection?: WorkerConfig['options']['redis'];
      readonly config: Omit<WorkerConfig, 'process' | 'seed' | 'historyPath' | 'state' | 'shape'>;
      readonly seed: number;
      readonly state: WorkerState;
      readonly onProblem: (message: string) => void;
    },
  ) {
    this.state = parts.state;
  }

  get liveCount(): number {
    return this.workers.length;
  }

  async add(): Promise<void> {
    const process = (this.started += 1);
    const { builds = [BUILD], config, hasMixedShapes, hasMixedCodecs, stayingConnection, seed, onProblem } = this.parts;
    const redis = process % 3 === 0 && stayingConnection ? stayingConnection : config.options.redis;
    const codec = hasMixedCodecs && process % 2 === 0 ? 'msgpack' : 'json';
    const path = this.pathOf(process);
    const workerConfig: WorkerConfig = {
      ...config,
      options: { ...config.options, codec, ...(redis === undefined ? {} : { redis }) },
      process,
      seed: seed * 1_000 + process * 10,
      historyPath: path,
      shape: hasMixedShapes && process % 2 === 0 ? 2 : 1,
      state: this.state,
    };
    const child = track(
      fork(join(builds[process % builds.length]!, WORKER), {
        env: { ...globalThis.process.env, HISTORY_WORKER: JSON.stringify(workerConfig), NODE_ENV: 'production' },
      }),
    );
    const worker: Worker = { config: workerConfig, child, paths: [path], isAlive: true };
    child.once('exit', (code, signal) => {
      worker.isAlive = false;
      this.workers.splice(this.workers.indexOf(worker), 1);
      this.buried.push(worker);
      if (this.isEnding) return;
      if (signal !== 'SIGKILL') onProblem(`process ${process} ended with ${code ?? signal}`);
    });
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'problem') onProblem(`process ${process}: ${message.message}`);
    });
    this.workers.push(worker);
    await this.answerOf(worker, 'ready', ROTATION_PATIENCE_MS);
  }

  /** To one process, drawn by `index`, or to all. */
  send(message: ToWorker, index?: number): void {
    const meant = index === undefined ? [...this.workers] : [this.workers[index % this.workers.length]!];
    for (const { child, isAlive } of meant) if (isAlive && child.connected) child.send(message, () => {});
  }

  /** For all processes, those that come later too. */
  setAll(state: Partial<WorkerState>): void {
    this.state = { ...this.state, ...state };
    this.send({ kind: 'set', state });
  }

  /** kill -9. */
  kill(index: number): void {
    this.workers[index % this.workers.length]?.child.kill('SIGKILL');
  }

  /** SIGSTOP. @returns what lets it go on */
  freeze(index: number): () => void {
    const child = this.workers[index % this.workers.length]?.child;
    child?.kill('SIGSTOP');
    return () => void child?.kill('SIGCONT');
  }

  /** What was done since the last call, and the moment up to which nothing is missing. */
  async collect(): Promise<{ operations: Operation[]; watermark: number; reports: Map<number, WorkerReport> }> {
    this.segment += 1;
    const reports = new Map<number, WorkerReport>();
    let watermark = Infinity;
    const operations: Operation[] = [];
    const rotating = this.workers.map(async (worker) => {
      const path = this.pathOf(worker.config.process);
      const answer = this.answerOf(worker, 'rotated', ROTATION_PATIENCE_MS);
      worker.child.send({ kind: 'rotate', historyPath: path } satisfies ToWorker, () => {});
      worker.paths.push(path);
      const rotated = await answer;
      if (rotated === null) return;
      watermark = Math.min(watermark, rotated.watermark);
      reports.set(worker.config.process, rotated.report);
      for (const done of worker.paths.splice(0, worker.paths.length - 1)) {
        for (const operation of takeHistory(done, worker.config.process)) operations.push(operation);
      }
    });
    await Promise.all(rotating);
    for (const { paths, config } of this.buried.splice(0)) {
      for (const path of paths) for (const operation of takeHistory(path, config.process)) operations.push(operation);
    }
    return { operations, watermark, reports };
  }

  async finish(): Promise<void> {
    this.isEnding = true;
    const children = this.workers.map(({ child }) => child);
    this.send({ kind: 'finish' });
    const timer = setTimeout(() => {
      this.parts.onProblem('a process did not end within 20 s');
      for (const child of children) child.kill('SIGKILL');
    }, ROTATION_PATIENCE_MS);
    await Promise.all(
      children.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null)),
    );
    clearTimeout(timer);
  }

  private pathOf(process: number): string {
    return join(this.parts.directory, `process-${process}-${this.segment}.bin`);
  }

  /** Null when the process died instead. */
  private answerOf<Kind extends FromWorker['kind']>(
    { child, config }: Worker,
    kind: Kind,
    patienceMs: number,
  ): Promise<(FromWorker & { kind: Kind }) | null> {
    return new Promise((resolve) => {
      const done = (answer: (FromWorker & { kind: Kind }) | null) => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        resolve(answer);
      };
      const onMessage = (message: FromWorker) => message.kind === kind && done(message as FromWorker & { kind: Kind });
      const onExit = () => done(null);
      const timer = setTimeout(() => {
        this.parts.onProblem(`process ${config.process} did not answer "${kind}" within ${patienceMs} ms`);
        child.kill('SIGKILL');
      }, patienceMs);
      child.on('message', onMessage);
      child.on('exit', onExit);
    });
  }
}
