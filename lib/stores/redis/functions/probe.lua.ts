import { functionName } from './protocol-version.js';

/**
 * PROBE: whether the user may run everything that the functions need. Nothing of the cache is changed.
 *
 * KEYS  M G V S: M and G as they are; V and S of a key that no entry has
 * ARGV  channel, bucket
 * Returns  for each command that was refused: its name and the server's message
 */
export const probe = /* lua */ `
redis.register_function{ function_name = '${functionName('probe')}', flags = { 'allow-oom' }, callback = function(keys, args)
  local M, G, V, S = unpack(keys)
  local commands = {
    { 'TIME' }, { 'HMGET', M, 'i' }, { 'HGET', M, 'i' }, { 'HSET', S, 'x', '0' }, { 'HDEL', S, 'x' },
    { 'DEL', S }, { 'MGET', V, S }, { 'GETDEL', S }, { 'GETRANGE', V, 0, 1 }, { 'SET', V, '', 'PX', 1 }, { 'SETRANGE', V, 0, '0' }, { 'DEL', V },
    { 'ZRANGEBYSCORE', G, '-inf', '0', 'LIMIT', 0, 1 }, { 'ZADD', G, '0', '~' }, { 'ZREM', G, '~' },
    { publishing(args[1]), args[1], args[2] .. '|0|-|W|' .. V },
  }
  local refused = {}
  for _, command in ipairs(commands) do
    local reply = redis.pcall(unpack(command))
    if type(reply) == 'table' and reply.err and not string.find(reply.err, 'WRONGTYPE', 1, true) then
      refused[#refused + 1] = command[1]
      refused[#refused + 1] = reply.err
    end
  end
  return refused
end }
`;
