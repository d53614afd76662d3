import { functionName } from './protocol-version.js';

/**
 * EVICT: removes values, voids their leases, and stamps marks, all of one bucket, in one moment. Idempotent.
 *
 * KEYS  M G, then per key V S
 * ARGV  channel, bucket, known incarnation, tombstone ms, ms after which a stamp may be collected, then per key its
 *       version or '', then marks …
 * Returns  i, q, stamp of the marks or 0
 *
 * With a version, an entry of that version or a newer one stays, with the lease; in any case older fills and puts are
 * refused for the time of the tombstone. A fence is not lifted: only its own writer or its time does that.
 */
export const evict = /* lua */ `
local function evictOne(m, V, S, version, tombMs)
  local s = side(S)
  local v = version ~= '' and header(V)
  if not (v and not isOlder(v.version, version)) then
    redis.call('DEL', V)
    clearLease(s)
    countWrite(m, V)
  end
  if version == '' then noteInvalidation(m, s, math.max(s.tx or 0, now(m)), tombMs) else noteVersion(m, s, version, tombMs) end
  saveSide(S, s)
  bump(m, 'E', V)
end

redis.register_function{ function_name = '${functionName('evict')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local tombMs, count = tonumber(args[4]), (#keys - 2) / 2
  local stamp = 0
  if #args > 5 + count then stamp = stampMarks(m, keys[2], tonumber(args[5]), args, 6 + count, #args) end
  for n = 1, count do evictOne(m, keys[2 * n + 1], keys[2 * n + 2], args[5 + n], tombMs) end
  return { m.i, m.q, stamp }
end }
`;
