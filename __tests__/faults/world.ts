import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { freePort } from '../support/ports.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type App, startApp } from './app.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { logIn } from './requests.ts'

/** Milliseconds. */
export const DEADLINES = { redis: 300, auth0: 1000 }
export type Part = keyof typeof DEADLINES

/** Redis and Auth0, each behind a proxy, and an app that uses the proxies. */
export interface World {
  emulator: Auth0Emulator
  server: RedisServer
  redis: FaultProxy
  auth0: FaultProxy
  startApp(): Promise<App>
  close(): Promise<void>
}

export async function startWorld(timeouts = DEADLINES): Promise<World> {
  const ports = { redis: 0, auth0: 0 }
  const redis = await startFaultProxy({ target: () => ports.redis, delay: 1.5 * DEADLINES.redis })
  const auth0 = await startFaultProxy({ target: () => ports.auth0, delay: 1.5 * DEADLINES.auth0 })
  // Acknowledged writes must survive a crash of Redis, or a lost login would not be the package's fault.
  const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const domain = `http://127.0.0.1:${String(auth0.port)}`
  const { emulator, port } = await startEmulator(domain)
  Object.assign(ports, { redis: server.port, auth0: port })
  const limit = { limit: 10_000, windowMs: 60_000 }
  const options: RopgAuthOptions = {
    ...{ domain, clientId: emulator.clientId, clientSecret: emulator.clientSecret, timeouts },
    redis: `redis://127.0.0.1:${String(redis.port)}`,
    session: { secret: randomBytes(32).toString('hex') },
    rateLimit: { subnet: limit, attempts: limit, account: limit },
  }
  return {
    ...{ emulator, server, redis, auth0 },
    startApp: () => startApp(options),
    close: async () => {
      await redis.close()
      await auth0.close()
      await emulator.close()
      await server.stop()
    },
  }
}

/** Another test run may take a free port first. */
async function startEmulator(domain: string, tries = 5): Promise<{ emulator: Auth0Emulator; port: number }> {
  const port = await freePort()
  try {
    // After a lost Auth0 response, the old refresh token may be sent once more, as docs/tokens.md says.
    return { emulator: await startAuth0Emulator({ port, domain, leeway: 60 }), port }
  } catch (err) {
    if (tries === 0) throw err
    return startEmulator(domain, tries - 1)
  }
}

/** Cookies of logins before the fault. */
export interface Sessions {
  alive: string[]
  /** Cookies of sessions whose access tokens have expired. */
  expired: string[]
  leaving: string[]
}

export async function prepare({ emulator }: World, url: string, count: number): Promise<Sessions> {
  const several = async () => {
    const cookies: string[] = []
    for (let login = 1; login <= count; login++) cookies.push(await logIn(url))
    return cookies
  }
  const usual = emulator.tenant.accessTokenTtl
  emulator.tenant.accessTokenTtl = 1
  const expired = await several()
  emulator.tenant.accessTokenTtl = usual
  const expiredAt = performance.now() + 1000
  const sessions = { alive: await several(), expired, leaving: await several() }
  await wait(Math.max(0, expiredAt - performance.now()))
  return sessions
}
