import { functionName } from './protocol-version.js';

/**
 * GETL: the value, or the right to load it, for keys of one bucket.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, an incarnation and the server's time then as the caller reckons it,
 *       `i|µs`, or '', lease ms, keep ms, 'flush' | 'stale' | 'keep', then per key its token; `>region`, or `!region` where
 *       a fresh value is not wanted, stands before the first key that it holds for, and for those after that
 * Returns  i, q, now µs, a letter per key, then in their order what letters say more:
 *   H     fresh: raw V
 *   L, l  lease granted (again, when the token holds it already). l: raw V, which is not dead
 *   W, w  another token holds the lease; its end will be told, since somebody waits for it. w: raw V, which is not dead.
 *         Both: remaining ms
 *   B     a writer's fence stands, or '*' or the region is held: load, do not fill
 *
 * Entries of incarnations before this one are void with 'flush', never fresh with 'stale', and as any other with
 * 'keep'.
 *
 * Refused when the server is out of memory: a lease could not be followed by a fill.
 */
export const readOrLease = /* lua */ `
local function isFenced(m, V, fence)
  if not field(m, fence) then return false end
  local f = fencesOf(m, V)
  if f.dropped then saveFences(m, f) end
  return #f.list > 0
end

local function readOrLeaseOne(m, V, S, fence, raw, s, onFailover, token, region, isForced, leaseMs, keepMs)
  local v = raw and headerOf(raw)
  local isAlive = v and isLive(m, v, region, onFailover)
  local isFresh = isAlive and now(m) < v.x and (v.i == m.i or onFailover == 'keep')
  if isFresh and not isForced then return 'H', raw end

  if isFenced(m, V, fence) or isHeld(m, region, '') then return 'B' end

  local stale = isAlive and raw
  if s.lt and s.lt ~= token and now(m) < s.lx then
    if not s.lw then
      s.lw = true
      saveSide(S, s)
    end
    local restMs = math.ceil((s.lx - now(m)) / 1000)
    if stale then return 'w', stale, restMs end
    return 'W', restMs
  end
  -- the same token again: what was marked since it was first granted still counts
  if s.lt ~= token then s.lt, s.ls, s.li = token, m.c + 1, m.i end
  local at = moment(m)
  s.lx = at + leaseMs * 1000
  keep(s, at, leaseMs + keepMs)
  saveSide(S, s)
  if stale then return 'l', stale end
  return 'L'
end

redis.register_function{ function_name = '${functionName('getl')}', callback = function(keys, args)
  local names, count = { '*' }, (#keys - 1) / 2
  local regions, forced, tokens, first = {}, {}, {}, true
  for n = 8, #args do
    local arg = args[n]
    local sign = string.byte(arg)
    if sign == 62 or sign == 33 then
      first = string.sub(arg, 2)
      regions[#tokens + 1], forced[#tokens + 1] = first, sign == 33
      names[#names + 1] = 'r:' .. first
    else tokens[#tokens + 1] = arg end
  end
  local beforeFences = #names
  for n = 1, count do names[beforeFences + n] = 'f:' .. keys[2 * n] end
  local m = identify(keys, args, names, args[4])
  local leaseMs, keepMs, onFailover = tonumber(args[5]), tonumber(args[6]), args[7]
  local raws = redis.call('MGET', unpack(keys, 2))
  local sides, letters, reply, size = {}, {}, { m.i, m.q, 0, '' }, 4
  local region, isForced
  for n = 1, count do
    local V, S = keys[2 * n], keys[2 * n + 1]
    local s = sides[S] or sideIn(raws[2 * n]) -- one key may stand in the call twice
    sides[S] = s
    if regions[n] then region, isForced = regions[n], forced[n] end
    local letter, more, most = readOrLeaseOne(m, V, S, names[beforeFences + n], raws[2 * n - 1], s, onFailover, tokens[n], region, isForced, leaseMs, keepMs)
    letters[n] = letter
    if more then reply[size + 1], size = more, size + 1 end
    if most then reply[size + 1], size = most, size + 1 end
  end
  reply[3], reply[4] = moment(m), table.concat(letters)
  return reply
end }
`;
