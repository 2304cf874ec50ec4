import { Redis, type Cluster, type RedisOptions } from 'ioredis'
import type { Config } from '../options/options.js'

export type RedisClient = Redis | Cluster

export interface OpenedRedis {
  client: RedisClient
  /** True when the package opened the connection, and so closes it. */
  owned: boolean
  /** Host and port, and the last error of the connection. */
  describe: () => string
}

/** The client that the caller gave, or one of our own with bounded waiting. */
export function openRedis(redis: NonNullable<Config['redis']>, { timeouts, logger }: Config): OpenedRedis {
  if (isIoredis(redis)) {
    if (waitsForEver(redis)) logger?.warn({ option: 'commandTimeout' }, WAITS_FOR_EVER)
    // Listening to a client that nobody listens to would silence ioredis' own report.
    return { client: redis, owned: false, describe: describer(redis, redis.listenerCount('error') > 0) }
  }
  const client = open(redis, timeouts.redis)
  return { client, owned: true, describe: describer(client, true) }
}

function describer(client: RedisClient, listens: boolean): () => string {
  let met: string | undefined
  if (listens) {
    client.on('error', (err: Error & { code?: string }) => {
      met = err.code ?? err.name
    })
  }
  client.on('ready', () => {
    met = undefined
  })
  const { host = 'localhost', port = 6379, path } = (client.isCluster ? {} : client.options) as RedisOptions
  const where = client.isCluster ? 'the nodes of the cluster' : (path ?? `${host}:${String(port)}`)
  return () => (met === undefined ? where : `${where} (${met})`)
}

const WAITS_FOR_EVER =
  'the ioredis client in `redis` waits for ever when Redis is frozen or gone: set commandTimeout (and a low ' +
  'maxRetriesPerRequest), or pass a URL or options and let this package set them'

function open(redis: string | RedisOptions, deadline: number): Redis {
  const defaults: RedisOptions = {
    // Later than the deadline of each call, which does not count time in which the process stood still.
    commandTimeout: 2 * deadline,
    connectTimeout: deadline,
    disconnectTimeout: deadline,
    maxRetriesPerRequest: 1,
    // A machine that is gone says no goodbye: without this the connection would be taken for alive for minutes.
    socketTimeout: 3 * deadline,
    retryStrategy: (times) => Math.min(times * 50, 1000),
    // After a failover the old master answers READONLY: reconnect, and send the command again.
    reconnectOnError: (err) => (err.message.includes('READONLY') ? 2 : false),
  }
  return typeof redis === 'string' ? new BatchingRedis(redis, defaults) : new BatchingRedis({ ...defaults, ...redis })
}

/**
 * Sends the commands of one tick in one write, so that what belongs together (the tokens and the session, at a logout)
 * leaves together or not at all, whenever the process is killed; and while answers are outstanding, those of one turn of
 * the event loop: with many requests at once that saves system calls. A single request waits for nothing, as it would
 * with auto-pipelining.
 */
class BatchingRedis extends Redis {
  #corked: Redis['stream'] | undefined

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    this.#cork()
    return super.sendCommand(...args)
  }

  /** ioredis calls the queue of what it has sent private; where it is not found, nothing is held back for long. */
  #isIdle(): boolean {
    return !(Reflect.get(this, 'commandQueue') as { length: number } | undefined)?.length
  }

  #cork() {
    const stream = this.stream as Redis['stream'] | undefined
    if (!stream || this.#corked === stream) return
    const uncork = () => {
      this.#corked = undefined
      stream.uncork()
    }
    this.#corked = stream
    stream.cork()
    if (this.#isIdle()) process.nextTick(uncork)
    else setImmediate(uncork)
  }
}

const isIoredis = (redis: object | string): redis is RedisClient =>
  typeof redis !== 'string' && 'defineCommand' in redis

function waitsForEver({ options }: RedisClient): boolean {
  const { commandTimeout } = 'redisOptions' in options ? (options.redisOptions ?? {}) : (options as RedisOptions)
  return commandTimeout === undefined
}
