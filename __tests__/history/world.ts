import { jest } from '@jest/globals'
import express from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { createRopgAuth, type RopgAuth, type RopgAuthOptions } from '../../lib/index.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'
import type { Records } from '../../lib/store/records.ts'
import { createRedisRecords } from '../../lib/store/redis-records.ts'
import { resolveOptions } from '../../lib/options/resolve-options.ts'
import { tenantTag } from '../../lib/options/tenant-tag.ts'
import { createSeal } from '../../lib/session/seal.ts'
import { SessionVault, type VersionedTokens } from '../../lib/session/session-vault.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { secret } from '../support/app.ts'
import { startRedis } from '../support/redis-server.ts'
import { uniquePrefix } from '../support/redis.ts'
import { createHttpClient, type HttpClient } from './http-client.ts'
import { createNetwork, type Network } from './network.ts'

export const TOKEN_LIFE = 3_600
export const LEEWAY = 60
/** Idle and absolute timeout in seconds. The app's clock alone decides when a session is over. */
export const LIFETIME = { ordinary: 86_400, remembered: 3 * 86_400 }
export const AUDIENCE = 'https://api.example.com'
export const users = ['ada', 'bob', 'eve'].map((name) => ({
  ...{ email: `${name}@example.com`, password: `the password of ${name}`, name, sub: `auth0|${name}` },
}))

export interface Instance {
  auth: RopgAuth
  port: number
  stop(): Promise<void>
}

/** Several instances on one store, Auth0, the network between them, and access to the store. */
export interface World {
  instances: Instance[]
  emulator: Auth0Emulator
  network: Network
  http: HttpClient
  /** Gates that hold the app's handlers. */
  gates: Map<string, Promise<unknown>>
  now(): number
  advance(seconds: number): void
  /** Redis only. */
  redis: Redis | undefined
  keyOf(id: string): string
  hasRecord(id: string): Promise<boolean>
  tokensOf(id: string): Promise<VersionedTokens | undefined>
  /** Replaces an instance with a new one. */
  restart(place: number): Promise<void>
  stop(): Promise<void>
}

export async function startWorld(store: 'redis' | 'memory', count: number): Promise<World> {
  const emulator = await startAuth0Emulator({ users, accessTokenTtl: TOKEN_LIFE, leeway: LEEWAY })
  const server = store === 'redis' ? await startRedis() : undefined
  const redis = server && new Redis(server.url)
  const [network, http, gates, keyPrefix] = [createNetwork(), createHttpClient(), new Map(), uniquePrefix('history')]
  let ahead = 0
  const now = () => Date.now() + ahead
  const options = optionsFor(emulator, { keyPrefix, redisUrl: server?.url })
  // Half of the instances mount `auth.session` first.
  const start = (place: number) => startInstance({ options, network, gates, now, isMounted: place % 2 === 0 })
  const instances = await Promise.all(Array.from({ length: count }, (_, place) => start(place)))
  const prefix = `${keyPrefix}${tenantTag(resolveOptions({ ...options, logger: false }))}:`
  const records = redis ? recordsIn(redis, { prefix, now }) : await recordsOf(instances[0]!)
  const keyOf = (id: string) => `${prefix}s:${id}`
  const seal = createSeal([secret])
  const vault = new SessionVault({ records, seal, prefix })
  return {
    ...{ instances, emulator, network, http, gates, now, redis, keyOf },
    // All remaining keys, including unreadable ones.
    hasRecord: async (id) =>
      redis ? (await redis.exists(keyOf(id))) === 1 : (await records.read(keyOf(id), ['l'])) !== undefined,
    tokensOf: async (id) => {
      const tokens = await vault.tokens(id)
      if (tokens === 'sealed') throw new Error(`the tokens of ${id} do not open`)
      return tokens
    },
    advance: (seconds) => {
      ahead += seconds * 1000
      emulator.clock.advance(seconds)
    },
    restart: async (place) => {
      await instances[place]!.stop()
      instances[place] = await start(place)
    },
    stop: async () => {
      http.close()
      await Promise.all(instances.map((instance) => instance.stop()))
      redis?.disconnect()
      await server?.stop()
      await emulator.close()
    },
  }
}

function optionsFor(emulator: Auth0Emulator, store: { keyPrefix: string; redisUrl: string | undefined }) {
  const { keyPrefix, redisUrl } = store
  return {
    ...{ domain: emulator.domain, clientId: emulator.clientId, clientSecret: emulator.clientSecret },
    ...{ audience: AUDIENCE, rateLimit: false, logger: false },
    ...(redisUrl !== undefined && { redis: redisUrl }),
    session: {
      ...{ secret, prefix: keyPrefix, absoluteTimeout: LIFETIME.ordinary, idleTimeout: LIFETIME.ordinary },
      remembered: { absoluteTimeout: LIFETIME.remembered, idleTimeout: LIFETIME.remembered },
    },
  } satisfies RopgAuthOptions
}

interface InstanceParts {
  options: RopgAuthOptions
  network: Network
  gates: Map<string, Promise<unknown>>
  now: () => number
  isMounted: boolean
}

async function startInstance({ options, network, gates, now, isMounted }: InstanceParts): Promise<Instance> {
  const auth = createRopgAuth(options, { testClock: now, fetch: network.fetch })
  const server = createServer(createApp(auth, { gates, isMounted })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // An idle connection closed by the server right when it is reused would look like an error of the package.
  server.keepAliveTimeout = 0
  return { auth, port: (server.address() as AddressInfo).port, stop: () => stopInstance(auth, server) }
}

function createApp(auth: RopgAuth, { gates, isMounted }: Pick<InstanceParts, 'gates' | 'isMounted'>): express.Express {
  const app = express()
  if (isMounted) app.use(auth.session)
  const noteOf = (req: object) => (req as { session: { note?: string } }).session.note
  app.disable('x-powered-by')
  app.use('/auth', auth.router)
  app.get('/me', auth.requireAuth, auth.session, (req, res) => {
    res.json({ sub: req.auth.sub, sessionId: req.auth.sessionId, note: noteOf(req) })
  })
  app.get('/token', auth.requireAuth, (req, res) => {
    req.auth.getAccessToken().then(
      (token) => res.json(token),
      (err: unknown) => {
        const { status, code } = err as { status?: number; code?: string }
        res.status(status ?? 500).json({ error: code ?? String(err) })
      },
    )
  })
  app.post('/write/:note', auth.session, auth.requireAuth, (req, res) => {
    const note = req.params.note
    const write = () => {
      Object.assign(req.session, { note })
      res.json({})
    }
    const gate = gates.get(note)
    if (gate) void gate.then(write)
    else write()
  })
  return app
}

async function stopInstance(auth: RopgAuth, server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await auth.close()
}

function recordsIn(redis: Redis, { prefix, now }: { prefix: string; now: () => number }): Records {
  return createRedisRecords({ client: redis, owned: false, guarded: (call) => call(), prefix, testClock: now })
}

/** Each instance has its own in-process store. */
async function recordsOf({ auth }: Instance): Promise<Records> {
  const spy = jest.spyOn(MemoryRecords.prototype, 'now')
  await auth.ready()
  const [found] = spy.mock.contexts
  spy.mockRestore()
  return found as Records
}
