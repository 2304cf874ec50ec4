import type { Report } from '../events.js'
import type { Config } from '../options/options.js'
import { warnOfEviction } from './eviction.js'
import { MemoryRecords } from './memory-records.js'
import type { Records } from './records.js'
import { openRedis } from './redis-client.js'
import { createRedisRecords } from './redis-records.js'
import { runScript } from './redis-script.js'
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
  const { redis, timeouts, testClock } = config
  let isClosed = false
  const close = (records: Records) => () => {
    isClosed = true
    return records.close()
  }
  const closed = () => (isClosed ? closedError() : undefined)
  if (redis === undefined) {
    const records = new MemoryRecords(testClock)
    return { records, evaluate: undefined, closed, close: close(records) }
  }
  const opened = openRedis(redis, config)
  const { client, describe } = opened
  if (config.logger) warnOfEviction(client, config.logger)
  // One node of a Cluster may be down while others answer.
  const probe = client.isCluster ? undefined : () => client.ping()
  const guarded = createStoreGuard({ deadline: timeouts.redis, report, describe, isClosed: () => isClosed, probe })
  const records = createRedisRecords({ ...opened, guarded, prefix, testClock })
  const evaluate: Store['evaluate'] = (script, key, args) => guarded(() => runScript(client, script, { key, args }))
  return { records, evaluate, closed, close: close(records) }
}
