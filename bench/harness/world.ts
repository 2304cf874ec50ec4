import { Redis } from 'ioredis'
import type { RedisServer } from '../../__tests__/support/redis-server.ts'
import { startRedis } from '../../__tests__/support/redis-server.ts'
import { type Child, pin, startChild } from './child.ts'

export const CONTENDER_CPU = '0'
export const OTHERS_CPU = '1'

const SESSION_SECRET = 'a session secret for the benchmark only'

export interface Tenants {
  issuer: string
  httpsDomain: string
  httpsBase: string
}

/** Shared by all contenders: Redis, Auth0, and the load generator. */
export interface World {
  server: RedisServer
  redis: Redis
  stub: Child
  load: Child
  tenants: Tenants
  /** Environment variables that give contenders the {@link Tenants} and the Redis URL. */
  env: Record<string, string>
  close(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const server = await startRedis()
  pin(server.pid, OTHERS_CPU)
  pin(process.pid, OTHERS_CPU)
  const redis = new Redis(server.url)
  const stub = await startChild({ file: 'processes/stub.ts', cpu: OTHERS_CPU })
  const load = await startChild({ file: 'processes/load.ts', cpu: OTHERS_CPU })
  const tenants = await stub.ask<Tenants>('tenants')
  const env = {
    BENCH_REDIS_URL: server.url,
    BENCH_SESSION_SECRET: SESSION_SECRET,
    BENCH_ISSUER: tenants.issuer,
    BENCH_HTTPS_DOMAIN: tenants.httpsDomain,
    BENCH_HTTPS_BASE: tenants.httpsBase,
  }
  const close = async () => {
    await Promise.all([stub.stop(), load.stop()])
    redis.disconnect()
    await server.stop()
  }
  return { server, redis, stub, load, tenants, env, close }
}
