-- What a worker stores of a subscription: events, and the place to go on from. All of it or nothing,
-- and nothing if another worker may have the subscription by now.
--
-- KEYS  1 lock of the job, 2 place, 3 events (a stream), 4 who is out of touch since when
-- ARGV  1 the worker's token of the lock, 2 how many events it knows to be stored,
--       3 id of the subscription, 4 name of the worker, 5 why it is out of touch, '' if it is not,
--       6 about how many events to keep, 0: all; then id, event and data of each new one
--
-- Gives how many events have been stored by now. -1: the lock is gone, or another's. -2: other events
-- are stored than the worker knows of, since Redis went back to an older state, say.

local lock, place, events, behind = unpack(KEYS)
local token, known, id, worker, why, keep = unpack(ARGV, 1, 6)
local first = 7

if redis.call('GET', lock) ~= token then return -1 end

local old = redis.call('HMGET', place, 'events', 'why')
local stored = tonumber(old[1] or 0)
local count = (#ARGV - first + 1) / 3
-- Sent twice, because the connection was lost between the first time and its answer.
if count > 0 and stored == known + count then return stored end
if stored ~= tonumber(known) then return -2 end

local seconds, micros = unpack(redis.call('TIME'))
local now = string.format('%d', seconds * 1000 + micros / 1000)
local said = {'worker', worker, 'why', why}
if count > 0 then
  for i = first, #ARGV, 3 do
    redis.call('XADD', events, '*', 'id', ARGV[i], 'event', ARGV[i + 1], 'data', ARGV[i + 2])
  end
  if keep ~= '0' then redis.call('XTRIM', events, 'MAXLEN', '~', keep) end
  stored = stored + count
  said = {'lastEventId', ARGV[#ARGV - 2], 'events', stored, 'at', now, unpack(said)}
end
redis.call('HSET', place, unpack(said))
if why ~= '' then
  redis.call('ZADD', behind, 'NX', now, id)
elseif old[2] ~= '' then
  redis.call('ZREM', behind, id)
end
return stored
