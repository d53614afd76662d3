// A closed loop of 50 connections against one server, in a process of its own, so that its CPU time is not the
// server's. argv: port, milliseconds, header lines as JSON, paths as JSON. Prints { count, p99Ms, statuses }.
import { connect } from 'node:net';

const [port, ms, headers, paths] = process.argv.slice(2).map((text) => JSON.parse(text) as unknown) as [
  number,
  number,
  string[],
  string[],
];
const CONNECTIONS = 50;
const requests = paths.map((path) =>
  Buffer.from(['GET ' + path + ' HTTP/1.1', 'Host: bench', ...headers, '', ''].join('\r\n')),
);
const timesMs: number[] = [];
const statuses: Record<string, number> = {};
const endAt = performance.now() + ms;
let next = 0;

await Promise.all(Array.from({ length: CONNECTIONS }, () => loop()));
timesMs.sort((a, b) => a - b);
console.log(JSON.stringify({ count: timesMs.length, p99Ms: timesMs[Math.floor(timesMs.length * 0.99)], statuses }));

function loop(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let sentAt = 0;
    let text = '';
    const send = () => {
      if (performance.now() >= endAt) return void socket.end();
      sentAt = performance.now();
      socket.write(requests[next++ % requests.length]!);
    };
    socket.setEncoding('latin1');
    socket.on('connect', send);
    socket.on('data', (part: string) => {
      text += part;
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const status = text.slice(9, 12);
      const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1];
      if (text.length < headEnd + 4 + (status === '304' ? 0 : Number(length ?? 0))) return;
      timesMs.push(performance.now() - sentAt);
      statuses[status] = (statuses[status] ?? 0) + 1;
      text = '';
      send();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}
