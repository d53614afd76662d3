/**
 * Stamps of marks, and holds of them (PROTOCOL 4, TAG).
 *
 * A hold keeps away what would carry the mark, while a group of evictions is on its way over several buckets: `h` of M
 * is `mark,owner,until|…`, one part per mark and owner. Each ends by its owner, or by its time; what has ended is
 * dropped with the next change. Every fill reads it: so where there would be too many, an owner holds `all` instead, by
 * one part, until it releases.
 */
export const marks = /* lua */ `
local MAX_HOLDS = 512

local function holdsOf(m)
  local list = {}
  for name, owner, till in string.gmatch(m.h, '([^,|]+),([^,|]+),(%d+)') do
    if now(m) < tonumber(till) then list[#list + 1] = { name = name, owner = owner, till = till } end
  end
  return list
end

-- Whether something of the region, with these tags, may not come into being.
local function isHeld(m, region, tags)
  if m.h == '' then return false end
  local all = ',' .. tags .. ','
  for _, hold in ipairs(holdsOf(m)) do
    if hold.name == 'all' or hold.name == '*' or hold.name == 'r:' .. region then return true end
    if tags ~= '' and string.sub(hold.name, 1, 2) == 't:' and string.find(all, ',' .. string.sub(hold.name, 3) .. ',', 1, true) then return true end
  end
  return false
end

-- Sets the owner's holds of the marks args[from] … args[to]; lifts them where ms is 0. Returns 1 when they stood on all of them. An owner
-- holds what one call names.
local function changeHolds(m, owner, ms, args, from, to)
  local own, parts = {}, {}
  local missing = 0
  for n = from, to do
    if not own[args[n]] then missing = missing + 1 end
    own[args[n]] = true
  end
  for _, hold in ipairs(holdsOf(m)) do
    if hold.owner == owner and hold.name == 'all' then missing = 0
    elseif hold.owner == owner and own[hold.name] then missing = missing - 1
    else parts[#parts + 1] = hold.name .. ',' .. hold.owner .. ',' .. hold.till end
  end
  if ms > 0 then
    local tail = ',' .. owner .. ',' .. text(now(m) + ms * 1000)
    if #parts + to - from >= MAX_HOLDS then parts[#parts + 1] = 'all' .. tail
    else for n = from, to do parts[#parts + 1] = args[n] .. tail end end
  end
  local h = table.concat(parts, '|')
  if h == '' then redis.call('HDEL', m.key, 'h') else redis.call('HSET', m.key, 'h', h) end
  return missing <= 0 and 1 or 0
end

-- One stamp for the marks args[from] … args[to]. A clear and a region's clear note their time: what has no tags is void by no other mark.
local function stampMarks(m, G, lifeMs, args, from, to)
  collect(m, G)
  m.c = m.c + 1
  local stamp, at = text(m.c), text(now(m))
  for n = from, to do
    local name = args[n]
    local kind = string.sub(name, 1, 2)
    if name ~= '*' then remember(G, name, now(m) + lifeMs * 1000) end
    if name == '*' then redis.call('HSET', m.key, 'tt', at)
    elseif kind == 'r:' then redis.call('HSET', m.key, 'tt:' .. string.sub(name, 3), at) end
    m.tq = m.tq + 1
    bump(m, 'T', stamp .. '|' .. name, 'c', stamp, 'tq', text(m.tq), name, stamp)
  end
  return m.c
end
`;
