import type { Records } from './records.js'
import type { OpenedRedis, RedisClient } from './redis-client.js'
import type { Guarded } from './store-health.js'

/** Sessions in Redis: one server, Sentinel or Cluster. */
export function createRedisRecords({ client, owned }: OpenedRedis, guarded: Guarded): Records {
  return {
    read: (key) => guarded(() => readWithTtl(client, key)),
    write: async (key, value, ttl) => {
      await guarded(() => client.set(key, value, 'PX', ttl))
    },
    replace: async (key, value, ttl) => (await guarded(() => client.set(key, value, 'PX', ttl, 'XX'))) !== null,
    extend: async (key, ttl) => {
      await guarded(() => client.pexpire(key, ttl))
    },
    remove: async (key) => {
      await guarded(() => client.del(key))
    },
    take: async (key) => (await guarded(() => client.getdel(key))) ?? undefined,
    keys: (prefix) => guarded(() => scanAll(client, prefix)),
    ping: async () => {
      await guarded(() => client.ping())
    },
    close: () => (owned ? quit(client) : Promise.resolve()),
  }
}

async function readWithTtl(client: RedisClient, key: string) {
  const replies = await client.pipeline().get(key).pttl(key).exec()
  const [[failure, value] = [], [, ttl] = []] = replies ?? []
  if (failure) throw failure
  return typeof value === 'string' ? { value, ttl: Number(ttl) } : undefined
}

async function scanAll(client: RedisClient, prefix: string): Promise<string[]> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client]
  const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`
  const found = await Promise.all(nodes.map((node) => scanNode(node, pattern)))
  return [...new Set(found.flat())]
}

async function scanNode(node: Pick<RedisClient, 'scan'>, pattern: string): Promise<string[]> {
  const keys: string[] = []
  let cursor = '0'
  do {
    const [next, found] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', 500)
    keys.push(...found)
    cursor = next
  } while (cursor !== '0')
  return keys
}

/** Says goodbye while the server listens; else just goes. */
async function quit(client: RedisClient): Promise<void> {
  try {
    if (client.status === 'ready') await client.quit()
  } catch {
    // A server that is gone needs no goodbye.
  } finally {
    client.disconnect()
  }
}
