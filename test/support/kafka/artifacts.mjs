// Apache Kafka for the tests: its jars from Maven, and a data directory that is formatted once, cached under
// .services/kafka.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeProperties } from './properties.mjs';

const run = promisify(execFile);
const POM = join(import.meta.dirname, 'pom.xml');

export const KAFKA_VERSION = /<version>(.+?)<\/version>/.exec(readFileSync(POM, 'utf8'))[1];

/** Whoever changes what lies in it counts up the suffix. */
const HOME = join(import.meta.dirname, '..', '..', '..', '.services', 'kafka', `${KAFKA_VERSION}-1`);
/** Any uuid in base64url. */
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';

export const isInstalled = () => existsSync(HOME);

/**
 * Fetches what is not there yet: half a minute and 43 MB, 15 of them Maven's own plugin; later runs take nothing.
 *
 * @throws Error without Java 17, Maven, or a way to Maven's repository
 */
export async function install() {
  if (isInstalled()) return;
  const part = `${HOME}.${process.pid}`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  try {
    const libs = join(part, 'libs');
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${libs}`, '-DincludeScope=runtime'];
    await run('mvn', ['-B', '-q', '-f', POM, ...goal], { timeout: 300_000 });
    const data = join(part, 'formatted');
    // formatting needs no port, but a whole configuration
    const config = writeProperties(part, { port: 1, controllerPort: 2, data });
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config];
    await run('java', javaArguments(format, libs), { timeout: 60_000 });
    rename(part);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** Another run may have been first: theirs is as good. */
function rename(part) {
  try {
    renameSync(part, HOME);
  } catch (error) {
    if (!isInstalled()) throw error;
  }
}

/** `data` becomes a directory that a broker can start on. */
export const copyFormatted = (data) => cpSync(join(HOME, 'formatted'), data, { recursive: true });

/** Java expands the star. Compiled once and quickly: a broker of the tests lives for minutes. */
export const javaArguments = (main, libs = join(HOME, 'libs')) => [
  ...['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  ...['-cp', join(libs, '*'), ...main],
];
