// What a cache of this traffic takes: npm run size -- --keys 1000000 --reads 20000 --evictions 50 --ttl 300 --instances
// 8
import { parseArgs } from 'node:util';
import { type Load, loadOf } from './load.js';
import { expectedRates, type Rates, type Traffic } from './traffic.js';

const DEFAULTS = {
  keys: '100000',
  skew: '1',
  reads: '5000',
  evictions: '20',
  ttl: '300',
  'load-ms': '10',
  instances: '4',
  'l1-entries': '10000',
  'key-bytes': '30',
  'value-bytes': '500',
} as const;

const HELP = `npm run size -- [--name number]…

  --keys         different keys that are read              ${DEFAULTS.keys}
  --skew         exponent of Zipf's law; 0: all alike      ${DEFAULTS.skew}
  --reads        per second, of all instances together     ${DEFAULTS.reads}
  --evictions    of keys, per second                       ${DEFAULTS.evictions}
  --ttl          seconds                                   ${DEFAULTS.ttl}
  --load-ms      how long the source takes                 ${DEFAULTS['load-ms']}
  --instances                                              ${DEFAULTS.instances}
  --l1-entries   room in L1 of each; 0: no L1              ${DEFAULTS['l1-entries']}
  --key-bytes    of a key in Redis                         ${DEFAULTS['key-bytes']}
  --value-bytes  of an encoded value                       ${DEFAULTS['value-bytes']}
`;

/** Above this much of a resource there is no room for peaks. */
const FULL = 0.7;
const MAX_CLIENTS = 10_000;

const stated = numbers();
const traffic: Traffic = {
  keys: stated.keys,
  skew: stated.skew,
  reads: stated.reads,
  evictions: stated.evictions,
  ttlSeconds: stated.ttl,
  loadSeconds: stated['load-ms'] / 1_000,
  tombstoneSeconds: 600,
  instances: stated.instances,
  l1Entries: stated['l1-entries'],
};
const size = { keyBytes: stated['key-bytes'], valueBytes: stated['value-bytes'] };

const rates = expectedRates(traffic);
const load = loadOf(traffic, rates, size);
console.log(`\n${stated.instances} instances, ${traffic.reads} reads/s of ${traffic.keys} keys\n`);
print(lines(traffic, rates, load));

console.log('\nWith more instances that bring as many reads and evictions each:\n');
const grown = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000].map((instances) => {
  const factor = instances / traffic.instances;
  return {
    ...traffic,
    instances,
    reads: traffic.reads * factor,
    evictions: traffic.evictions * factor,
  };
});
let first: string | null = null;
const table = grown.map((one) => {
  const all = expectedRates(one);
  const needed = loadOf(one, all, size);
  first ??= whatIsFull(needed, one.instances);
  return {
    instances: one.instances,
    'hits %': percent((one.reads - all.misses) / one.reads),
    'L1 %': percent(all.l1Hits / one.reads),
    'loads/s': Math.round(all.misses),
    'commands/s': Math.round(needed.commands),
    'messages/s': Math.round(needed.messages),
    'a core of Redis %': percent(needed.redisCore),
    'a core of each instance, for messages %': percent(needed.instanceCore),
    'Redis MB': Math.round(needed.redisBytes / 1e6),
    connections: needed.connections,
  };
});
console.table(table);
console.log(first ?? `Nothing is ${FULL * 100} % full at 1,000 instances.`);

function whatIsFull({ redisCore, instanceCore, connections }: Load, instances: number): string | null {
  const at = `at ${instances} instances`;
  if (redisCore > FULL)
    return `First full: the core of Redis, ${at}. A Cluster divides it by its masters, all but the messages.`;
  if (instanceCore > FULL) return `First full: the instances themselves, by messages of evictions, ${at}.`;
  if (connections > FULL * MAX_CLIENTS)
    return `First full: connections, ${at} (maxclients is ${MAX_CLIENTS} by default).`;
  return null;
}

function lines({ reads }: Traffic, all: Rates, needed: Load): [string, string][] {
  return [
    [
      'hits',
      `${percent((reads - all.misses) / reads)} %, of these in L1 ${percent(all.l1Hits / reads)} % of the reads`,
    ],
    ['loads of the source', `${all.misses.toFixed(1)}/s`],
    [
      'entries in Redis',
      `${Math.round(all.entries)}, ${(needed.redisBytes / 1e6).toFixed(1)} MB; give it that / ${FULL}`,
    ],
    ['commands', `${Math.round(needed.commands)}/s, if no two reads share a turn; lists and peaks take fewer`],
    ['messages', `${Math.round(needed.messages)}/s to all instances together`],
    ['a core of Redis', `${percent(needed.redisCore)} %; plan for ${FULL * 100} %`],
    ['L1 of an instance', `${Math.round(all.l1Entries)} entries, ${(needed.l1Bytes / 1e6).toFixed(1)} MB`],
    ['connections', String(needed.connections)],
  ];
}

function print(all: readonly (readonly [string, string])[]): void {
  for (const [name, value] of all) console.log(`  ${name.padEnd(22)}${value}`);
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

function numbers(): Record<keyof typeof DEFAULTS, number> {
  const names = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string', default: DEFAULTS[name] }] as const));
  try {
    const parsed = parseArgs({ options: { ...options, help: { type: 'boolean', default: false } } });
    const values: Partial<Record<string, string | boolean>> = parsed.values;
    if (values['help']) end(HELP, 0);
    return Object.fromEntries(names.map((name) => [name, numberIn(name, String(values[name]))])) as never;
  } catch (error) {
    return end(`${(error as Error).message}\n\n${HELP}`, 1);
  }
}

/** @throws Error when it is none, or less than makes sense */
function numberIn(name: string, text: string): number {
  const value = Number(text);
  const mayBeNone = ['skew', 'evictions', 'l1-entries', 'load-ms'].includes(name);
  if (text.trim() !== '' && Number.isFinite(value) && (mayBeNone ? value >= 0 : value > 0)) return value;
  throw new Error(`--${name} must be a number ${mayBeNone ? 'from 0 on' : 'above 0'}, got "${text}"`);
}

function end(text: string, code: number): never {
  (code === 0 ? console.log : console.error)(text);
  process.exit(code);
}
