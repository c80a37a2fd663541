-- A worker says that it lives, and how it does; or, without a name, somebody asks.
-- KEYS  1 workers (a hash)
-- ARGV  1 name, 2 how it does (JSON)
-- Gives the time, ms, by the one clock that all of them share, and all workers: name, when it said so
-- last and how it did, of each.

local seconds, micros = unpack(redis.call('TIME'))
local now = string.format('%d', seconds * 1000 + micros / 1000)
if ARGV[1] then redis.call('HSET', KEYS[1], ARGV[1], now .. ' ' .. ARGV[2]) end
return {now, redis.call('HGETALL', KEYS[1])}
