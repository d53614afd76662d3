import { functionName } from './protocol-version.js';

/**
 * FILL: writes loaded values whose lease still stands, for keys of one bucket.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, then per key: token, region, tags, version, load µs, ttl ms, stale ms, format, payload
 * Returns  i, q, now µs, then per key {'OK', stamp} or {'R', 'lease' | 'incarnation' | 'mark' | 'version'}
 */
export const fill = /* lua */ `
local function fillOne(m, V, S, token, e)
  local s = side(S)
  if s.lt ~= token then return { 'R', 'lease' } end
  clearLease(S, s)
  local refused
  if not s.ls or s.li ~= m.i then refused = 'incarnation'
  elseif newestStamp(m, e.region, e.tags) >= s.ls or isHeld(m, e.region, e.tags) then refused = 'mark'
  elseif e.version ~= '' and isOlder(e.version, s.tv) then refused = 'version'
  else write(m, V, s.ls, e) end
  if s.lw then wake(m, V) end
  if refused then return { 'R', refused } end
  return { 'OK', s.ls }
end

redis.register_function{ function_name = '${functionName('fill')}', callback = function(keys, args)
  local m = identify(keys, args)
  local reply = { m.i, m.q, m.now }
  for n = 1, (#keys - 1) / 2 do
    local at = 9 * n - 5
    reply[3 + n] = fillOne(m, keys[2 * n], keys[2 * n + 1], args[at], entryOf(args, at + 1))
  end
  return reply
end }
`;
