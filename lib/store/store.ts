import type { Logger, Report } from '../events.js'
import type { Config } from '../options/options.js'
import { MemoryRecords } from './memory-records.js'
import type { Records } from './records.js'
import { openRedis, type RedisClient } from './redis-client.js'
import { createRedisRecords, runScript } from './redis-records.js'
import { closedError, createStoreGuard } from './store-health.js'

export interface Store {
  records: Records
  /** Runs a script on one key. Undefined for the in-process store. */
  evaluate: ((script: string, key: string, args: string[]) => Promise<unknown>) | undefined
  /** The error of every request after the store was closed. */
  closed: () => Error | undefined
  close: () => Promise<void>
}

/** Redis if it is configured, else the in-process store. */
export function openStore(config: Config, prefix: string, report: Report): Store {
  const { redis, timeouts, testClock, logger } = config
  let isClosed = false
  const ending = (records: Records): Pick<Store, 'records' | 'closed' | 'close'> => ({
    records,
    closed: () => (isClosed ? closedError() : undefined),
    close: () => {
      isClosed = true
      return records.close()
    },
  })
  if (redis === undefined) return { ...ending(new MemoryRecords(testClock)), evaluate: undefined }
  const { client, owned, describe } = openRedis(redis, config)
  if (logger) warnOfEviction(client, logger)
  // One node of a Cluster may be down while others answer.
  const probe = client.isCluster ? undefined : () => client.ping()
  const guarded = createStoreGuard({ deadline: timeouts.redis, report, describe, isClosed: () => isClosed, probe })
  return {
    ...ending(createRedisRecords({ client, owned, guarded, prefix, testClock })),
    evaluate: (script, key, args) => guarded(() => runScript(client, script, [key, ...args])),
  }
}

/** Warns if Redis may evict sessions. Asks once connected. Does nothing if Redis refuses to say. */
function warnOfEviction(client: RedisClient, logger: Logger): void {
  const ask = async () => {
    const [node] = 'nodes' in client ? client.nodes('master') : [client]
    // Managed services disable `CONFIG GET`.
    const info = await node?.info('memory')
    const policy = /^maxmemory_policy:(\S+)/m.exec(info ?? '')?.[1] ?? 'noeviction'
    if (policy !== 'noeviction') logger.warn({ option: 'redis', policy }, EVICTS)
  }
  const askSafely = () => void ask().catch(() => undefined)
  if (client.status === 'ready') askSafely()
  else client.once('ready', askSafely)
}

const EVICTS =
  'Redis throws keys away when its memory is full (maxmemory-policy), which logs users out: set maxmemory-policy to ' +
  'noeviction on the server'
