/** One text of a compiled file, and what stands there in the mutant. It must occur exactly once. */
export interface Edit {
  /** Below lib/, without `.js`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * A rule of the protocol taken out of the compiled engine, driver or function library. The checker has to notice, or the rule is not
 * tested; what needs a coincidence that no short run brings is named with the rule of the exhaustive model that covers it.
 */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Faults that the run needs; none by default. */
  readonly faults?: readonly string[];
  /** More options of the run, as on the command line. */
  readonly options?: string;
  /** Only the exhaustive model catches it: the name of its rule (test/model/rules.ts), and why no live run does. */
  readonly onlyByModel?: { readonly rule: string; readonly because: string };
}

export const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

export const lua = (file: string, find: string, replace: string): Edit =>
  edit(`stores/redis/functions/${file}.lua`, find, replace);
