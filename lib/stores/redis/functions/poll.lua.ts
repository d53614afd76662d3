import { functionName } from './protocol-version.js';

/**
 * POLL: where the bucket stands, and the stamps of some marks, at one moment.
 *
 * KEYS  M
 * ARGV  channel, bucket, known incarnation, marks …
 * Returns  i, q, tq, c, now µs, p, then the stamp of each mark, 0 where it has none
 */
export const poll = /* lua */ `
redis.register_function{ function_name = '${functionName('poll')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local m = identify(keys, args)
  local reply = { m.i, m.q, m.tq, m.c, now(m), m.p }
  for n = 4, #args do
    local stamp = redis.call('HGET', m.key, args[n])
    reply[n + 3] = stamp and (whole(stamp) or m.c) or 0
  end
  return reply
end }
`;
