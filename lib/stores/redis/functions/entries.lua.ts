/**
 * Entries V, their side keys S, and the marks that void them (PROTOCOL 2).
 *
 * Header: `1|s|i|x|d|version|tags|format\n`; tags joined by `,` and escaped by the client. Where the payload is not
 * returned, only the header is read.
 *
 * S: `lx|ls|li|lw|tv|tx|till|lt`, a string, read and written by one command each; `till` is its expiry, ms. Whatever
 * else stands there says nothing.
 */
export const entries = /* lua */ `
local MAX_HEADER = 65536
local HEADER = '^1|(%d+)|(%d+)|()(%d+)|%d+|(%d*)|([^|\\n]*)|'

-- What the header of V says; nil where it is none of ours.
local function headerIn(raw)
  local s, i, at, x, version, tags = string.match(raw, HEADER)
  s, i = whole(s), whole(i)
  if not (s and i and whole(x)) then return nil end
  return { s = s, i = i, x = whole(x), offset = at - 1, width = #x, version = version, tags = tags }
end

-- The same, where V was read as a whole.
local function headerOf(raw)
  local till = raw and string.sub(raw, 1, 2) == '1|' and string.find(raw, '\\n', 1, true)
  return till and till <= MAX_HEADER and headerIn(raw) or nil
end

local function header(V)
  local size = 256
  while size <= MAX_HEADER do
    local raw = attempt('GETRANGE', V, 0, size - 1)
    if not raw or string.sub(raw, 1, 2) ~= '1|' then return nil end
    if string.find(raw, '\\n', 1, true) then return headerIn(raw) end
    if #raw < size then return nil end
    size = size * 4
  end
end

-- From the first entry with tags on, versioned puts into the region are refused: they are held against no tag.
local function usesTags(m, region) return field(m, 'u:' .. region) ~= false end

local function write(m, V, s, e, at)
  if e.tags ~= '' and not usesTags(m, e.region) then
    redis.call('HSET', m.key, 'u:' .. e.region, '1')
    m.read['u:' .. e.region] = '1'
  end
  local head = '1|' .. text(s) .. '|' .. text(m.i) .. '|' .. text(at + e.ttl * 1000) .. '|' .. e.load .. '|' .. e.version .. '|' .. e.tags .. '|'
  redis.call('SET', V, head .. e.format .. '\\n' .. e.payload, 'PX', text(e.ttl + e.stale))
end

-- What fill and put write: eight arguments from args[at] on.
local function entryOf(args, at)
  return {
    region = args[at], tags = args[at + 1], version = args[at + 2], load = args[at + 3],
    ttl = tonumber(args[at + 4]), stale = tonumber(args[at + 5]), format = args[at + 6], payload = args[at + 7],
  }
end

local function marksOf(region, tags)
  local marks = { '*', 'r:' .. region }
  if tags ~= '' then
    for tag in string.gmatch(tags, '[^,]+') do marks[#marks + 1] = 't:' .. tag end
  end
  return marks
end

-- The newest stamp of the clear mark, of the region, and of the tags. A damaged stamp counts as the newest possible.
local function newestStamp(m, marks)
  local newest, others = 0, {}
  for _, mark in ipairs(marks) do
    local stamp = m.read[mark]
    if stamp then newest = math.max(newest, whole(stamp) or m.c)
    elseif stamp == nil then others[#others + 1] = mark end
  end
  for from = 1, #others, 1000 do
    for _, stamp in ipairs(redis.call('HMGET', m.key, unpack(others, from, math.min(from + 999, #others)))) do
      if stamp then newest = math.max(newest, whole(stamp) or m.c) end
    end
  end
  return newest
end

-- What no mark voids, of this incarnation, or (unless onFailover is 'flush') of one before whose marks are known.
local function isLive(m, v, region, onFailover)
  if not v then return false end
  local isKnown = v.i == m.i or (onFailover ~= 'flush' and string.find(',' .. m.p, ',' .. text(v.i) .. ',', 1, true) ~= nil)
  return isKnown and newestStamp(m, marksOf(region, v.tags)) < v.s
end

-- Versions are digits without leading zeros; '' is older than all.
local function isOlder(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function newer(a, b)
  if isOlder(a, b) then return b end
  return a
end

local SIDE = '^(%d*)|(%d*)|(%d*)|(1?)|(%d*)|(%d*)|(%d+)|(.*)$'

local function sideIn(raw)
  local s = { tv = '', till = 0, stands = raw }
  if not raw then return s end
  local lx, ls, li, lw, tv, tx, till, lt = string.match(raw, SIDE)
  s.till = whole(till) or 0
  if not lt or s.till == 0 then return s end
  s.lx, s.ls, s.li, s.tv, s.tx = whole(lx), often(ls), often(li), tv, whole(tx)
  if lt ~= '' then s.lt = lt end
  s.lw = lw ~= ''
  return s
end

-- By MGET, which takes no offence at another type.
local function side(S) return sideIn(redis.call('MGET', S)[1]) end

-- S, which is gone: what is not over has to be saved.
local function takeSide(S)
  local s = sideIn(attempt('GETDEL', S))
  s.stands = false
  return s
end

local function saveSide(S, s)
  if s.lt or s.tv ~= '' or s.tx then
    local till, lease = text(s.till), '||'
    if s.lt then lease = (s.lx and text(s.lx) or '') .. '|' .. (s.ls and text(s.ls) or '') .. '|' .. (s.li and text(s.li) or '') end
    redis.call('SET', S, lease .. (s.lw and '|1|' or '||') .. s.tv .. '|' .. (s.tx and text(s.tx) or '') .. '|' .. till .. '|' .. (s.lt or ''), 'PXAT', till)
  elseif s.stands then
    redis.call('DEL', S)
  end
end

local function clearLease(s) s.lt, s.lx, s.ls, s.li, s.lw = nil, nil, nil, nil, nil end

-- S's expiry is only ever extended.
local function keep(s, at, ms) s.till = math.max(s.till, math.ceil(at / 1000) + ms) end

-- An invalidation without a version, at the moment given.
local function noteInvalidation(m, s, at, tombMs)
  s.tx = at
  keep(s, now(m), tombMs)
end

local function noteVersion(m, s, version, tombMs)
  s.tv = newer(s.tv, version)
  keep(s, now(m), tombMs)
end
`;
