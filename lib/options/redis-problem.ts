import { isObject, isPlain } from './plain-object.js'

const WANTED = 'must be a redis: or rediss: URL, ioredis options or an ioredis client'

/** Returns what is wrong with the value of `redis`. */
export function redisProblem(redis: unknown): string | undefined {
  if (redis === '') return 'must not be empty: leave it out, or pass a URL'
  if (typeof redis === 'string') return isRedisUrl(redis) ? undefined : WANTED
  if (redis instanceof URL) return 'must be a string, not a URL object: pass url.href'
  if (!isObject(redis)) return WANTED
  return shapeProblem(redis) ?? replicaProblem(redis)
}

/** Accepts a URL or the path of a Unix socket. */
function isRedisUrl(redis: string): boolean {
  return redis.startsWith('/') || (/^(rediss?|unix):\/\//.test(redis) && URL.canParse(redis))
}

function shapeProblem(redis: Record<string, unknown>): string | undefined {
  if ('defineCommand' in redis && 'pipeline' in redis) return undefined
  if ('scanIterator' in redis || 'sendCommand' in redis || 'connect' in redis) {
    return (
      'must be an ioredis client, because connect-redis 8 supports no other: ' +
      'pass new Redis(...) or new Cluster(...) from the ioredis package'
    )
  }
  if (!isPlain(redis)) return WANTED
  return 'url' in redis
    ? 'has a url member, which ioredis does not support: pass the URL itself (redis: url)'
    : undefined
}

/** Refused, because a replica lags behind and would return sessions that have ended. */
function replicaProblem(redis: Record<string, unknown>): string | undefined {
  const { scaleReads = 'master', role = 'master' } = ('defineCommand' in redis ? Object(redis.options) : redis) as Reads
  if (scaleReads !== 'master') return "reads from replicas, which lag behind: set scaleReads to 'master'"
  return role === 'master' ? undefined : "reads from replicas, which lag behind: set role to 'master'"
}

interface Reads {
  scaleReads?: unknown
  role?: unknown
}
