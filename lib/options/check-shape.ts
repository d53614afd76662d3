import * as v from 'valibot';
import { CacheError, describeValue } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest-name.js';
import { toMilliseconds } from './duration.js';
import { checkName } from './names.js';
import { BAD_DURATION, BAD_NAME } from './option-schemas.js';

/** How the errors of a shape speak. */
export interface ShapeNames {
  /** What the whole is called. */
  readonly root: string;
  /** Before the name of each option. */
  readonly prefix: string;
  /** The options known at a path, for "did you mean". */
  readonly namesAt: (path: readonly string[]) => readonly string[];
  /** What to give for an option that has no default. */
  readonly missing?: Readonly<Record<string, string>>;
}

type Issue = v.BaseIssue<unknown>;

/** @throws CacheError RC_INVALID_OPTION: what it must be, what was got, and the cure */
export function checkShape(schema: v.GenericSchema, options: unknown, names: ShapeNames): void {
  const { issues } = v.safeParse(schema, options);
  if (!issues) return;
  const flat = issues.flatMap(membersOf);
  // an unknown option is often the cause of the other faults
  throw errorOf(flat.find(isUnknownOption) ?? flat[0]!, names);
}

function errorOf(issue: Issue, { root, prefix, namesAt, missing = {} }: ShapeNames): CacheError {
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const option = path.length === 0 ? root : prefix + path.join('.');
  if (isUnknownOption(issue)) {
    const names = namesAt(path);
    const meant = didYouMean(path.at(-1)!, names) || ` Known are: ${names.join(', ')}.`;
    const got = describeValue(issue.path?.at(-1)?.value);
    return new CacheError('RC_INVALID_OPTION', `${option} is not an option, got ${got}.${meant}`);
  }
  const cure = missing[path.join('.')];
  if (issue.input === undefined && cure !== undefined) {
    return new CacheError('RC_INVALID_OPTION', `${option} is missing. Give ${cure}.`);
  }
  const check = { [BAD_DURATION]: toMilliseconds, [BAD_NAME]: checkName }[issue.message];
  try {
    check?.(option, issue.input);
  } catch (error) {
    if (error instanceof CacheError) return error;
  }
  const got = describeValue(issue.input);
  return new CacheError('RC_INVALID_OPTION', `${option} must be ${issue.message}, got ${got}.${textCure(issue)}`);
}

/** What an environment variable says is a text. */
function textCure({ expected, input, message }: Issue): string {
  if (typeof input !== 'string') return '';
  if (expected === 'boolean') return " It is a text, as of an environment variable: write text === 'true'.";
  const isNumber = /^a (whole )?number/.test(message) && input.trim() !== '' && Number.isFinite(Number(input));
  return isNumber ? ' It is a text, as of an environment variable: write Number(text).' : '';
}

function isUnknownOption(issue: Issue): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}

/** The issues inside a union, where an object was got: they say more than "none of the members". */
function membersOf(issue: Issue): Issue[] {
  const inner = typeof issue.input === 'object' ? (issue.issues ?? []).filter(({ path }) => path !== undefined) : [];
  if (inner.length === 0) return [issue];
  return inner.map((one) => ({ ...one, path: [...(issue.path ?? []), ...one.path!] }) as Issue);
}
