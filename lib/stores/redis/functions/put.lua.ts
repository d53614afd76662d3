import { functionName } from './protocol-version.js';

/**
 * PUT: writes a value that its writer has just stored in the source, if it is proven to be the newest; else removes
 * what stands.
 *
 * KEYS  M V S
 * ARGV  channel, bucket, known incarnation, fence or '', tombstone ms, stale ms|version or ''|tags|region, ttl ms,
 *       tail: load µs|version|tags|format\\n payload
 * Returns  i, q, 'stored' | 'superseded' | 'refused'
 *
 * With its fence: accepted iff the fence stood, alone, nothing was invalidated since, and no newer version is known.
 * Without a fence, with a version: an entry of a newer version stays; accepted iff no newer version is known, no fence
 * stands, and no invalidation without a version (of the key, the region or the cache) is younger than the tombstone;
 * never with tags, nor in a region where an entry had tags: it could not be held against their stamps. With neither:
 * never accepted.
 */
export const put = /* lua */ `
local function isYoung(m, at, tombMs) return at ~= nil and now(m) - at < tombMs * 1000 end

redis.register_function{ function_name = '${functionName('put')}', callback = function(keys, args)
  local m = identify(keys, args)
  local V, S = keys[2], keys[3]
  local token, tombMs, e = args[4], tonumber(args[5]), labelOf(args[6])
  local version = e.version
  local s = side(S)
  local v = version ~= '' and header(V)
  local known = newer(s.tv, v and v.version or '')
  local f = fencesOf(m, V)
  local own = token ~= '' and takeFence(f, token)

  local outcome, stamp = 'refused', m.c + 1
  if token ~= '' then
    if own and own.count == text(f.w) and own.fi == m.i and newestStamp(m, e.marks) < own.fs
      and not isHeld(m, e.region, e.tags) and (version == '' or not isOlder(version, known)) then
      outcome, stamp = 'stored', own.fs
    end
  elseif version ~= '' then
    if v and isOlder(version, v.version) then
      outcome = 'superseded'
    elseif not isOlder(version, s.tv) and #f.list == 0 and e.tags == '' and not usesTags(m, e.region) and not isHeld(m, e.region, '')
      and not (isYoung(m, s.tx, tombMs) or isYoung(m, m.tt, tombMs) or isYoung(m, whole(redis.call('HGET', m.key, 'tt:' .. e.region)), tombMs) or isYoung(m, m.i, tombMs)) then
      outcome = 'stored'
    end
  end

  clearLease(s)
  if #f.list > 0 then f.w = f.w + 1 end
  if f.exists then saveFences(m, f) end
  if outcome == 'stored' then write(m, V, stamp, e, now(m), args[7], args[8])
  elseif outcome == 'refused' then redis.call('DEL', V) end
  if version ~= '' then noteVersion(m, s, newer(known, version), tombMs)
  else noteInvalidation(m, s, math.max(now(m), lastEnd(f)), tombMs) end
  saveSide(S, s)
  bump(m, 'E', V)
  return { m.i, m.q, outcome }
end }
`;
