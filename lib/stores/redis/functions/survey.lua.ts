import { functionName } from './protocol-version.js';

/**
 * SURVEY: where several buckets of this server stand, at one moment; the same as a POLL of each that would find nothing
 * new. What a POLL would have to change, or another server has, is left to that POLL.
 *
 * KEYS  M of one of the buckets: on a Cluster, where the call goes
 * ARGV  per bucket: its M, known incarnation
 * Returns  now µs, then per bucket {i, q, tq, c, now µs, p} or nothing
 *
 * Writes nothing, and is no reading function all the same: a server that refuses writes must refuse this (R20).
 */
export const survey = /* lua */ `
redis.register_function{ function_name = '${functionName('survey')}', flags = { 'allow-oom', 'allow-cross-slot-keys' }, callback = function(keys, args)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local reply = { now }
  for n = 1, #args, 2 do
    local fields = redis.pcall('HMGET', args[n], 'b', 'i', 'q', 'tq', 'c', 'p')
    local b, i, q, tq, c = fields[1], whole(fields[2]), whole(fields[3]), whole(fields[4]), whole(fields[5])
    local isKnown = b and i and q and tq and c and seen[b] == q and (whole(args[n + 1]) or 0) <= i
    reply[#reply + 1] = isKnown and { i, q, tq, c, now, fields[6] or '' } or false
  end
  return reply
end }
`;
