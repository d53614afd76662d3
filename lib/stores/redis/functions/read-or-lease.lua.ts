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
local function readOrLeaseOne(m, V, S, raw, s, onFailover, token, region, isForced, leaseMs, keepMs)
  local v = headerOf(raw)
  local isAlive = isLive(m, v, region, onFailover)
  local isFresh = isAlive and now(m) < v.x and (v.i == m.i or onFailover == 'keep')
  if isFresh and not isForced then return { 'H', raw } end

  local f = fencesOf(m, V)
  if f.exists and f.dropped then saveFences(m, f) end
  if #f.list > 0 or isHeld(m, region, '') then return { 'B' } end

  local stale = isAlive and raw
  if s.lt and s.lt ~= token and s.lx and now(m) < s.lx then
    if not s.lw then
      s.lw = true
      saveSide(S, s)
    end
    return { 'W', stale, math.ceil((s.lx - now(m)) / 1000) }
  end
  -- the same token again: what was marked since it was first granted still counts
  if not (s.lt == token and s.ls and s.li) then s.lt, s.ls, s.li = token, m.c + 1, m.i end
  local at = moment(m)
  s.lx = at + leaseMs * 1000
  keep(s, at, leaseMs + keepMs)
  saveSide(S, s)
  return { 'L', stale }
end

redis.register_function{ function_name = '${functionName('getl')}', callback = function(keys, args)
  local names, count = {}, (#keys - 1) / 2
  for n = 1, count do
    want(names, { '*', 'r:' .. args[6 + 3 * n], 'f:' .. keys[2 * n] })
  end
  local m = identify(keys, args, names, args[4])
  local leaseMs, keepMs, onFailover = tonumber(args[5]), tonumber(args[6]), args[7]
  local raws = redis.call('MGET', unpack(keys, 2))
  local sides, reply = {}, { m.i, m.q, 0 }
  for n = 1, count do
    local V, S, at = keys[2 * n], keys[2 * n + 1], 5 + 3 * n
    sides[S] = sides[S] or sideIn(raws[2 * n]) -- one key may stand in the call twice
    reply[3 + n] = readOrLeaseOne(m, V, S, raws[2 * n - 1], sides[S], onFailover, args[at], args[at + 1], args[at + 2] == '1', leaseMs, keepMs)
  end
  reply[3] = moment(m)
  return reply
end }
`;
