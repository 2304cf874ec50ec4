import { RedisStore } from 'connect-redis'
import { RedisStore as RedisStore9 } from 'connect-redis9'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { settings } from './settings.js'

/** With typical production timeouts. */
export function openIoredis(options = {}) {
  return new Redis(settings.redisUrl, {
    commandTimeout: 1000,
    connectTimeout: 1000,
    maxRetriesPerRequest: 1,
    ...options,
  })
}

export async function openNodeRedis() {
  const client = createClient({ url: settings.redisUrl, socket: { connectTimeout: 1000 } })
  return client.connect()
}

/** connect-redis stores: 8.1 for ioredis, 9 for node-redis. */
export async function openStore(variant, prefix) {
  if (variant.includes('node-redis')) return new RedisStore9({ client: await openNodeRedis(), prefix })
  return new RedisStore({ client: openIoredis({ enableAutoPipelining: variant.includes('auto-pipelining') }), prefix })
}
