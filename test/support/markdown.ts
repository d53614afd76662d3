/** A fenced block of a Markdown text. */
export interface Fence {
  /** First word after the backticks, such as `ts`. */
  readonly language: string;
  /** The other words. */
  readonly flags: readonly string[];
  readonly code: string;
  /** Line of its first line of code, from 1. */
  readonly line: number;
  /** Content of an HTML comment `<!-- given … -->` that stands right before the block; '' without one. */
  readonly given: string;
}

export function fencesOf(markdown: string): Fence[] {
  const block = /(?:<!-- given\s([^]*?)-->\s*\n)?^([ \t]*)```(\w+)([^\n]*)\n([^]*?)^\2```[ \t]*$/gm;
  return [...markdown.matchAll(block)].map(({ 0: all, 1: given = '', 3: language, 4: flags, 5: code, index }) => ({
    language: language!,
    flags: flags!.trim().split(/\s+/).filter(Boolean),
    code: code!,
    line: markdown.slice(0, index + all.lastIndexOf(code!)).split('\n').length,
    given,
  }));
}

export interface Heading {
  readonly depth: number;
  readonly text: string;
  /** As GitHub makes it. */
  readonly anchor: string;
}

export function headingsOf(markdown: string): Heading[] {
  return [...withoutFences(markdown).matchAll(/^(#{1,6}) +(.+?) *$/gm)].map(({ 1: marks, 2: text }) => ({
    depth: marks!.length,
    text: text!,
    anchor: text!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  }));
}

/** The text below a heading, up to the next of its depth or a higher one; undefined when there is no such heading. */
export function sectionOf(markdown: string, heading: string): string | undefined {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ +/, '').trim() === heading);
  if (start < 0) return undefined;
  const depth = lines[start]!.indexOf(' ');
  const end = lines.findIndex((line, index) => index > start && /^#+ /.test(line) && line.indexOf(' ') <= depth);
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** Rows of the first table, without head and rule; each cell trimmed, `\|` read as `|`. */
export function tableOf(markdown: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => /^\|[-:| ]+\|$/.test(line.trim()));
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .trim()
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

/** Targets of links and pictures, without those in code. */
export function linksOf(markdown: string): string[] {
  const prose = withoutFences(markdown).replaceAll(/(`+)[^]*?\1/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].map(({ 1: target }) => target!);
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^[ \t]*```[^]*?^[ \t]*```[ \t]*$/gm, '');
}
