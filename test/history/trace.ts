import type { FaultRecord } from './fault-schedule.js';
import type { Violation } from './history-checker.js';
import type { Operation } from './operation.js';
import { REGIONS, TAG_COUNT } from './regions.js';

const BEFORE_MS = 3_000;
const AFTER_MS = 30;
const MOST_LINES = 160;

/** Everything that touched the key around the violation, in the order of begins, relative to the read's begin. */
export function traceOf(
  violation: Violation,
  operations: readonly Operation[],
  faults: readonly FaultRecord[],
): string {
  const { read, rule, floor, because } = violation;
  const from = Math.min(read.begin, because?.begin ?? read.begin) - BEFORE_MS;
  const to = read.end + AFTER_MS;
  const regions = [read.region, REGIONS[read.region]!.madeOf];
  const concerns = ({ kind, region, key }: Operation) =>
    kind === 'clear-all' ||
    (regions.includes(region) &&
      (kind === 'clear-region' || (kind === 'evict-tag' ? read.key % TAG_COUNT === key : key === read.key)));
  const relevant = operations
    .filter((each) => concerns(each) && each.end >= from && each.begin <= to)
    .sort((a, b) => a.begin - b.begin);
  const lines = thin(relevant, read).map((each) => ({ at: each.begin, text: lineOf(each, read, because) }));
  for (const fault of faults) {
    if (fault.end < from || fault.begin > to) continue;
    const end = fault.end === Infinity ? '…' : relative(fault.end, read);
    lines.push({ at: fault.begin, text: `${relative(fault.begin, read)} … ${end}  FAULT ${fault.name}` });
  }
  lines.sort((a, b) => a.at - b.at);
  const head =
    `${rule}: process ${read.process} read version ${read.version} of ${REGIONS[read.region]!.name}/${read.key}, ` +
    `at least ${floor} was promised${because ? ` by ${because.kind} of process ${because.process}` : ''}`;
  return [head, ...lines.map(({ text }) => `  ${text}`)].join('\n');
}

/** Reads are many: those near the violation stay, and those that saw another version than the one before. */
function thin(operations: readonly Operation[], read: Operation): Operation[] {
  let seen = -1;
  const kept = operations.filter((each) => {
    if (each.kind !== 'read') return true;
    const isNews = each.version !== seen;
    seen = each.version;
    return isNews || each === read;
  });
  return kept.slice(-MOST_LINES);
}

function lineOf(operation: Operation, read: Operation, because: Operation | null): string {
  const { kind, process, key, version, begin, end, isAcknowledged } = operation;
  const mark = operation === read ? ' <== violation' : operation === because ? ' <== promised' : '';
  const subject = kind === 'evict-tag' ? ` tag ${key}` : '';
  const pending = isAcknowledged ? '' : ' (not acknowledged)';
  return `${relative(begin, read)} … ${relative(end, read)}  p${process} ${kind}${subject} v${version}${pending}${mark}`;
}

const relative = (at: number, read: Operation): string => (at - read.begin).toFixed(3).padStart(10);
