/**
 * Entries V, their side keys S, and the marks that void them (PROTOCOL 2).
 *
 * Header: `1|s|i|x|d|version|tags|format\n`; tags joined by `,` and escaped by the client. Where the payload is not
 * returned, only the header is read.
 *
 * S: one packed string, read and written by one command each: a byte of its own, `lx`, `ls`, `li`, `tx` and `till` (its
 * expiry, ms) as doubles, `lw` as a byte, then `tv|lt`. Digits would cost more than the rest of a lease. Whatever else
 * stands there says nothing.
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

local function marksOf(region, tags)
  local marks = { '*', 'r:' .. region }
  if tags ~= '' then
    for tag in string.gmatch(tags, '[^,]+') do marks[#marks + 1] = 't:' .. tag end
  end
  return marks
end

-- What fill and put know of an entry before its load: stale ms|version|tags|region. Most entries of a call share theirs.
local function labelOf(label)
  local stale, version, tags, region = string.match(label, '^(%d+)|(%d*)|([^|]*)|([^|]*)$')
  return { stale = tonumber(stale), version = version, tags = tags, region = region, marks = marksOf(region, tags), newest = 0 }
end

-- ttl: ms, as text. tail: what follows x in the header, and the payload.
local function write(m, V, s, e, at, ttl, tail)
  if e.tags ~= '' and not usesTags(m, e.region) then
    redis.call('HSET', m.key, 'u:' .. e.region, '1')
    m.read['u:' .. e.region] = '1'
  end
  local entry = '1|' .. word(s) .. '|' .. word(m.i) .. '|' .. text(at + ttl * 1000) .. '|' .. tail
  redis.call('SET', V, entry, 'PX', e.stale == 0 and ttl or text(ttl + e.stale))
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

local SIDE, TAG, FIXED = '<BdddddB', 7, 42

local function isWhole(number) return number >= 0 and number <= MAX and number % 1 == 0 end

-- What the fixed part of S says; false where it is none of ours. Keys that were leased together share it.
local fixedPart, fixedSide = nil, false

local function fixedIn(raw)
  local part = string.sub(raw, 1, FIXED)
  if part == fixedPart then return fixedSide end
  local _, lx, ls, li, tx, till, lw = struct.unpack(SIDE, part)
  local isOurs = isWhole(lx) and isWhole(ls) and isWhole(li) and isWhole(till) and till ~= 0
  fixedPart = part
  fixedSide = isOurs and { lx = lx, ls = ls, li = li, tx = isWhole(tx) and tx or nil, till = till, lw = lw == 1 }
  return fixedSide
end

local function sideIn(raw)
  local s = { tv = '', till = 0, stands = raw, lt = nil, lx = nil, ls = nil, li = nil, lw = nil } -- as large as a lease makes it
  if not raw or #raw <= FIXED or string.byte(raw) ~= TAG then return s end
  local tv, lt = string.match(raw, '^(%d*)|(.*)$', FIXED + 1)
  local fixed = lt and fixedIn(raw)
  if not fixed then return s end
  s.tv, s.till, s.tx = tv, fixed.till, fixed.tx
  if lt ~= '' then s.lt, s.lx, s.ls, s.li, s.lw = lt, fixed.lx, fixed.ls, fixed.li, fixed.lw end
  return s
end

-- By MGET, which takes no offence at another type.
local function side(S) return sideIn(redis.call('MGET', S)[1]) end

-- Every other of keys, from the third on: the S of a call. They are gone: what is not over has to be saved.
local function takeSides(keys)
  local sides = {}
  if #keys == 3 then
    local s = sideIn(attempt('GETDEL', keys[3]))
    s.stands = false
    sides[keys[3]] = s
    return sides
  end
  local names, standing = {}, {}
  for n = 3, #keys, 2 do names[#names + 1] = keys[n] end
  local raws = redis.call('MGET', unpack(names))
  for n = 1, #names do
    if not sides[names[n]] then -- one key may stand in the call twice
      local s = sideIn(raws[n])
      if s.stands then standing[#standing + 1] = names[n] end
      s.stands = false
      sides[names[n]] = s
    end
  end
  if #standing > 0 then redis.call('DEL', unpack(standing)) end
  return sides
end

-- Of the fixed part as of tx and the rest: leases of one call are alike.
local pack, lastFixed = { till = -1 }, nil

local function packed(s)
  if pack.lx ~= s.lx or pack.ls ~= s.ls or pack.li ~= s.li or pack.tx ~= s.tx or pack.till ~= s.till or pack.lw ~= s.lw then
    pack = { lx = s.lx, ls = s.ls, li = s.li, tx = s.tx, till = s.till, lw = s.lw }
    lastFixed = struct.pack(SIDE, TAG, s.lx or 0, s.ls or 0, s.li or 0, s.tx or -1, s.till, s.lw and 1 or 0)
  end
  return lastFixed
end

local function saveSide(S, s)
  if s.lt or s.tv ~= '' or s.tx then
    redis.call('SET', S, packed(s) .. s.tv .. '|' .. (s.lt or ''), 'PXAT', word(s.till))
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
