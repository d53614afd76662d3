import { CacheError, describeValue } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest-name.js';

/** What a URL says, by the names of ioredis's options. */
export interface RedisUrl {
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  /** True for `rediss:`. */
  readonly isTls: boolean;
  /** Options from the query. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

type Kind = 'number' | 'flag' | 'text';

/** What the query may hold. Everything else is an option of ioredis to be written beside `url`, or none. */
const QUERY_OPTIONS: Readonly<Record<string, Kind>> = {
  db: 'number',
  family: 'number',
  connectTimeout: 'number',
  keepAlive: 'number',
  maxLoadingRetryTime: 'number',
  protocol: 'number',
  noDelay: 'flag',
  enableReadyCheck: 'flag',
  connectionName: 'text',
};

/**
 * Reads `redis://` and `rediss://` URLs, once and strictly: ioredis takes any option out of the query, as text.
 *
 * @param option where the URL was written, for messages
 * @throws CacheError RC_INVALID_OPTION, whose message shows nothing of a login
 */
export function parseRedisUrl(url: unknown, option: string): RedisUrl {
  const refuse = (cure: string) =>
    new CacheError('RC_INVALID_OPTION', `${option} is not usable, got ${describeUrl(url)}. ${cure}`);
  if (typeof url !== 'string') throw refuse(FORM);
  if (/^(unix:|redis\+unix:|redis\+socket:|redis-socket:|\/)/i.test(url)) {
    throw refuse(
      "For a unix socket write redis: { path: '/run/redis.sock' }, with db, username and password beside it.",
    );
  }
  if (!/^rediss?:\/\//i.test(url)) throw refuse(FORM);
  // before the URL is parsed: what follows would be a fragment or a query, and the host another
  if (url.includes('#')) throw refuse('It holds a raw #; in user name and password write %23.');
  if (/%(?![0-9a-f]{2})/i.test(url)) throw refuse('It holds a raw %; in user name and password write %25.');
  if (/[?/].*@/s.test(url.replace(/^rediss?:\/\//i, ''))) {
    throw refuse('It holds a raw ? or / before an @; in user name and password ? is %3F, / is %2F and @ is %40.');
  }
  if (!URL.canParse(url)) throw refuse(FORM);
  const { hostname, port, username, password, pathname, protocol, searchParams } = new URL(url);
  const login: { username?: string; password?: string } = {};
  try {
    if (username || password) {
      login.username = decodeURIComponent(username);
      login.password = decodeURIComponent(password);
    }
  } catch {
    throw refuse('Its login holds % and two digits that are not a UTF-8 character; write a raw % as %25.');
  }
  if (!/^\/?\d*$/.test(pathname)) throw refuse('Its path must be the number of a database, such as /0.');
  const options = queryOptions(searchParams, option);
  const path = pathname.replace('/', '');
  if (path !== '' && 'db' in options) throw givenTwice(`${option} names a database in its path and in its query`);
  const { db = path === '' ? undefined : Number(path), ...rest } = options as { db?: number };
  return {
    ...(hostname === '' ? {} : { host: hostname.replace(/^\[|\]$/g, '') }),
    ...(port === '' ? {} : { port: Number(port) }),
    ...login,
    ...(db === undefined ? {} : { db }),
    isTls: protocol === 'rediss:',
    options: rest,
  };
}

/** @returns the error for a database that two places name */
export function givenTwice(what: string): CacheError {
  return new CacheError('RC_INVALID_OPTION', `${what}. Name it once.`);
}

const FORM =
  "Write a URL such as 'redis://localhost:6379' or 'rediss://…' for TLS; in user name and password / is %2F and @ is %40.";

function queryOptions(query: URLSearchParams, option: string): Record<string, string | number | boolean> {
  const options: Record<string, string | number | boolean> = {};
  for (const [name, text] of query) {
    const kind = Object.hasOwn(QUERY_OPTIONS, name) ? QUERY_OPTIONS[name]! : null;
    const refuse = (what: string) => new CacheError('RC_INVALID_OPTION', `${option} ${what}`);
    if (kind === null) {
      const meant = didYouMean(name, [...Object.keys(QUERY_OPTIONS), 'keyPrefix']);
      if (/^keyprefix$/i.test(name)) {
        throw refuse(
          "sets keyPrefix: every key begins with the service's name, and messages carry whole keys. Use `service` to tell applications apart.",
        );
      }
      throw refuse(
        `has ${describeValue(name)} in its query, which is not an option there.${meant} The query may hold ${Object.keys(QUERY_OPTIONS).join(', ')}; write other options beside \`url\`.`,
      );
    }
    if (name in options) throw refuse(`has ${name} twice in its query. Keep one.`);
    if (kind === 'number' && !/^\d{1,9}$/.test(text))
      throw refuse(`has ${name}=${describeValue(text)} in its query; give a whole number.`);
    if (kind === 'flag' && !/^(true|false)$/.test(text))
      throw refuse(`has ${name}=${describeValue(text)} in its query; give true or false.`);
    options[name] = kind === 'number' ? Number(text) : kind === 'flag' ? text === 'true' : text;
  }
  return options;
}

/** Where a raw character hides the end of the login, any part may be one. */
function describeUrl(url: unknown): string {
  if (typeof url !== 'string' || !/[#%?]/.test(url)) return describeValue(url);
  return `"${/^\w{0,20}:\/\//.exec(url)?.[0] ?? ''}…"`;
}
