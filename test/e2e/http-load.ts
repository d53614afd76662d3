import { Agent, request } from 'node:http';

/** What became of one request. `status` 0: it got no answer. */
export interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly why?: string;
}

/** A client with connections of its own that it keeps, as a proxy has to each of its pods. */
export class HttpTarget {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly url: URL;

  constructor(url: string) {
    this.url = new URL(url);
  }

  send(method: 'GET' | 'PUT', path: string, body?: object): Promise<Outcome> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': text.length };
    return new Promise((resolve) => {
      const { hostname, port } = this.url;
      const call = request({ agent: this.agent, hostname, port, method, path, headers }, (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
        response.on('end', () => resolve({ status: response.statusCode!, body: answer }));
        response.on('error', (error) => resolve({ status: 0, body: '', why: error.message }));
      });
      call.on('error', (error) => resolve({ status: 0, body: '', why: error.message }));
      call.end(text);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Callers who go on and on, over whatever targets there are at the moment. */
export class HttpLoad {
  /** Where requests go, in turn; changed while it runs. */
  targets: readonly HttpTarget[] = [];
  readonly failed: Outcome[] = [];
  answered = 0;
  private isEnding = false;
  private turn = 0;
  private readonly callers: Promise<void>[];

  /** @param step one request of a caller, on the target that it is given */
  constructor(callers: number, step: (target: HttpTarget, n: number) => Promise<Outcome>) {
    this.callers = Array.from({ length: callers }, async () => {
      while (this.targets.length === 0) await new Promise(setImmediate);
      while (!this.isEnding) {
        const n = this.turn++;
        const outcome = await step(this.targets[n % this.targets.length]!, n);
        if (outcome.status >= 200 && outcome.status < 300) this.answered += 1;
        else this.failed.push(outcome);
      }
    });
  }

  async end(): Promise<void> {
    this.isEnding = true;
    await Promise.all(this.callers);
  }
}
