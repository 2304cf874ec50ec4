import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type RedisServer, startRedis, type StartRedisOptions } from '../support/redis-server.ts'

const SLOTS = 16_384
const READY_WITHIN = 15_000

/** A Redis Cluster of masters on loopback ports. */
export interface RedisCluster {
  nodes: { host: string; port: number }[]
  servers: RedisServer[]
  /** One direct connection to each node. */
  direct: Redis[]
  stop(): Promise<void>
}

export async function startCluster(size = 3, options: Pick<StartRedisOptions, 'binary'> = {}): Promise<RedisCluster> {
  const servers: RedisServer[] = []
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  for (let number = 0; number < size; number++) servers.push(await startRedis({ ...options, args }))
  const direct = servers.map(({ url }) => new Redis(url))
  try {
    await Promise.all(direct.map((node, place) => assignSlots(node, place, size)))
    const [first] = direct
    for (const { port } of servers.slice(1)) await first!.call('CLUSTER', 'MEET', '127.0.0.1', port)
    await untilOk(direct)
  } catch (cause) {
    await stop(direct, servers)
    throw cause
  }
  return {
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    servers,
    direct,
    stop: () => stop(direct, servers),
  }
}

async function stop(direct: Redis[], servers: RedisServer[]): Promise<void> {
  for (const node of direct) node.disconnect()
  await Promise.all(servers.map((server) => server.stop()))
}

async function assignSlots(node: Redis, place: number, size: number): Promise<void> {
  const start = Math.floor((place * SLOTS) / size)
  const end = Math.floor(((place + 1) * SLOTS) / size)
  await node.call('CLUSTER', 'SET-CONFIG-EPOCH', place + 1)
  // Added one by one, because Redis 6.0 has no ADDSLOTSRANGE.
  await node.call('CLUSTER', 'ADDSLOTS', ...Array.from({ length: end - start }, (_, slot) => start + slot))
}

async function untilOk(direct: Redis[]): Promise<void> {
  const deadline = Date.now() + READY_WITHIN
  while (Date.now() < deadline) {
    const states = await Promise.all(direct.map((node) => node.call('CLUSTER', 'INFO')))
    const isOk = (info: unknown) =>
      String(info).includes('cluster_state:ok') && String(info).includes(`cluster_known_nodes:${direct.length}`)
    if (states.every(isOk)) return
    await wait(50)
  }
  throw new Error('the Redis Cluster did not get ready')
}
