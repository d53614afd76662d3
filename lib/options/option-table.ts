import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Duration, toMilliseconds } from './duration.js';

/**
 * Where an option may be stated: in `forRoot`, in its `regions`, in `@CacheConfig`, on a method or in a call by hand,
 * in `@HttpCache`.
 */
export type Level = 'cache' | 'region' | 'class' | 'method' | 'response';

/**
 * What one option may be. Not in valibot's words: they would stand in the declarations of every door, and without
 * `skipLibCheck` the compiler of an application would check all of valibot's types.
 */
export type Schema<Output = unknown> = StandardSchemaV1<unknown, Output>;

/**
 * One option: what it may be, and what the code reads in its place. A `duration` is read in ms as `nameMs`, a `share`
 * as `nameRatio`, any other value as it is, all null where there is neither a statement nor a default.
 */
export interface OptionSpec {
  readonly kind: 'duration' | 'share' | 'value';
  readonly schema: Schema;
  readonly default: unknown;
  /** Other libraries take it in seconds: a number that looks like these gets a warning. */
  readonly isOftenSeconds?: boolean;
  /** What it is unless a function of the result gives it, which is possible on methods and in calls. */
  readonly ofResult?: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

type ResolvedName<Name extends string, Spec extends OptionSpec> = Spec['kind'] extends 'duration'
  ? `${Name}Ms`
  : Spec['kind'] extends 'share'
    ? `${Name}Ratio`
    : Name;

type ResolvedValue<Spec extends OptionSpec> =
  | (Spec['kind'] extends 'value' ? StandardSchemaV1.InferOutput<Spec['schema']> : number)
  | (Spec['default'] extends undefined ? null : Spec['kind'] extends 'value' ? Spec['default'] : never);

/** What the code reads: complete, in ms. */
export type ResolvedOf<Table extends OptionTable> = {
  readonly [Name in keyof Table & string as ResolvedName<Name, Table[Name]>]: ResolvedValue<Table[Name]>;
};

/** What an application may state, of any kind until it is checked. */
export type StatedOf<Table extends OptionTable> = { readonly [Name in keyof Table]?: unknown };

const SUFFIX = { duration: 'Ms', share: 'Ratio', value: '' } as const;

/**
 * @param path before the name of an option, for messages
 * @param fallback what holds where nothing is stated @default the defaults
 * @throws CacheError RC_INVALID_OPTION
 */
export function resolveTable<Table extends OptionTable>(
  table: Table,
  stated: StatedOf<Table>,
  path = '',
  fallback?: ResolvedOf<Table>,
): ResolvedOf<Table> {
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const as = name + SUFFIX[spec.kind];
    const value = stated[name];
    if (value !== undefined) resolved[as] = resolvedValue(spec, value, path + name);
    else if (fallback !== undefined) resolved[as] = (fallback as Record<string, unknown>)[as];
    else resolved[as] = spec.default === undefined ? null : resolvedValue(spec, spec.default, path + name);
  }
  return resolved as ResolvedOf<Table>;
}

function resolvedValue({ kind }: OptionSpec, value: unknown, option: string): unknown {
  return kind === 'duration' ? toMilliseconds(option, value) : value;
}

/** True when the code would read two statements of an option alike. */
export function isSameStatement(spec: OptionSpec, a: unknown, b: unknown): boolean {
  return resolvedValue(spec, a, '') === resolvedValue(spec, b, '');
}

/** 60 is meant as a minute more often than as 60 ms, and 3600 as an hour. */
export function warnOfSeconds(table: OptionTable, path: string, stated: object, warn: (message: string) => void): void {
  for (const [name, spec] of Object.entries(table)) {
    const value = (stated as Record<string, Duration | undefined>)[name];
    if (!spec.isOftenSeconds || typeof value !== 'number' || !looksLikeSeconds(value)) continue;
    warn(
      `${path}${name} is ${value} milliseconds. If seconds were meant, write '${value}s'; if not, '${value}ms' says so.`,
    );
  }
}

/** Less than a second, or whole minutes when read as seconds and no whole half second when read as milliseconds. */
function looksLikeSeconds(value: number): boolean {
  return value < 1_000 || (value % 60 === 0 && value % 500 !== 0);
}
