import { describe, expect, it } from '@jest/globals';
import { Circuit, type CircuitState } from '../../../lib/stores/redis/circuit.js';
import { FakeClock, gate, settle } from '../../support/fake-clock.js';
import { replyError } from '../../support/fake-redis-client.js';

const SILENCE = () => Promise.reject(new Error('No answer within 250 ms'));
const CLOSED = () => Promise.reject(new Error('Connection is closed.'));
const REFUSED = () => Promise.reject(replyError('ERR no'));
const ANSWER = () => Promise.resolve('an answer');

function aCircuit() {
  const clock = new FakeClock();
  const changes: [CircuitState['kind'], number][] = [];
  const circuit = new Circuit({ clock, onChange: ({ kind }, wasOpenMs) => changes.push([kind, wasOpenMs]) });
  const run = async (...sends: (() => Promise<unknown>)[]) => {
    for (const send of sends) await circuit.run(send, false).catch(() => {});
  };
  const opened = async () => {
    await run(SILENCE, SILENCE, SILENCE);
    return circuit.state.kind;
  };
  return { circuit, clock, changes, run, opened };
}

describe('a circuit', () => {
  it('opens after three in a row that were silent, deadlines or closed connections', async () => {
    const { circuit, run, changes } = aCircuit();
    await run(SILENCE, CLOSED, ANSWER, SILENCE, SILENCE);
    expect(circuit.state.kind).toBe('closed');
    await run(CLOSED);
    expect(circuit.state).toMatchObject({ kind: 'open', why: 'its connection closed' });
    expect(changes).toEqual([['open', 0]]);
  });

  it('opens when half of the last twenty were silent', async () => {
    const { circuit, run } = aCircuit();
    for (let n = 0; n < 9; n++) await run(ANSWER, SILENCE);
    expect(circuit.state.kind).toBe('closed');
    await run(ANSWER, SILENCE);
    expect(circuit.state.kind).toBe('open');

    const other = aCircuit();
    for (let n = 0; n < 50; n++) await other.run(ANSWER, ANSWER, SILENCE);
    expect(other.circuit.state.kind).toBe('closed');
  });

  it('never opens because of what Redis refuses', async () => {
    const { circuit, run } = aCircuit();
    await run(...Array.from({ length: 50 }, () => REFUSED));
    expect(circuit.state.kind).toBe('closed');
  });

  it('sends nothing while it is open but one probe at a time', async () => {
    const { circuit, opened } = aCircuit();
    expect(await opened()).toBe('open');
    let sent = 0;
    const answer = gate<string>();
    const send = () => {
      sent += 1;
      return answer.promise;
    };
    await expect(circuit.run(send, false)).rejects.toThrow('nothing is sent to it now, since No answer within 250 ms');
    const probe = circuit.run(send, true);
    expect(circuit.state.kind).toBe('half-open');
    await expect(circuit.run(send, true)).rejects.toThrow('nothing is sent to it now');
    expect(sent).toBe(1);
    answer.open('an answer');
    await probe;
    expect(circuit.state.kind).toBe('closed');
  });

  it('stays open while probes are silent or cannot be sent, and closes with any answer of the server', async () => {
    const { circuit, clock, changes, opened } = aCircuit();
    await opened();
    await circuit.run(SILENCE, true).catch(() => {});
    expect(circuit.state.kind).toBe('open');
    await circuit.run(() => Promise.reject(new Error("Stream isn't writeable")), true).catch(() => {});
    expect(circuit.state.kind).toBe('open');
    await clock.advance(1_500);
    await circuit.run(REFUSED, true).catch(() => {});
    expect(changes).toEqual([
      ['open', 0],
      ['closed', 1_500],
    ]);
  });

  it('takes a throw for what could not be sent: the next probe goes out', async () => {
    const { circuit, opened } = aCircuit();
    await opened();
    const torn = () => {
      throw new Error('no stream');
    };
    await expect(circuit.run(torn, true)).rejects.toThrow('no stream');
    expect(circuit.state.kind).toBe('open');
    await circuit.run(ANSWER, true);
    await expect(circuit.run(torn, false)).rejects.toThrow('no stream');
    expect(circuit.state.kind).toBe('closed');
  });

  it('is not closed by the answer to what was sent before it opened, and begins anew when it closes', async () => {
    const { circuit, run, opened } = aCircuit();
    const late = gate();
    void circuit.run(() => late.promise, false);
    await opened();
    late.open();
    await settle();
    expect(circuit.state.kind).toBe('open');
    await circuit.run(ANSWER, true);
    await run(SILENCE, SILENCE);
    expect(circuit.state.kind).toBe('closed');
  });
});

describe('what was sent before a circuit opens', () => {
  it('is told of the opening, once, until it wants to know no more', async () => {
    const circuit = new Circuit({ clock: new FakeClock(), onChange: () => {} });
    const seen: string[] = [];
    circuit.onOpen(() => seen.push('a'));
    circuit.onOpen(() => seen.push('b'))();
    for (let n = 0; n < 5; n++)
      await circuit.run(() => Promise.reject(new Error('No answer within 5 ms')), false).catch(() => {});
    expect(seen).toEqual(['a']);
  });
});
