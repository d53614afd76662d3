import { functionName } from './protocol-version.js';

/**
 * GETL: the value, or the right to load it, for keys of one bucket.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, an incarnation and the server's time then as the caller reckons it,
 *       `i|µs`, or '', lease ms, keep ms, 'flush' | 'stale' | 'keep', then per key: token, region, force ('1' or '')
 * Returns  i, q, now µs, then per key one of
 *   {'H', raw V}                   fresh
 *   {'L', raw V or false}    lease granted (again, when the token holds it already); V where it is not dead
 *   {'W', raw V or false, remaining ms}   another token holds the lease; its end will be told, since somebody waits for it
 *   {'B'}                          a writer's fence stands, or '*' or the region is held: load, do not fill
 *
 * Entries of incarnations before this one are void with 'flush', never fresh with 'stale', and as any other with
 * 'keep'.
 *
 * Refused when the server is out of memory: a lease could not be followed by a fill.
 */
export const readOrLease = /* lua */ `
local GRANTED = { 'L', false }

local function isFenced(m, V, fence)
  if not field(m, fence) then return false end
  local f = fencesOf(m, V)
  if f.dropped then saveFences(m, f) end
  return #f.list > 0
end

local function readOrLeaseOne(m, V, S, fence, raw, s, onFailover, token, region, isForced, leaseMs, keepMs)
  local v = headerOf(raw)
  local isAlive = isLive(m, v, region, onFailover)
  local isFresh = isAlive and now(m) < v.x and (v.i == m.i or onFailover == 'keep')
  if isFresh and not isForced then return { 'H', raw } end

  if isFenced(m, V, fence) or isHeld(m, region, '') then return { 'B' } end

  local stale = isAlive and raw
  if s.lt and s.lt ~= token and now(m) < s.lx then
    if not s.lw then
      s.lw = true
      saveSide(S, s)
    end
    return { 'W', stale, math.ceil((s.lx - now(m)) / 1000) }
  end
  -- the same token again: what was marked since it was first granted still counts
  if s.lt ~= token then s.lt, s.ls, s.li = token, m.c + 1, m.i end
  local at = moment(m)
  s.lx = at + leaseMs * 1000
  keep(s, at, leaseMs + keepMs)
  saveSide(S, s)
  return stale and { 'L', stale } or GRANTED
end

redis.register_function{ function_name = '${functionName('getl')}', callback = function(keys, args)
  local fences, names, count = {}, { '*' }, (#keys - 1) / 2
  local last
  for n = 1, count do
    local region = args[6 + 3 * n]
    fences[n] = 'f:' .. keys[2 * n]
    names[#names + 1] = fences[n]
    if region ~= last then names[#names + 1] = 'r:' .. region end
    last = region
  end
  local m = identify(keys, args, names, args[4])
  local leaseMs, keepMs, onFailover = tonumber(args[5]), tonumber(args[6]), args[7]
  local raws = redis.call('MGET', unpack(keys, 2))
  local sides, reply = {}, { m.i, m.q, 0 }
  for n = 1, count do
    local V, S, at = keys[2 * n], keys[2 * n + 1], 5 + 3 * n
    local s = sides[S] or sideIn(raws[2 * n]) -- one key may stand in the call twice
    sides[S] = s
    reply[3 + n] = readOrLeaseOne(m, V, S, fences[n], raws[2 * n - 1], s, onFailover, args[at], args[at + 1], args[at + 2] == '1', leaseMs, keepMs)
  end
  reply[3] = moment(m)
  return reply
end }
`;
