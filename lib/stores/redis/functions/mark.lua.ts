import { functionName } from './protocol-version.js';

/**
 * TAG: voids every entry that carries one of the marks and was leased before now. Constant time per mark. All get one
 * stamp.
 *
 * KEYS  M G
 * ARGV  channel, bucket, known incarnation, ms after which a stamp may be collected, owner of the hold or '', hold
 *       ms (0: lift it), marks …
 * Returns  i, q, stamp, 1 when the owner's hold stood on all marks until now, else 0
 */
export const mark = /* lua */ `
redis.register_function{ function_name = '${functionName('mark')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local owner = args[5]
  local stood = 0
  if owner ~= '' then stood = changeHolds(m, owner, tonumber(args[6]), args, 7, #args) end
  local stamp = stampMarks(m, keys[2], tonumber(args[4]), args, 7, #args)
  return { m.i, m.q, stamp, stood }
end }
`;
