/** One text of a source file, and what stands there in the mutant. */
export interface Edit {
  /** Below lib/, without `.ts`. */
  readonly file: string;
  /** Must occur exactly once, however it is wrapped and indented. */
  readonly find: string;
  readonly replace: string;
}

/**
 * A source with one text replaced. White space counts for nothing, nor do comments and the comma that a formatter adds
 * when it wraps a list.
 *
 * @param who for the message
 * @throws Error when the text does not occur exactly once: the code has moved on, and the mutant must follow
 */
export function edited(source: string, { file, find, replace }: Edit, who: string): string {
  const found = [...source.matchAll(patternOf(find))];
  if (found.length !== 1) {
    throw new Error(
      `${who}: in lib/${file}.ts this occurs ${found.length} times instead of once:\n\n${find}\n\n` +
        `Where the code has moved or has other words now, let the mutant follow: its edits name the file and the text. ` +
        `Where the rule itself is gone, its mutant and its schedule go too.`,
    );
  }
  const { 0: text, index } = found[0]!;
  return source.slice(0, index) + replace + source.slice(index + text.length);
}

/** Words, quoted texts, and single characters. */
const TOKEN = /[\w$]+|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|[^\s\w]/g;
const GAP = String.raw`(?:\s|//[^\n]*\n)*`;

function patternOf(find: string): RegExp {
  const tokens = find.match(TOKEN) ?? [];
  const parts = tokens.map((token, n) => {
    const comma = /^[)\]}]$/.test(token) && tokens[n - 1] !== ',' ? `(?:,${GAP})?` : '';
    return comma + token.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  });
  // words do not run together
  return new RegExp(String.raw`(?<![\w$](?=[\w$]))${parts.join(GAP)}(?!(?<=[\w$])[\w$])`, 'g');
}
