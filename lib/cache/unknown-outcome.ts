/**
 * SQLSTATE classes and codes of a server or connection that went away: a COMMIT under way then may have taken effect.
 */
const SQLSTATE = /^(08|57P0)|^40003$/;
const SYSTEM = /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENETRESET|ENETDOWN|EHOSTUNREACH)$/;
/** Prisma: the server has closed the connection, it cannot be reached any more, it did not answer in time. */
const PRISMA = /^P10(01|02|08|17)$/;
/** pg and mysql2 give no code, or one of their own, to a connection that ends under a query. */
const MESSAGE = /connection (error|terminated|ended|lost|is closed|was closed|closed)|PROTOCOL_CONNECTION_LOST/i;

/** Errors wrapped in each other, at most: a chain may be a circle. */
const DEEPEST = 5;

/**
 * Whether the transaction that ended with this error may have committed all the same: the answer to its COMMIT was lost
 * with the connection. Looks through the wrappers of ORMs (`cause`, `driverError`).
 */
export function isOutcomeUnknown(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > DEEPEST) return false;
  const { code, message, cause, driverError } = error as Partial<Record<string, unknown>>;
  const text = [code, message].filter((part) => typeof part === 'string');
  if (typeof code === 'string' && [SQLSTATE, SYSTEM, PRISMA].some((pattern) => pattern.test(code))) return true;
  if (text.some((part) => MESSAGE.test(part))) return true;
  return [cause, driverError].some((inner) => inner !== error && isOutcomeUnknown(inner, depth + 1));
}
