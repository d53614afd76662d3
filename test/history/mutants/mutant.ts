import type { Edit } from './edited.js';

/**
 * A rule of the protocol taken out of the source of engine, driver or function library. The directed schedules
 * (test/rules) notice every time; the history checker by chance, given time.
 */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Faults that the run needs; none by default. */
  readonly faults?: readonly string[];
  /** More options of the run, as on the command line. */
  readonly options?: string;
  /**
   * No live run finds it in a short time: the name of its rule in the exhaustive model (test/model/rules.ts), and why
   * no run does.
   */
  readonly onlyByModel?: { readonly rule: string; readonly because: string };
}

export const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

export const lua = (file: string, find: string, replace: string): Edit =>
  edit(`stores/redis/functions/${file}.lua`, find, replace);
