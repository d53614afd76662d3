import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const VERSION_FILE = 'lib/stores/redis/functions/protocol-version.js';

/** Copies a build beside itself, as a release with the next version of the protocol. @returns the folder of the copy */
export function nextVersionOf(build: string): string {
  const next = join(dirname(build), `${basename(build)}-next`);
  cpSync(build, next, { recursive: true });
  const text = readFileSync(join(build, VERSION_FILE), 'utf8');
  const raised = text.replace(/PROTOCOL_VERSION = (\d+)/, (_, version) => `PROTOCOL_VERSION = ${Number(version) + 1}`);
  if (raised === text) throw new Error(`${VERSION_FILE} names no PROTOCOL_VERSION.`);
  writeFileSync(join(next, VERSION_FILE), raised);
  return next;
}
