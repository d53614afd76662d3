import type { ChildProcess } from 'node:child_process';
import { sleep, stopChild } from './servers/processes.js';

/** An instance of the application in a process of its own (test/integration/fixtures/instance.mjs). */
export class InstanceProcess {
  private lastId = 0;
  private readonly pending = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  readonly ready: Promise<unknown>;

  constructor(private readonly child: ChildProcess) {
    this.ready = new Promise((resolve, reject) => this.pending.set(0, { resolve, reject }));
    child.on('message', ({ id, result, error }: { id: number; result: never; error?: string }) => {
      if (error === undefined) this.pending.get(id)!.resolve(result);
      else this.pending.get(id)!.reject(new Error(error));
    });
  }

  send<T>(command: string, args: object = {}): Promise<T> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.child.send({ id, command, args });
    });
  }

  async end(): Promise<void> {
    this.child.disconnect();
    await sleep(300);
    await stopChild(this.child, 'SIGKILL');
  }
}
