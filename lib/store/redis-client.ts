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
  const deadline = timeouts.redis
  if (isIoredis(redis)) {
    if (waitsForEver(redis)) logger?.warn({ option: 'commandTimeout' }, WAITS_FOR_EVER)
    // A first error listener would silence the message that ioredis prints without one.
    const listens = redis.listenerCount('error') > 0
    return { client: redis, owned: false, describe: createDescribe(redis, { listens, deadline }) }
  }
  const client = open(redis, deadline)
  return { client, owned: true, describe: createDescribe(client, { listens: true, deadline }) }
}

const WAITS_FOR_EVER =
  'the ioredis client in `redis` waits for ever when Redis is frozen or gone: set commandTimeout (and a low ' +
  'maxRetriesPerRequest), or pass a URL or options and let this package set them'

function open(redis: string | RedisOptions, deadline: number): Redis {
  const readOnly = leaveReadOnly(deadline)
  const defaults: RedisOptions = {
    connectTimeout: deadline,
    disconnectTimeout: deadline,
    maxRetriesPerRequest: 1,
    // Detects a server that has vanished without closing the connection.
    socketTimeout: 3 * deadline,
    retryStrategy: (times) => Math.min(times * 50, 1000),
    reconnectOnError: readOnly.reconnectOnError,
  }
  const client =
    typeof redis === 'string' ? new BatchingRedis(redis, defaults) : new BatchingRedis({ ...defaults, ...redis })
  return client.on('ready', readOnly.ready)
}

/**
 * After a failover, the old master answers READONLY: reconnects and sends the command again, but not repeatedly, because
 * the server may simply be a replica.
 */
function leaveReadOnly(pause: number) {
  let last = -Infinity
  let isLeaving = false
  return {
    reconnectOnError: ({ message }: Error): 2 | false => {
      if (!message.includes('READONLY')) return false
      // Other commands on the same connection are sent again, too.
      if (isLeaving) return 2
      if (performance.now() - last < pause) return false
      last = performance.now()
      isLeaving = true
      return 2
    },
    ready: () => {
      isLeaving = false
    },
  }
}

/**
 * Sends the commands of one turn of the event loop in one write, which saves system calls under load. A single read is
 * sent immediately.
 */
class BatchingRedis extends Redis {
  #corked: Stream | undefined
  #watched: Stream | undefined
  #silence: NodeJS.Timeout | undefined
  readonly #patience = takeSocketTimeout(this.options)

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const stream = this.stream as Stream | undefined
    if (stream) this.#watch(stream)
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

  /** Closes a connection on which no reply arrives. */
  #watch(stream: Stream): void {
    if (this.#patience === undefined || stream.destroyed || stream.connecting) return
    if (this.#watched !== stream) {
      this.#watched = stream
      stream.on('close', () => this.#hear())
      // After the listener of ioredis, which takes answered commands from the queue.
      stream.on('data', () => {
        this.#hear()
        if (this.commandQueue.length > 0) this.#watch(stream)
      })
    }
    this.#silence ??= setTimeout(() => stream.destroy(silent(this.#patience)), this.#patience)
  }

  #hear(): void {
    clearTimeout(this.#silence)
    this.#silence = undefined
  }
}

type Stream = Redis['stream']

/** In ioredis 5, the timer of the option outlives its connection: it keeps the process alive, and ends the next connection. */
function takeSocketTimeout(options: RedisOptions): number | undefined {
  const { socketTimeout } = options
  delete options.socketTimeout
  return socketTimeout
}

function silent(ms: number | undefined): Error {
  return Object.assign(new Error(`Redis has sent nothing for ${String(ms)} ms`), { code: 'ETIMEDOUT' })
}

const isIoredis = (redis: object | string): redis is RedisClient =>
  typeof redis !== 'string' && 'defineCommand' in redis

function waitsForEver({ options }: RedisClient): boolean {
  const { commandTimeout } = 'redisOptions' in options ? (options.redisOptions ?? {}) : (options as RedisOptions)
  return commandTimeout === undefined
}
