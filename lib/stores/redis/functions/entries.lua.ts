/**
 * Entries V, their side keys S, and the marks that void them (PROTOCOL 2).
 *
 * Header: `1|s|i|x|d|version|tags|format\n`; tags joined by `,` and escaped by the client. Only the header is read; the payload
 * only where it is returned.
 */
export const entries = /* lua */ `
local HEADER = '^1|(%d+)|(%d+)|()(%d+)|%d+|(%d*)|([^|\\n]*)|'

-- The header of V, or nil where none of ours stands.
local function header(V)
  local size = 256
  while size <= 65536 do
    local raw = attempt('GETRANGE', V, 0, size - 1)
    if not raw or string.sub(raw, 1, 2) ~= '1|' then return nil end
    if string.find(raw, '\\n', 1, true) then
      local s, i, at, x, version, tags = string.match(raw, HEADER)
      s, i = whole(s), whole(i)
      if not (s and i and whole(x)) then return nil end
      return { s = s, i = i, x = whole(x), offset = at - 1, width = #x, version = version, tags = tags }
    end
    if #raw < size then return nil end
    size = size * 4
  end
end

-- From the first entry with tags on, versioned puts into the region are refused: they are held against no tag.
local function usesTags(m, region) return redis.call('HGET', m.key, 'u:' .. region) ~= false end

-- Returns the entry's lease stamp.
local function write(m, V, s, e)
  if e.tags ~= '' and not usesTags(m, e.region) then redis.call('HSET', m.key, 'u:' .. e.region, '1') end
  local head = '1|' .. text(s) .. '|' .. text(m.i) .. '|' .. text(m.now + e.ttl * 1000) .. '|' .. e.load .. '|' .. e.version .. '|' .. e.tags .. '|'
  redis.call('SET', V, head .. e.format .. '\\n' .. e.payload, 'PX', text(e.ttl + e.stale))
  return s
end

-- What fill and put write: eight arguments from args[at] on.
local function entryOf(args, at)
  return {
    region = args[at], tags = args[at + 1], version = args[at + 2], load = args[at + 3],
    ttl = tonumber(args[at + 4]), stale = tonumber(args[at + 5]), format = args[at + 6], payload = args[at + 7],
  }
end

-- The newest stamp of the clear mark, of the region, and of the tags. A damaged stamp counts as the newest possible.
local function newestStamp(m, region, tags)
  local marks = { '*', 'r:' .. region }
  for tag in string.gmatch(tags, '[^,]+') do marks[#marks + 1] = 't:' .. tag end
  local newest = 0
  for from = 1, #marks, 1000 do
    for _, stamp in ipairs(redis.call('HMGET', m.key, unpack(marks, from, math.min(from + 999, #marks)))) do
      if stamp then newest = math.max(newest, whole(stamp) or m.c) end
    end
  end
  return newest
end

-- What no mark voids, of this incarnation, or (unless onFailover is 'flush') of one before whose marks are known.
local function isLive(m, v, region, onFailover)
  if not v then return false end
  local isKnown = v.i == m.i or (onFailover ~= 'flush' and string.find(',' .. m.p, ',' .. text(v.i) .. ',', 1, true) ~= nil)
  return isKnown and newestStamp(m, region, v.tags) < v.s
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

local function side(S)
  local fields = attempt('HMGET', S, 'lt', 'lx', 'ls', 'li', 'tv', 'tx', 'lw')
  if not fields then
    redis.call('DEL', S)
    return { tv = '' }
  end
  local tv = fields[5] or ''
  if string.find(tv, '%D') then tv = '' end
  return { lt = fields[1], lx = whole(fields[2]), ls = whole(fields[3]), li = whole(fields[4]), tv = tv, tx = whole(fields[6]), lw = fields[7] }
end

local function clearLease(S, s)
  if s.lt then redis.call('HDEL', S, 'lt', 'lx', 'ls', 'li', 'lw') end
end

-- S's expiry is only ever extended.
local function keep(S, ms)
  if redis.call('PTTL', S) < ms then redis.call('PEXPIRE', S, text(ms)) end
end

-- An invalidation without a version, at the moment given, µs.
local function noteInvalidation(S, at, tombMs)
  redis.call('HSET', S, 'tx', text(at))
  keep(S, tombMs)
end

local function noteVersion(S, s, version, tombMs)
  s.tv = newer(s.tv, version)
  redis.call('HSET', S, 'tv', s.tv)
  keep(S, tombMs)
end
`;
