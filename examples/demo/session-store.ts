import { findRedisServer } from '../../scripts/find-redis.js'
import { startRedis } from '../../__tests__/support/redis-server.ts'
import { startRedisSwitch, type RedisSwitch } from './redis-switch.ts'

export interface SessionStore {
  name: string
  /** Undefined to keep sessions in memory. */
  redis?: RedisSwitch
  stop(): Promise<void>
}

/** REDIS_URL, or a local Redis server, or memory. */
export async function openSessionStore(): Promise<SessionStore> {
  const given = process.env.REDIS_URL
  if (given) return behindSwitch('Redis of REDIS_URL', given, () => Promise.resolve())
  if (findRedisServer() === undefined) {
    return { name: 'in this process (no redis-server found)', stop: () => Promise.resolve() }
  }
  const server = await startRedis()
  return behindSwitch(`Redis, started on port ${server.port}`, server.url, () => server.stop())
}

async function behindSwitch(name: string, url: string, stopServer: () => Promise<void>): Promise<SessionStore> {
  const redis = await startRedisSwitch(url)
  const stop = async () => {
    await redis.stop()
    await stopServer()
  }
  return { name, redis, stop }
}
