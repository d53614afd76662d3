import { functionName } from './protocol-version.js';

/**
 * UNFENCE: the end of a fenced evict. Removes values, leases and this fence alone, for keys of one bucket. Idempotent.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, fence, tombstone ms
 * Returns  i, q, 1 when the fence stood on all keys until now, else 0
 */
export const unfence = /* lua */ `
redis.register_function{ function_name = '${functionName('unfence')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local stood = 1
  for n = 2, #keys, 2 do
    local V, S = keys[n], keys[n + 1]
    local s = side(S)
    redis.call('DEL', V)
    clearLease(s)
    local f = fencesOf(m, V)
    if not takeFence(f, args[4]) then stood = 0 end
    f.w = f.w + 1
    saveFences(m, f)
    noteInvalidation(m, s, math.max(now(m), lastEnd(f)), tonumber(args[5]))
    saveSide(S, s)
    bump(m, 'E', V)
  end
  return { m.i, m.q, stood }
end }
`;
