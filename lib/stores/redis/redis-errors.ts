import { CacheError } from '../../shared/errors.js';
import { StoreRefusal } from '../remote-store.js';

export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : String(error);
}

/** What ioredis says of its own workings where an operator wants to know what happened. */
const INWARD =
  /^(Reached the max retries|Connection is closed|Stream isn't writeable|Command aborted due to|Failed to refresh slots cache|None of startup nodes|Connection is in wrong state)/;

/** What is said by a connection or by a server, as one line; null: ioredis said something of itself. */
export function reasonIn(error: unknown): string | null {
  if (error == null) return null;
  if (error instanceof AggregateError) {
    return [...new Set(error.errors.map((one) => reasonIn(one) ?? messageOf(one)))].join(', ');
  }
  const { lastNodeError } = error as { lastNodeError?: unknown };
  if (lastNodeError) return reasonIn(lastNodeError);
  const message = messageOf(error).trim();
  return message === '' || INWARD.test(message) ? null : message;
}

/**
 * The command was not answered as it should be: whether it ran is unknown, unless the server says that it does not run
 * it.
 */
export function unavailable(operation: string, cause: unknown): CacheError {
  if (cause instanceof CacheError) return cause;
  if (isOutOfMemory(cause)) {
    return new StoreRefusal(`Redis refused ${operation}: ${messageOf(cause)}`, { cause });
  }
  return new CacheError(
    'RC_STORE_UNAVAILABLE',
    `Redis did not answer ${operation}: ${messageOf(cause)}. Whether it took effect is unknown; the call goes on without the cache.`,
    { cause },
  );
}

/**
 * A mistake of a program, ours or the driver's, or the command's failure as `unavailable` tells it. The first is passed
 * on as it is: Redis has no part in it, and no retry mends it.
 */
export function failureOf(operation: string, cause: unknown): Error {
  return isMistake(cause) ? (cause as Error) : unavailable(operation, cause);
}

/** By its name, since other realms have classes of their own. */
export const isMistake = (error: unknown): boolean =>
  error instanceof Error && /^(Type|Range|Reference|Syntax)Error$/.test(error.name);

/** The server is one that must not be written to (now): its data may be behind another's. */
export const isWriteRefused = (error: unknown): boolean =>
  /^(READONLY|NOREPLICAS|MISCONF|LOADING|MASTERDOWN|CLUSTERDOWN)\b/.test(messageOf(error));

/**
 * Redis said nothing: a deadline passed or the connection closed after the command was written. It may have run, or may
 * yet run.
 */
export const isSilence = (error: unknown): boolean =>
  error instanceof Error &&
  error.name !== 'ReplyError' &&
  !(error instanceof CacheError) &&
  /^(No answer within|Connection is closed|Reached the max retries|(read|write) (EPIPE|ECONNRESET|ETIMEDOUT))/.test(
    error.message,
  );

/** The server does not have the function library, or lost it. */
export const isFunctionMissing = (error: unknown): boolean => /^ERR Function not found/i.test(messageOf(error));

export const isLibraryPresent = (error: unknown): boolean => /Library '.*' already exists/i.test(messageOf(error));

/** A full server that evicts nothing; only functions that free memory run (allow-oom). */
export const isOutOfMemory = (error: unknown): boolean => messageOf(error).startsWith('OOM ');

/** Servers before Redis 7 know no functions. */
export const isFunctionsUnsupported = (error: unknown): boolean =>
  /unknown command.*(FCALL|FUNCTION)/i.test(messageOf(error));

export const isPermissionDenied = (error: unknown): boolean =>
  /\bNOPERM\b|no permissions|can't run this command|can't access at least one|cannot access/i.test(messageOf(error));

export const isLoginRefused = (error: unknown): boolean =>
  /\b(WRONGPASS|NOAUTH)\b|invalid password/i.test(messageOf(error));

/** SELECT was refused: the server has no such database. */
export const isDatabaseMissing = (error: unknown): boolean => /\bDB index\b/i.test(messageOf(error));

/** The server is a node of a Cluster, and was asked as if it were alone. */
export const isOfCluster = (error: unknown): boolean => /^(CROSSSLOT|MOVED)\b/.test(messageOf(error));

/** The server is alone, and was asked as if it were a node of a Cluster. */
export const isNoCluster = (error: unknown): boolean => /cluster support disabled/i.test(messageOf(error));

export const isWrongType = (error: unknown): boolean => messageOf(error).startsWith('WRONGTYPE');

/**
 * An answer that says that the command did **not** run: `owner` when another server owns the key (this one is no master
 * any more, or of no Cluster), `later` while a slot is on its way.
 */
export function redirectOf(error: unknown): 'owner' | 'later' | null {
  const message = messageOf(error);
  if (/^(MOVED|READONLY)\b/.test(message) || isNoCluster(error)) return 'owner';
  if (/^(ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN)\b/.test(message)) return 'later';
  return null;
}
