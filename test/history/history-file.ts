import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { OPERATION_KINDS, type Operation, type OperationKind } from './operation.js';

/** begin, end (float64), version, and kind, flags, region, key (uint32 each, the second packed). */
const RECORD_BYTES = 24;
const RECORDS_PER_WRITE = 2_048;
const PENDING_FLAG = 0x20;

const codes = new Map(OPERATION_KINDS.map((kind, code) => [kind, code]));

/** Appends operations to a file, compactly. What was not flushed is lost with the process. */
export class HistoryWriter {
  private readonly buffer = new ArrayBuffer(RECORD_BYTES * RECORDS_PER_WRITE);
  private readonly floats = new Float64Array(this.buffer);
  private readonly words = new Uint32Array(this.buffer);
  private count = 0;
  private file: number;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  add(
    kind: OperationKind,
    region: number,
    key: number,
    version: number,
    begin: number,
    end: number,
    isAcknowledged = true,
  ): void {
    const { count } = this;
    this.floats[3 * count] = begin;
    this.floats[3 * count + 1] = end;
    this.words[6 * count + 4] = version;
    const code = codes.get(kind)! | (isAcknowledged ? 0 : PENDING_FLAG);
    this.words[6 * count + 5] = (code << 24) | (region << 16) | key;
    this.count = count + 1;
    if (this.count === RECORDS_PER_WRITE) this.flush();
  }

  flush(): void {
    if (this.count > 0) writeSync(this.file, new Uint8Array(this.buffer, 0, this.count * RECORD_BYTES));
    this.count = 0;
  }

  /** Goes on in another file. */
  rotate(path: string): void {
    this.flush();
    closeSync(this.file);
    this.file = openSync(path, 'a');
  }
}

/** Reads the operations of one process and removes the file. A record cut off by the process's death is left out. */
export function takeHistory(path: string, process: number): Operation[] {
  if (!existsSync(path)) return [];
  const bytes = readFileSync(path);
  rmSync(path);
  const operations: Operation[] = [];
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const packed = bytes.readUInt32LE(at + 20);
    const code = packed >>> 24;
    operations.push({
      kind: OPERATION_KINDS[code & (PENDING_FLAG - 1)]!,
      process,
      region: (packed >>> 16) & 0xff,
      key: packed & 0xffff,
      version: bytes.readUInt32LE(at + 16),
      begin: bytes.readDoubleLE(at),
      end: bytes.readDoubleLE(at + 8),
      isAcknowledged: (code & PENDING_FLAG) === 0,
    });
  }
  return operations;
}
