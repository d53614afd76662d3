import { functionName } from './protocol-version.js';

/**
 * RELEASE: gives a lease up without a value and wakes those who wait, if any. RENEW: extends it. A token that does not
 * hold it does nothing.
 *
 * KEYS  M V S
 * ARGV  channel, bucket, known incarnation, token; RENEW also: lease ms from now, keep ms
 * Returns  i, q, 1 when the token held the lease, else 0
 */
export const release = /* lua */ `
redis.register_function{ function_name = '${functionName('release')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local s = side(keys[3])
  if s.lt ~= args[4] then return { m.i, m.q, 0 } end
  if s.lw then wake(m, keys[2]) end
  clearLease(s)
  saveSide(keys[3], s)
  return { m.i, m.q, 1 }
end }

redis.register_function{ function_name = '${functionName('renew')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local S, leaseMs = keys[3], tonumber(args[5])
  local s = side(S)
  if s.lt ~= args[4] then return { m.i, m.q, 0 } end
  s.lx = now(m) + leaseMs * 1000
  keep(s, now(m), leaseMs + tonumber(args[6]))
  saveSide(S, s)
  return { m.i, m.q, 1 }
end }
`;
