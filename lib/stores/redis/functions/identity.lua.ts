/**
 * Who this server is, and which state of the bucket it knows (PROTOCOL 3). Every function begins with `identify`.
 *
 * `seen` lives in the server process and is never replicated, stored or rolled back: it is what makes a restart, a
 * promotion, a flush and a restored snapshot visible. A bucket's `b` names one process and one identification, so that
 * two buckets of one name in two databases of one server do not disturb each other.
 *
 * `p` lists the incarnations of the bucket before this one, back to the last time that M was lost: the stamps that void
 * their entries are all there. No order of incarnations would do, since a server's clock makes them.
 *
 * Numbers: whole, at most 2^52, so that a sum of two is exact. Times are the server's, in µs; it is asked for its time
 * once per call, where it matters.
 */
export const identity = /* lua */ `
local MAX = 4503599627370496

local function whole(text)
  if text and text ~= '' and #text <= 16 and not string.find(text, '%D') then
    local number = tonumber(text)
    if number <= MAX then return number end
  end
end

-- The same for a number that is read again and again: most of M's. To read one costs as much as a command.
local numbers, count = {}, 0

local function often(text)
  local number = text and numbers[text]
  if text and not number then
    number = whole(text)
    if count == 256 then numbers, count = {}, 0 end
    if number then numbers[text], count = number, count + 1 end
  end
  return number or nil
end

-- '%d' costs half, where it has 64 bits. While the library is loaded nobody can be asked.
local WHOLE = nil

local function text(number)
  if not WHOLE then WHOLE = string.format('%d', MAX) == '4503599627370496' and '%d' or '%.0f' end
  return string.format(WHOLE, number)
end

-- The same for a number that is written again and again: most stamps, incarnations, and ends of leases of one call.
local words, wordCount = {}, 0

local function word(number)
  local known = words[number]
  if known then return known end
  if wordCount == 256 then words, wordCount = {}, 0 end
  known = text(number)
  words[number], wordCount = known, wordCount + 1
  return known
end

-- A command on a key where something foreign may stand: nil when that is of another type.
local function attempt(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
    error(reply)
  end
  return reply
end

-- At most 16 of a list.
local function remembered(list)
  local at = 0
  for _ = 1, 16 do
    at = string.find(list, ',', at + 1, true)
    if not at then return list end
  end
  return string.sub(list, 1, at)
end

local NONE = {}
local process, identifications = nil, 0
local seen = {}

-- A channel with a hash tag is a shard channel: on a Cluster its messages stay with the nodes of the slot.
local function publishing(channel) return string.sub(channel, 1, 1) == '{' and 'SPUBLISH' or 'PUBLISH' end

local function publish(m, sequence, kind, rest)
  redis.call(publishing(m.channel), m.channel, m.bucket .. '|' .. text(m.i) .. '|' .. sequence .. '|' .. kind .. '|' .. rest)
end

local function now(m)
  if not m.now then
    local time = redis.call('TIME')
    m.now = time[1] * 1000000 + time[2]
  end
  return m.now
end

-- Good enough for the end of a lease, and for freshness: what the caller reckons from the last poll of this incarnation, if that is recent.
local function moment(m) return m.now or m.reckoned or now(m) end

-- Fields of M that are to be read with its identity: of very many, the first alone.
local function want(names, more)
  for _, name in ipairs(more) do
    if not names[name] and #names < 1000 then
      names[name] = true
      names[#names + 1] = name
    end
  end
end

-- A field of M. What was read with the identity stands in m.read until something here changes it.
local function field(m, name)
  local value = m.read[name]
  if value == nil then return redis.call('HGET', m.key, name) end
  return value
end

-- M as it stands, after it was made ours. keys[1] is M; args: channel, bucket, the highest incarnation that the caller ever saw; names: what
-- else to read of M; reckoned: an incarnation and the time of its server, i|µs, or ''.
local function identify(keys, args, names, reckoned)
  names = names or NONE
  local fields = attempt('HMGET', keys[1], 'b', 'i', 'c', 'q', 'tq', 'tt', 'p', 'h', unpack(names)) or NONE
  local b, read = fields[1], {}
  -- made as large as it grows: a table that grows is made anew time and again
  local m = {
    key = keys[1], channel = args[1], bucket = args[2], read = read, b = b, now = nil, reckoned = nil,
    i = often(fields[2]), c = often(fields[3]), q = often(fields[4]), tq = often(fields[5]), tt = often(fields[6]),
    p = fields[7] or '', h = fields[8] or '',
  }
  for n = 1, #names do read[names[n]] = fields[8 + n] end
  local lost = false
  if not (m.i and m.c and m.q and m.tq) then
    redis.call('DEL', m.key) -- lost, damaged or foreign: all of it is lost at once
    m.i, m.c, m.q, m.tq, m.tt, m.p = m.i or 0, 0, m.q or 0, m.tq or 0, nil, ''
    m.h = ''
    m.read = {}
    lost = true
    b = false
  end
  local known = often(args[3]) or 0
  if not b or seen[b] ~= m.q or known > m.i then
    if not process then process = text(now(m)) .. '.' .. string.match(tostring(seen), '%w+$') end
    if b then seen[b] = nil end
    identifications = identifications + 1
    b = process .. '.' .. identifications
    if not lost then m.p = remembered(text(m.i) .. ',' .. m.p) end
    m.i = math.max(now(m), m.i + 1, known + 1)
    m.q, m.tq = m.q + 1, m.tq + 1
    redis.call('HSET', m.key, 'b', b, 'i', text(m.i), 'c', text(m.c), 'q', text(m.q), 'tq', text(m.tq), 'p', m.p)
    seen[b] = m.q
    m.b = b
    publish(m, text(m.q), 'F', '')
  elseif reckoned then
    local i, at = string.match(reckoned, '^(%d+)|(%d+)$')
    if often(i) == m.i then m.reckoned = whole(at) end
  end
  m.b = b
  return m
end

-- Counts one invalidation, sets the fields given beside it, and publishes it. The order matters: if publishing fails, receivers see a gap.
local function bump(m, kind, rest, ...)
  m.q = m.q + 1
  redis.call('HSET', m.key, 'q', text(m.q), ...)
  seen[m.b] = m.q
  publish(m, text(m.q), kind, rest)
end

local function wake(m, entry) publish(m, '-', 'W', entry) end
`;
