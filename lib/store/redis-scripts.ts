/** A record is a hash. Its idle time `i`, end `e` and last visit `s` are in milliseconds on the clock of Redis. */

/** ARGV[1]: time, or '' for that of Redis. */
const NOW = `
local function now()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end
`

/** In microseconds. The key does not exist. It makes all processes ask the same node of a Cluster. */
export const TIME = `
local time = redis.call('TIME')
return time[1] * 1000000 + time[2]
`

/** ARGV: time, idle, absolute, then fields and values. */
export const CREATE = `${NOW}
local at = math.floor(now())
local ends = string.format('%.0f', at + ARGV[3])
redis.call('HSET', KEYS[1], 'i', ARGV[2], 's', string.format('%.0f', at), 'e', ends, unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], math.ceil(math.min(ARGV[2], ARGV[3])))
`

/** ARGV: time, '1' to extend, then fields. Returns: extended, rest, last seen, values. */
export const VISIT = `${NOW}
local held = redis.call('HMGET', KEYS[1], 's', 'i', 'e')
-- Version 0.1.0 stored visitors without an end.
local seen, idle, over = tonumber(held[1]), tonumber(held[2]), tonumber(held[3] or 9e15)
local at = now()
if not seen or not idle or math.min(seen + idle, over) <= at then return false end
local every = math.min(60000, idle / 2)
local extended = 0
if ARGV[2] == '1' and (at - seen >= every or at < seen) then
  seen = math.floor(at)
  extended = 1
  redis.call('HSET', KEYS[1], 's', string.format('%.0f', seen))
  redis.call('PEXPIRE', KEYS[1], math.ceil(math.min(idle, over - at)))
end
local values = redis.call('HMGET', KEYS[1], unpack(ARGV, 3))
return {extended, math.ceil(seen + every - at), string.format('%.0f', seen), values}
`

/** ARGV: field, expected beginning of its value. */
const EXPECTED = `
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return 'gone' end
local fits = string.sub(held, 1, #ARGV[2]) == ARGV[2]
`

/** ARGV: field, head, then fields and values, the expected one first. */
export const WRITE = `${EXPECTED}
-- Repeated after a lost reply: the value has been written.
if held == ARGV[4] then return 'done' end
if not fits then return 'conflict' end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 'done'
`

/** ARGV: field, head, then fields. */
export const END = `${EXPECTED}
if not fits then return 'conflict' end
local values = redis.call('HMGET', KEYS[1], unpack(ARGV, 3))
redis.call('DEL', KEYS[1])
return values
`

const LIVES_AT_LEAST = `
local function lives(ttl)
  if redis.call('PTTL', KEYS[1]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
end
`

/** ARGV: name, value, since, ttl. */
export const ENLIST = `${LIVES_AT_LEAST}
local mark = redis.call('HGET', KEYS[1], '!')
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  if mark and tonumber(ARGV[3]) <= tonumber(mark) then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  lives(ARGV[4])
end
return redis.call('HLEN', KEYS[1]) - (mark and 1 or 0)
`

/** ARGV: since, ttl. */
export const MARK = `${LIVES_AT_LEAST}
redis.call('HSET', KEYS[1], '!', math.max(ARGV[1], redis.call('HGET', KEYS[1], '!') or 0))
lives(ARGV[2])
`

/** ARGV: value, ttl. */
export const RENEW = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`
