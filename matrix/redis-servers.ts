import { delimiter } from 'node:path'
import { Redis } from 'ioredis'
import { startRedis } from '../__tests__/support/redis-server.ts'
import { startCluster } from '../__tests__/topologies/redis-cluster.ts'
import { startSentinelSet } from '../__tests__/topologies/redis-sentinel.ts'
import { findRedisServers } from '../scripts/find-redis.js'

export interface RedisUnderTest {
  /** `Redis 7.0.15` */
  server: string
  topology: 'single' | 'Sentinel' | 'Cluster'
  /** ioredis options, or the nodes of a Cluster. */
  redis: object
  stop(): Promise<void>
}

/** The servers on the PATH and those that MATRIX_SERVERS lists, in every topology. */
export async function redisServers(): Promise<(() => Promise<RedisUnderTest>)[]> {
  const binaries = [...findRedisServers(), ...(process.env.MATRIX_SERVERS ?? '').split(delimiter).filter(Boolean)]
  const servers = await Promise.all(binaries.map(async (binary) => ({ binary, server: await versionOf(binary) })))
  return servers.flatMap(({ binary, server }) =>
    [startSingle, startSentinel, startClusterOf].map((start) => async () => ({ server, ...(await start(binary)) })),
  )
}

type Started = Omit<RedisUnderTest, 'server'>

async function startSingle(binary: string): Promise<Started> {
  const running = await startRedis({ binary })
  return { topology: 'single', redis: { host: '127.0.0.1', port: running.port }, stop: () => running.stop() }
}

async function startSentinel(binary: string): Promise<Started> {
  const { sentinels, name, stop } = await startSentinelSet(binary)
  return { topology: 'Sentinel', redis: { sentinels, name }, stop }
}

async function startClusterOf(binary: string): Promise<Started> {
  const cluster = await startCluster(3, { binary })
  return { topology: 'Cluster', redis: { nodes: cluster.nodes }, stop: () => cluster.stop() }
}

async function versionOf(binary: string): Promise<string> {
  const server = await startRedis({ binary })
  const client = new Redis(server.url)
  try {
    const info = await client.info('server')
    const valkey = /valkey_version:(\S+)/.exec(info)?.[1]
    return valkey === undefined ? `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? '?'}` : `Valkey ${valkey}`
  } finally {
    client.disconnect()
    await server.stop()
  }
}
