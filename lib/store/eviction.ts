import type { Cluster } from 'ioredis'
import type { Logger } from '../events.js'
import type { RedisClient } from './redis-client.js'

/** Warns if Redis may evict sessions. Asks once connected. Does nothing if Redis refuses to say. */
export function warnOfEviction(client: RedisClient, logger: Logger): void {
  const ask = () => void readPolicy(client).then((policy) => warn(policy, logger), ignore)
  if (client.status === 'ready') ask()
  else client.once('ready', ask)
}

/** Managed services disable `CONFIG GET`. */
async function readPolicy(client: RedisClient): Promise<string | undefined> {
  const [node] = isCluster(client) ? client.nodes('master') : [client]
  const info = await node?.info('memory')
  return /^maxmemory_policy:(\S+)/m.exec(info ?? '')?.[1]
}

const isCluster = (client: RedisClient): client is Cluster => client.isCluster

function warn(policy: string | undefined, logger: Logger): void {
  if (policy === undefined || policy === 'noeviction') return
  logger.warn({ option: 'redis', policy }, EVICTS)
}

const EVICTS =
  'Redis throws keys away when its memory is full (maxmemory-policy), which logs users out: set maxmemory-policy to ' +
  'noeviction on the server'

const ignore = () => undefined
