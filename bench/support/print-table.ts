/** As Markdown, for people and for bench/results. */
export function printTable(title: string, rows: readonly Readonly<Record<string, string | number>>[]): void {
  const heads = Object.keys(rows[0] ?? {});
  const text = (cell: string | number = NaN) =>
    typeof cell === 'string' ? cell : isNaN(cell) ? '–' : cell.toLocaleString('en-US', { maximumFractionDigits: 2 });
  const lines = [heads, ...rows.map((row) => heads.map((head) => text(row[head])))];
  const widths = heads.map((_, n) => Math.max(...lines.map((line) => line[n]!.length)));
  const print = (line: readonly string[]) =>
    `| ${line.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join(' | ')} |`;
  const rule = widths.map((width, n) => (n === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  console.log([`\n### ${title}\n`, print(lines[0]!), print(rule), ...lines.slice(1).map(print)].join('\n'));
}
