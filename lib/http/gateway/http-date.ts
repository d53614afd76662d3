const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const IMF_FIXDATE = /^(?:mon|tue|wed|thu|fri|sat|sun), (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt$/i;
const RFC_850 = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/i;
const ASCTIME = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i;

/**
 * The three forms that a recipient must read (RFC 9110, section 5.6.7).
 *
 * @param nowMs ms since the epoch: a year of two digits is never more than 50 years after it
 * @returns ms since the epoch, or null for any other text
 */
export function parseHttpDate(text: string, nowMs: number): number | null {
  let match = IMF_FIXDATE.exec(text);
  if (match) return toMs(match[3]!, match[2]!, match[1]!, match.slice(4));
  match = ASCTIME.exec(text);
  if (match) return toMs(match[6]!, match[1]!, match[2]!, match.slice(3, 6));
  match = RFC_850.exec(text);
  if (!match) return null;
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(match[3]);
  return toMs(String(year > thisYear + 50 ? year - 100 : year), match[2]!, match[1]!, match.slice(4));
}

/** RFC 9110, section 5.6.7: the form to write. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

function toMs(year: string, monthName: string, day: string, time: readonly string[]): number | null {
  const month = MONTHS.indexOf(monthName.toLowerCase());
  const [hour, minute, second] = time.map(Number) as [number, number, number];
  const dayOfMonth = Number(day);
  const isReal = month >= 0 && dayOfMonth >= 1 && dayOfMonth <= 31 && hour < 24 && minute < 60 && second <= 60;
  return isReal ? Date.UTC(Number(year), month, dayOfMonth, hour, minute, second) : null;
}
