import { functionName } from './protocol-version.js';

/**
 * TAG: voids every entry that carries the mark and was leased before now. Constant time.
 *
 * KEYS  M G
 * ARGV  channel, bucket, known incarnation, mark (\`t:<tag>\`, \`r:<region>\` or \`*\`), ms after which the stamp may be collected
 * Returns  i, q, stamp
 */
export const mark = /* lua */ `
redis.register_function{ function_name = '${functionName('mark')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local name = args[4]
  collect(m, keys[2])
  m.c, m.tq = m.c + 1, m.tq + 1
  local stamp = text(m.c)
  if name ~= '*' then remember(keys[2], name, m.now + tonumber(args[5]) * 1000) end
  bump(m, 'T', stamp .. '|' .. name, 'c', stamp, 'tq', text(m.tq), 'tt', text(m.now), name, stamp)
  return { m.i, m.q, m.c }
end }
`;
