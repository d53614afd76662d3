import { functionName } from './protocol-version.js';

/**
 * EVICT: removes values and voids their leases, for keys of one bucket. Idempotent.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, version or '', tombstone ms
 * Returns  i, q
 *
 * With a version, an entry of that version or a newer one stays, with the lease; in any case older fills and puts are refused for the
 * time of the tombstone. A fence is not lifted: only its own writer or its time does that.
 */
export const evict = /* lua */ `
redis.register_function{ function_name = '${functionName('evict')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local version, tombMs = args[4], tonumber(args[5])
  for n = 2, #keys, 2 do
    local V, S = keys[n], keys[n + 1]
    local s = side(S)
    local v = version ~= '' and header(V)
    if not (v and not isOlder(v.version, version)) then
      redis.call('DEL', V)
      clearLease(S, s)
      countWrite(m, V)
    end
    if version == '' then noteInvalidation(S, math.max(s.tx or 0, m.now), tombMs) else noteVersion(S, s, version, tombMs) end
    bump(m, 'E', V)
  end
  return { m.i, m.q }
end }
`;
