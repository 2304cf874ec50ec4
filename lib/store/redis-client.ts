import { Redis, type Cluster, type RedisOptions } from 'ioredis'
import type { Config } from '../options/options.js'
import { createDescribe, type Describe } from './redis-trouble.js'

export type RedisClient = Redis | Cluster

export interface OpenedRedis {
  client: RedisClient
  /** True if the package opened the connection and has to close it. */
  owned: boolean
  describe: Describe
}

/** The client passed by the app, or a new one that never waits forever. */
export function openRedis(redis: NonNullable<Config['redis']>, { timeouts, logger }: Config): OpenedRedis {
  if (!isIoredis(redis)) {
    const client = open(redis, timeouts.redis)
    return { client, owned: true, describe: createDescribe(client, timeouts.redis, true) }
  }
  const { options } = redis
  const { commandTimeout } = ('redisOptions' in options ? options.redisOptions : (options as RedisOptions)) ?? {}
  if (commandTimeout === undefined) logger?.warn({ option: 'commandTimeout' }, WAITS_FOR_EVER)
  // A first error listener would silence the message that ioredis prints without one.
  const listens = redis.listenerCount('error') > 0
  return { client: redis, owned: false, describe: createDescribe(redis, timeouts.redis, listens) }
}

const WAITS_FOR_EVER =
  'the ioredis client in `redis` waits for ever when Redis is frozen or gone: set commandTimeout (and a low ' +
  'maxRetriesPerRequest), or pass a URL or options and let this package set them'

const isIoredis = (redis: object | string): redis is RedisClient =>
  typeof redis !== 'string' && 'defineCommand' in redis

function open(redis: string | RedisOptions, deadline: number): Redis {
  const defaults: RedisOptions = {
    connectTimeout: deadline,
    disconnectTimeout: deadline,
    maxRetriesPerRequest: 1,
    // Detects a server that has vanished without closing the connection.
    socketTimeout: 3 * deadline,
    retryStrategy: (times) => Math.min(times * 50, 1000),
    reconnectOnError: leaveReadOnly(deadline),
  }
  const client =
    typeof redis === 'string' ? new BatchingRedis(redis, defaults) : new BatchingRedis({ ...defaults, ...redis })
  // As ioredis 6 does. In 5, the timer outlives its connection, and ends the next one.
  const timed = client as unknown as { socketTimeoutTimer?: NodeJS.Timeout | undefined }
  return client.on('close', () => {
    clearTimeout(timed.socketTimeoutTimer)
    timed.socketTimeoutTimer = undefined
  })
}

/** After a failover, the old master answers READONLY. Reconnects briefly, because it may simply be a replica. */
function leaveReadOnly(deadline: number) {
  // Long enough for one or two new connections, if that leaves time to report the error.
  const [moment, pause] = [Math.min(100, deadline / 3), Math.max(1000, deadline)]
  let since = -Infinity
  return ({ message }: Error): 2 | false => {
    if (!message.includes('READONLY')) return false
    if (performance.now() - since > pause) since = performance.now()
    return performance.now() - since < moment ? 2 : false
  }
}

/** Sends the commands of one turn in one write, which saves system calls. A single read is sent immediately. */
class BatchingRedis extends Redis {
  #corked: Redis['stream'] | undefined

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const stream = this.stream as Redis['stream'] | undefined
    const isLoneRead = args[0].name === 'hmget' && this.commandQueue.length === 0
    if (stream && this.#corked !== stream && !isLoneRead) {
      this.#corked = stream
      stream.cork()
      setImmediate(() => {
        this.#corked = undefined
        stream.uncork()
      })
    }
    return super.sendCommand(...args)
  }
}
