import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

interface ProxyState {
  /** `blackhole` swallows what comes; it stays lost after `heal`. */
  mode: 'pass' | 'blackhole' | 'refuse';
  /** Each way. */
  delayMs: number;
  /** Bytes of replies are replaced. */
  isCorrupt: boolean;
  /** Bytes of replies after which a connection is reset. */
  cutAfter: number;
}

/** A TCP proxy on 127.0.0.1 that can delay, cut, swallow, corrupt, reset or refuse. */
export interface Proxy {
  readonly port: number;
  /** Effective at once, also for open connections. */
  set(change: Partial<ProxyState>): void;
  heal(): void;
  connections(): number;
  /** Chunks that came from clients, since the start. */
  writes(): number;
  /**
   * Lets so many more chunks of clients pass, and keeps the next ones until `release`. `reached` resolves when the
   * first one is kept.
   */
  holdWritesAfter(count: number): { readonly reached: Promise<void>; release(): void };
  /** RST. */
  reset(): void;
  /** FIN. */
  finish(): void;
  stop(): Promise<void>;
}

export async function startProxy(targetPort: number, targetHost = '127.0.0.1'): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let writes = 0;
  let passing = Infinity;
  let onHeld = () => {};
  let held: (() => void)[] = [];
  const WELL: ProxyState = { mode: 'pass', delayMs: 0, isCorrupt: false, cutAfter: Infinity };
  const state = { ...WELL };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (state.mode === 'refuse') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ port: targetPort, host: targetHost, allowHalfOpen: true });
    let replied = 0;
    const pump = (from: Socket, to: Socket, isReply: boolean) => {
      sockets.add(from);
      // in their order, also when the delay has become shorter: TCP never swaps bytes
      const delayed: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
      const drain = () => {
        while (delayed.length > 0 && delayed[0]!.dueMs <= performance.now()) forward(delayed.shift()!.chunk);
        if (delayed.length > 0) setTimeout(drain, Math.max(1, delayed[0]!.dueMs - performance.now()));
      };
      const delay = (chunk: Buffer) => {
        delayed.push({ chunk, dueMs: performance.now() + state.delayMs });
        if (delayed.length === 1) setTimeout(drain, Math.max(1, state.delayMs));
      };
      const forward = (chunk: Buffer) => {
        if (to.destroyed) return;
        if (isReply && state.isCorrupt) chunk = Buffer.from(chunk.map((byte) => byte ^ 0x55));
        if (isReply && replied + chunk.length > state.cutAfter) {
          to.write(chunk.subarray(0, Math.max(0, state.cutAfter - replied)));
          replied += chunk.length;
          from.resetAndDestroy();
          to.resetAndDestroy();
          return;
        }
        if (isReply) replied += chunk.length;
        to.write(chunk);
      };
      from.on('data', (chunk: Buffer) => {
        if (!isReply) writes += 1;
        if (state.mode === 'blackhole') return;
        if (!isReply && (passing -= 1) < 0) {
          held.push(() => forward(chunk));
          onHeld();
        } else if (state.delayMs > 0 || delayed.length > 0) delay(chunk);
        else forward(chunk);
      });
      from.on('end', () => to.end());
      from.on('close', () => {
        to.destroy();
        sockets.delete(from);
      });
      from.on('error', () => to.destroy());
    };
    pump(client, upstream, false);
    pump(upstream, client, true);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const each = (action: (socket: Socket) => void) => {
    for (const socket of sockets) action(socket);
  };
  return {
    port: (server.address() as AddressInfo).port,
    set: (change) => void Object.assign(state, change),
    heal: () => void Object.assign(state, WELL),
    connections: () => sockets.size / 2,
    writes: () => writes,
    holdWritesAfter(count) {
      passing = count;
      const reached = new Promise<void>((resolve) => (onHeld = resolve));
      const release = () => {
        passing = Infinity;
        const all = held;
        held = [];
        for (const forward of all) forward();
      };
      return { reached, release };
    },
    reset: () => each((socket) => socket.resetAndDestroy()),
    finish: () => each((socket) => socket.end()),
    stop: () =>
      new Promise((resolve) => {
        each((socket) => socket.destroy());
        server.close(() => resolve());
      }),
  };
}
