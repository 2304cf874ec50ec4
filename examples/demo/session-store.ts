import { startOwnRedis } from './own-redis.ts'
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
  const own = await startOwnRedis()
  if (!own) return { name: 'in this process (no redis-server found)', stop: () => Promise.resolve() }
  return behindSwitch(`Redis, started on port ${own.port}`, `redis://127.0.0.1:${own.port}`, () => own.stop())
}

async function behindSwitch(name: string, url: string, stopServer: () => Promise<void>): Promise<SessionStore> {
  const redis = await startRedisSwitch(url)
  const stop = async () => {
    await redis.stop()
    await stopServer()
  }
  return { name, redis, stop }
}
