import { functionName } from './protocol-version.js';

/**
 * FILL: writes loaded values whose lease still stands, for keys of one bucket.
 *
 * KEYS  M, then per key V S
 * ARGV  channel, bucket, known incarnation, the server's time as reckoned (as GETL) or '', then per key: token, ttl ms,
 *       tail: load µs|version|tags|format\\n payload; before the first key that it holds for, and for those after that,
 *       stands `>stale ms|version|tags|region`
 * Returns  i, q, now µs, a letter per key, then in their order what letters say more:
 *   N, O        filled. N: its stamp; O: that of the last N
 *   L, I, M, V  refused because of the lease, the incarnation, a mark, the version
 */
export const fill = /* lua */ `
local function fillOne(m, V, S, s, e, at, token, ttl, tail)
  local ls, li, isHolder, isAwaited = s.ls, s.li, s.lt == token, s.lw
  if isHolder then clearLease(s) end
  saveSide(S, s)
  if not isHolder then return 'L' end
  local refused
  if not ls or li ~= m.i then refused = 'I'
  elseif e.newest >= ls or isHeld(m, e.region, e.tags) then refused = 'M'
  elseif e.version ~= '' and isOlder(e.version, s.tv) then refused = 'V'
  else write(m, V, ls, e, at, ttl, tail) end
  if isAwaited then wake(m, V) end
  return refused or 'O', ls
end

redis.register_function{ function_name = '${functionName('fill')}', callback = function(keys, args)
  local names, labels = {}, {}
  for n = 5, #args do
    local arg = args[n]
    if string.byte(arg) == 62 and not labels[arg] then
      local e = labelOf(string.sub(arg, 2))
      labels[arg] = e
      want(names, e.marks)
      if e.tags ~= '' then want(names, { 'u:' .. e.region }) end
    end
  end
  local m = identify(keys, args, names, args[4])
  for _, e in pairs(labels) do e.newest = newestStamp(m, e.marks) end
  local at = moment(m)
  local sides = takeSides(keys)
  local letters, reply, size = {}, { m.i, m.q, at, '' }, 4
  local from, e, told = 5, nil, nil
  for n = 1, (#keys - 1) / 2 do
    if labels[args[from]] then
      e = labels[args[from]]
      from = from + 1
    end
    local letter, stamp = fillOne(m, keys[2 * n], keys[2 * n + 1], sides[keys[2 * n + 1]], e, at, args[from], args[from + 1], args[from + 2])
    if letter == 'O' and stamp ~= told then
      letter, told = 'N', stamp
      reply[size + 1], size = stamp, size + 1
    end
    letters[n] = letter
    from = from + 3
  end
  reply[4] = table.concat(letters)
  return reply
end }
`;
