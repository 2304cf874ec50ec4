import { once } from 'node:events'
import type { Records, SwapResult } from './records.js'
import type { OpenedRedis, RedisClient } from './redis-client.js'
import { runScript } from './redis-script.js'
import type { Guarded } from './store-health.js'

/** Sessions in Redis: one server, Sentinel or Cluster. */
export function createRedisRecords({ client, owned }: OpenedRedis, guarded: Guarded): Records {
  return {
    // The nodes of a Cluster know nothing of each other.
    ordered: !client.isCluster,
    read: (key) => guarded(() => client.get(key)).then((value) => (value === null ? undefined : { value })),
    readWithTtl: (key) => guarded(() => readWithTtl(client, key)),
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
    claim: async (key, value, ttl) => (await guarded(() => client.set(key, value, 'PX', ttl, 'NX'))) !== null,
    renew: async (key, value, ttl) =>
      (await guarded(() => runScript(client, RENEW, { keys: [key], args: [value, String(ttl)] }))) === 1,
    release: async (key, value) => {
      await guarded(() => runScript(client, RELEASE, { keys: [key], args: [value] }))
    },
    swap: async (key, head, value) =>
      (await guarded(() => runScript(client, SWAP, { keys: [key], args: [head, value] }))) as SwapResult,
    discard: async (key, head) =>
      (await guarded(() => runScript(client, DISCARD, { keys: [key], args: [head] }))) as SwapResult,
    enlist: async (key, entry, { value, ttl }) =>
      Number(await guarded(() => runScript(client, ENLIST, { keys: [key], args: [entry, value, String(ttl)] }))),
    listed: (key) => guarded(() => client.hgetall(key)),
    delist: async (key, entries) => {
      if (entries.length) await guarded(() => client.hdel(key, ...entries))
    },
    keys: (prefix) => guarded(() => scanAll(client, prefix)),
    ping: async (within = 0) => {
      if (!guarded.answeredWithin(within)) await guarded(() => client.ping())
    },
    close: () => (owned ? quit(client) : Promise.resolve()),
  }
}

const RENEW = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`

const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`

// A write whose answer was lost is sent again: finding our own value there means done.
const SWAP = `
local held = redis.call('GET', KEYS[1])
if not held then return 'gone' end
if held == ARGV[2] then return 'done' end
if string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return 'conflict' end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 'done'
`

const DISCARD = `
local held = redis.call('GET', KEYS[1])
if not held then return 'gone' end
if string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return 'conflict' end
redis.call('DEL', KEYS[1])
return 'done'
`

const ENLIST = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return redis.call('HLEN', KEYS[1])
`

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

/** Says goodbye while the server listens; else just goes. Resolves when the socket is closed. */
async function quit(client: RedisClient): Promise<void> {
  if (client.status !== 'ready') {
    client.disconnect()
    return
  }
  const ended = once(client, 'end').catch(() => undefined)
  await client.quit().catch(() => undefined)
  client.disconnect()
  await ended
}
