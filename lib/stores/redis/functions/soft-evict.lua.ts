import { functionName } from './protocol-version.js';

/**
 * SOFT-EVICT: as EVICT without a version, but the value stays for staleIfError; it is never fresh again.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, tombstone ms
 * Returns  i, q
 *
 * The freshness in the header is overwritten in place by zeros of the same width: the payload is not copied, the expiry
 * stays.
 */
export const softEvict = /* lua */ `
redis.register_function{ function_name = '${functionName('soft_evict')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local tombMs = tonumber(args[4])
  for n = 2, #keys, 2 do
    local V, S = keys[n], keys[n + 1]
    local s = side(S)
    local v = header(V)
    if v then redis.call('SETRANGE', V, v.offset, string.rep('0', v.width)) else redis.call('DEL', V) end
    clearLease(s)
    countWrite(m, V)
    noteInvalidation(m, s, math.max(s.tx or 0, now(m)), tombMs)
    saveSide(S, s)
    bump(m, 'E', V)
  end
  return { m.i, m.q }
end }
`;
