"""Holds one Redis script for each step of an MCP session that must be atomic.

A session's keys are its hash, the hash of the requests that are being answered for it, and the index of its client's
sessions by the time at which they end unless somebody keeps them. ``idle`` is set in a session without a stream of its
own: the seconds for which each use of it keeps it.
"""

_KEEP = """
local function keep(session, index, seconds)
  local now = redis.call('TIME')
  redis.call('EXPIRE', session, seconds)
  redis.call('ZADD', index, 'XX', now[1] + now[2] / 1000000 + seconds, session)
  if redis.call('TTL', index) < tonumber(seconds) then redis.call('EXPIRE', index, seconds) end
end
"""
# Session, index. How many a client may have, how long it is kept, owner, state, expiry, whether use keeps it, what its
# client is told of first.
OPEN = f"""{_KEEP}
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[3], 'state', ARGV[4], 'expires', ARGV[5], 'sent', 0)
if ARGV[6] == '1' then redis.call('HSET', KEYS[1], 'idle', ARGV[2], 'told', ARGV[7]) end
redis.call('ZADD', KEYS[2], now, KEYS[1])
keep(KEYS[1], KEYS[2], ARGV[2])
return 1
"""
# For each of many: session, requests, index; owner and request id. Then, for all: who asks, how many requests a session
# may have, the lease, and the expiry with which a session is over by now.
ACCEPT = f"""{_KEEP}
local channel, limit, lease, over = ARGV[#ARGV - 3], tonumber(ARGV[#ARGV - 2]), ARGV[#ARGV - 1], tonumber(ARGV[#ARGV])
local answers = {{}}
for i = 1, #KEYS / 3 do
  local name, requests, index = KEYS[3 * i - 2], KEYS[3 * i - 1], KEYS[3 * i]
  local owner, request = ARGV[2 * i - 1], ARGV[2 * i]
  local session = redis.call('HMGET', name, 'owner', 'state', 'expires', 'idle')
  local verdict = 'taken'
  if session[1] ~= owner or tonumber(session[3]) <= over then verdict = false
  elseif request ~= '' and redis.call('HEXISTS', requests, request) == 1 then verdict = 'duplicate'
  elseif request ~= '' and redis.call('HLEN', requests) >= limit then verdict = 'busy'
  elseif request ~= '' then
    redis.call('HSET', requests, request, channel)
    redis.call('EXPIRE', requests, session[4] or lease)
  end
  if verdict and session[4] then keep(name, index, session[4]) end
  answers[#answers + 1] = verdict and {{session[2], session[3], verdict}}
end
return answers
"""
UPDATE = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'state', ARGV[1]) end
"""
# Session. When the token expires, and whom it names.
EXTEND = """
local expires = redis.call('HGET', KEYS[1], 'expires')
if expires and tonumber(expires) < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'expires', ARGV[1], 'presented', ARGV[2])
end
"""
_PRESENTED = """
local function presented(expires, name, known)
  return tonumber(expires) > tonumber(known) and redis.call('HGET', name, 'presented') or ''
end
"""
# Session, requests, index. The lease, and the expiry that is known to who asks.
RENEW = f"""{_KEEP}{_PRESENTED}
local session = redis.call('HMGET', KEYS[1], 'expires', 'sent')
if not session[1] then return false end
redis.call('EXPIRE', KEYS[2], ARGV[1])
keep(KEYS[1], KEYS[3], ARGV[1])
return {{session[1], session[2], redis.call('HGETALL', KEYS[2]), presented(session[1], KEYS[1], ARGV[2])}}
"""
# Session, requests, index. The request that is answered.
RELEASE = f"""{_KEEP}
redis.call('HDEL', KEYS[2], ARGV[1])
local idle = redis.call('HGET', KEYS[1], 'idle')
if idle then
  redis.call('EXPIRE', KEYS[2], idle)
  keep(KEYS[1], KEYS[3], idle)
end
"""
# Session, index. The stream, whether it is new, the lease, after which a stream that is not heard of is gone, and the
# expiry that is known to who asks.
LISTEN = f"""{_KEEP}{_PRESENTED}
local now = tonumber(redis.call('TIME')[1])
local session = redis.call('HMGET', KEYS[1], 'expires', 'idle', 'listener', 'heard')
if not session[2] then return false end
keep(KEYS[1], KEYS[2], session[2])
local chosen = ARGV[2] == '1' or not session[3] or session[3] == ARGV[1] or tonumber(session[4]) + ARGV[3] < now
if chosen then redis.call('HSET', KEYS[1], 'listener', ARGV[1], 'heard', now) end
return {{session[1], chosen and 1 or 0, presented(session[1], KEYS[1], ARGV[4])}}
"""
# Session. The stream that has closed.
UNLISTEN = """
if redis.call('HGET', KEYS[1], 'listener') == ARGV[1] then redis.call('HDEL', KEYS[1], 'listener', 'heard') end
"""
# Session. The stream, and what is told there. Answers what was told before, or nil to a stream that is not chosen.
TELL = """
if redis.call('HGET', KEYS[1], 'listener') ~= ARGV[1] then return false end
local told = redis.call('HGET', KEYS[1], 'told')
redis.call('HSET', KEYS[1], 'told', ARGV[2])
return told or ''
"""
# Session. How the fields begin that stand for resources, the resource, and how many there may be.
SUBSCRIBE = """
local field, left = ARGV[1] .. ARGV[2], tonumber(ARGV[3])
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], field) == 1 then return 1 end
for _, other in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(other, 1, #ARGV[1]) == ARGV[1] then left = left - 1 end
end
if left <= 0 then return 0 end
redis.call('HSET', KEYS[1], field, 1)
return 1
"""
# Index. How the names of sessions and of their requests begin, and the lease.
LONGEST_IDLE = """
local now = tonumber(redis.call('TIME')[1])
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local session = redis.call('HMGET', name, 'idle', 'heard')
  local requests = ARGV[2] .. string.sub(name, #ARGV[1] + 1)
  local is_heard = session[2] and tonumber(session[2]) + ARGV[3] >= now
  if session[1] and not is_heard and redis.call('HLEN', requests) == 0 then return string.sub(name, #ARGV[1] + 1) end
end
return false
"""
