import { functionName } from './protocol-version.js';

/**
 * GETL: the value, or the right to load it, for keys of one bucket.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, lease ms, keep ms, 'flush' | 'stale' | 'keep', then per key: token, region, force ('1' or '')
 * Returns  i, q, now µs, then per key one of
 *   {'H', raw V}                   fresh
 *   {'L', raw V or false}    lease granted (again, when the token holds it already); V where it is not dead
 *   {'W', raw V or false, remaining ms}   another token holds the lease; its end will be told, since somebody waits for it
 *   {'B'}                          a writer's fence stands, or '*' or the region is held: load, do not fill
 *
 * Entries of incarnations before this one are void with 'flush', never fresh with 'stale', and as any other with 'keep'.
 *
 * Refused when the server is out of memory: a lease could not be followed by a fill.
 */
export const readOrLease = /* lua */ `
local function readOrLeaseOne(m, V, S, onFailover, token, region, isForced, leaseMs, keepMs)
  local v = header(V)
  local isAlive = isLive(m, v, region, onFailover)
  local isFresh = isAlive and m.now < v.x and (v.i == m.i or onFailover == 'keep')
  if isFresh and not isForced then return { 'H', redis.call('GET', V) } end

  local f = fencesOf(m, V)
  if f.exists and f.dropped then saveFences(m, f) end
  if #f.list > 0 or isHeld(m, region, '') then return { 'B' } end

  local stale = false
  if isAlive then stale = redis.call('GET', V) end
  local s = side(S)
  if s.lt and s.lt ~= token and s.lx and m.now < s.lx then
    if not s.lw then redis.call('HSET', S, 'lw', '1') end
    return { 'W', stale, math.ceil((s.lx - m.now) / 1000) }
  end
  local till = text(m.now + leaseMs * 1000)
  if s.lt == token and s.ls and s.li then
    redis.call('HSET', S, 'lx', till) -- what was marked since it was first granted still counts
  else
    redis.call('HSET', S, 'lt', token, 'lx', till, 'ls', text(m.c + 1), 'li', text(m.i))
  end
  keep(S, leaseMs + keepMs)
  return { 'L', stale }
end

redis.register_function{ function_name = '${functionName('getl')}', callback = function(keys, args)
  local m = identify(keys, args)
  local leaseMs, keepMs, onFailover = tonumber(args[4]), tonumber(args[5]), args[6]
  local reply = { m.i, m.q, m.now }
  for n = 1, (#keys - 1) / 2 do
    local at = 4 + 3 * n
    reply[3 + n] = readOrLeaseOne(m, keys[2 * n], keys[2 * n + 1], onFailover, args[at], args[at + 1], args[at + 2] == '1', leaseMs, keepMs)
  end
  return reply
end }
`;
