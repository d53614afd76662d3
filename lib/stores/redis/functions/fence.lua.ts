import { functionName } from './protocol-version.js';

/**
 * FENCE: before a write. Removes values, voids leases, and keeps fills away until the fence is lifted or its time is
 * over; for keys of one bucket.
 *
 * KEYS  M G, then per key V S
 * ARGV  channel, bucket, known incarnation, fence, fence ms, tombstone ms
 * Returns  i, q
 *
 * The same fence again only extends its time: what happened since it was first set still counts. The writer may commit
 * as late as the fence's end, so that is the moment that is noted as the invalidation.
 */
export const fence = /* lua */ `
local function fenceOne(m, G, V, S, token, fenceMs, tombMs)
  local s = side(S)
  redis.call('DEL', V)
  clearLease(s)
  local f = fencesOf(m, V)
  local own = takeFence(f, token)
  if not own then
    f.w = f.w + 1
    own = { token = token, fs = m.c + 1, fi = m.i, count = #f.list == 0 and text(f.w) or '-' }
  end
  local till = now(m) + fenceMs * 1000
  own.till = till
  f.list[#f.list + 1] = own
  saveFences(m, f)
  remember(G, f.field, lastEnd(f))
  noteInvalidation(m, s, math.max(s.tx or 0, till), fenceMs + tombMs)
  saveSide(S, s)
  bump(m, 'E', V)
end

redis.register_function{ function_name = '${functionName('fence')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  collect(m, keys[2])
  for n = 3, #keys, 2 do fenceOne(m, keys[2], keys[n], keys[n + 1], args[4], tonumber(args[5]), tonumber(args[6])) end
  return { m.i, m.q }
end }
`;
