import { functionName } from './protocol-version.js';

/**
 * FILL: writes loaded values whose lease still stands, for keys of one bucket.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, the server's time as reckoned (as GETL) or '', then per key: token,
 *       stale ms|version|tags|region|format, ttl ms, load µs, payload
 * Returns  i, q, now µs, then per key {'OK', stamp} or {'R', 'lease' | 'incarnation' | 'mark' | 'version'}
 */
export const fill = /* lua */ `
local function fillOne(m, V, S, e, at, args, from)
  local s = takeSide(S)
  local ls, li, isHolder, isAwaited = s.ls, s.li, s.lt == args[from], s.lw
  if isHolder then clearLease(s) end
  saveSide(S, s)
  if not isHolder then return { 'R', 'lease' } end
  local refused
  if not ls or li ~= m.i then refused = 'incarnation'
  elseif e.newest >= ls or isHeld(m, e.region, e.tags) then refused = 'mark'
  elseif e.version ~= '' and isOlder(e.version, s.tv) then refused = 'version'
  else write(m, V, ls, e, at, args, from + 2) end
  if isAwaited then wake(m, V) end
  if refused then return { 'R', refused } end
  return { 'OK', ls }
end

redis.register_function{ function_name = '${functionName('fill')}', callback = function(keys, args)
  local names, labels, count = {}, {}, (#keys - 1) / 2
  for n = 1, count do
    local label = args[5 * n + 1]
    if not labels[label] then
      local e = labelOf(label)
      labels[label] = e
      want(names, e.marks)
      if e.tags ~= '' then want(names, { 'u:' .. e.region }) end
    end
  end
  local m = identify(keys, args, names, args[4])
  for _, e in pairs(labels) do e.newest = newestStamp(m, e.marks) end
  local at = moment(m)
  local reply = { m.i, m.q, at }
  for n = 1, count do
    reply[3 + n] = fillOne(m, keys[2 * n], keys[2 * n + 1], labels[args[5 * n + 1]], at, args, 5 * n)
  end
  return reply
end }
`;
