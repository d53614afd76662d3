import { functionName } from './protocol-version.js';

/**
 * UNFENCE: the end of a fenced evict. Removes value, lease and this fence alone. Idempotent.
 *
 * KEYS  M V S
 * ARGV  channel, bucket, known incarnation, fence, tombstone ms
 * Returns  i, q
 */
export const unfence = /* lua */ `
redis.register_function{ function_name = '${functionName('unfence')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local V, S = keys[2], keys[3]
  local s = side(S)
  redis.call('DEL', V)
  clearLease(S, s)
  local f = fencesOf(m, V)
  takeFence(f, args[4])
  f.w = f.w + 1
  saveFences(m, f)
  noteInvalidation(S, math.max(m.now, lastEnd(f)), tonumber(args[5]))
  bump(m, 'E', V)
  return { m.i, m.q }
end }
`;
