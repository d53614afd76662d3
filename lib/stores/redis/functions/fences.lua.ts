/**
 * The fences of a key, side by side in one field `f:<V>` of M (PROTOCOL 4): `w|token,until,fs,fi,count|…`.
 *
 * `w` counts the key's invalidations while a fence stands; `count` is w when the fence was set, or `-` where it was not
 * alone. A fence whose time is over counts as not standing and is dropped on access; the field goes with its last
 * fence.
 *
 * G remembers what may be collected from M, and when (µs): stamps and the fences of writers that died.
 */
export const fences = /* lua */ `
local COLLECTED_PER_CALL = 16

local function fencesOf(m, V)
  local f = { field = 'f:' .. V, list = {}, w = 0 }
  local raw = field(m, f.field)
  if not raw then return f end
  f.w = whole(string.match(raw, '^(%d+)')) or 0
  local dropped = false
  for token, till, fs, fi, count in string.gmatch(raw, '|([^,|]+),(%d+),(%d+),(%d+),([%d-]+)') do
    if now(m) < tonumber(till) then
      f.list[#f.list + 1] = { token = token, till = tonumber(till), fs = tonumber(fs), fi = tonumber(fi), count = count }
    else
      dropped = true
    end
  end
  f.exists = true
  f.dropped = dropped or #f.list == 0
  return f
end

local function saveFences(m, f)
  m.read[f.field] = nil
  if #f.list == 0 then
    if f.exists then redis.call('HDEL', m.key, f.field) end
    return
  end
  local parts = { text(f.w) }
  for _, fence in ipairs(f.list) do
    parts[#parts + 1] = fence.token .. ',' .. text(fence.till) .. ',' .. text(fence.fs) .. ',' .. text(fence.fi) .. ',' .. fence.count
  end
  redis.call('HSET', m.key, f.field, table.concat(parts, '|'))
end

-- Takes the fence out of the list; nil when it does not stand.
local function takeFence(f, token)
  for n, fence in ipairs(f.list) do
    if fence.token == token then return table.remove(f.list, n) end
  end
end

-- The end of the last fence that stands; 0 when none does.
local function lastEnd(f)
  local last = 0
  for _, fence in ipairs(f.list) do last = math.max(last, fence.till) end
  return last
end

-- Any other invalidation of a fenced key: the fences that stand learn that they were not alone.
local function countWrite(m, V)
  local f = fencesOf(m, V)
  if #f.list > 0 then f.w = f.w + 1 end
  if f.exists and (#f.list > 0 or f.dropped) then saveFences(m, f) end
end

local function remember(G, member, at)
  if not attempt('ZADD', G, text(at), member) then
    redis.call('DEL', G) -- foreign; losing G is harmless
    redis.call('ZADD', G, text(at), member)
  end
end

-- A collected stamp raises the clear stamp to at least itself: whatever it voided stays void.
local function collect(m, G)
  local due = attempt('ZRANGEBYSCORE', G, '-inf', text(now(m)), 'LIMIT', 0, COLLECTED_PER_CALL)
  if not due or #due == 0 then return end
  redis.call('ZREM', G, unpack(due))
  local clear = redis.call('HGET', m.key, '*')
  local floor = clear and (whole(clear) or m.c) or 0
  local raised = floor
  for _, member in ipairs(due) do
    if string.sub(member, 1, 2) == 'f:' then
      local f = fencesOf(m, string.sub(member, 3))
      if f.dropped then saveFences(m, f) end
    else
      local stamp = redis.call('HGET', m.key, member)
      if stamp and member ~= '*' then
        raised = math.max(raised, whole(stamp) or m.c)
        redis.call('HDEL', m.key, member)
      end
    end
  end
  if raised > floor then redis.call('HSET', m.key, '*', text(raised)) end
end
`;
