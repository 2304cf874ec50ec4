import crypto from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import { signIn } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const TIMES = 100
const SUB = 'auth0|0123456789'

let server: RedisServer
let redis: Redis
const cleanups: (() => void)[] = []

// A separate server, because the test counts all commands.
beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
})
afterEach(() => {
  jest.restoreAllMocks()
  for (const clean of cleanups.splice(0)) clean()
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

const users = ['first', 'second', 'third', 'fourth'].map((name) => ({
  email: `${name}@example.com`,
  password: `password of ${name}`,
}))

function start(limits = false): Promise<TestApp> {
  return startApp({
    emulator: { users: [ada, ...users] },
    options: {
      redis: server.url,
      session: { prefix: 'test:' },
      ...(limits && { rateLimit: { subnet: { limit: 1000, windowMs: 60_000 } } }),
    },
    before: (app, auth) => {
      app.get('/guard', auth.requireAuth, (req, res) => void res.end(req.auth.sub))
      app.get('/guards', auth.optionalAuth, auth.requireAuth, auth.requireAuth, (req, res) => {
        res.end(req.auth.sub)
      })
      app.get('/session', auth.session, auth.requireAuth, (req, res) => {
        const { ropg } = req.session
        res.end(ropg === req.auth.sessionId ? req.auth.sub : '')
      })
      app.get('/token', auth.requireAuth, async (req, res) => {
        const { accessToken } = await req.auth.getAccessToken()
        res.end(accessToken === 'test-access-token' ? req.auth.sub : '')
      })
    },
  })
}

/** Command -> calls since the last reset. */
async function commands(): Promise<Record<string, number>> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  const counts = [...lines].map(([, name, calls]): [string, number] => [name!, Number(calls)])
  return Object.fromEntries(counts.filter(([name]) => !/^(?:info|config)/.test(name)))
}

/** Number of reads by the server. Data that arrives together counts once. */
async function reads(): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
}

/** Redis round trips of an action, without the one for the final query. */
async function roundTrips(act: () => Promise<unknown>): Promise<number> {
  const before = await reads()
  await act()
  return (await reads()) - before - 1
}

/** The minimum of several runs, because data that the network splits is read twice. */
async function fewestRoundTrips(act: () => Promise<unknown>): Promise<number> {
  const trips: number[] = []
  for (let time = 0; time < 3; time++) trips.push(await roundTrips(act))
  return Math.min(...trips)
}

/** Without fetch, which parses and hashes as well. */
async function listen({ app }: TestApp): Promise<(path: string, cookie: string) => Promise<string>> {
  const listener = app.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const agent = new Agent({ keepAlive: true })
  cleanups.push(() => {
    agent.destroy()
    listener.closeAllConnections()
    listener.close()
  })
  const { port } = listener.address() as AddressInfo
  return (path, cookie) =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers: { cookie }, agent }, (res) => {
        let body = ''
        res.on('data', (chunk: Buffer) => (body += chunk.toString()))
        res.on('end', () => {
          resolve(body)
        })
      })
        .on('error', reject)
        .end()
    })
}

/** Cost of one authenticated GET of a known session. */
async function costOf(path: string) {
  const test = await start()
  const get = await listen(test)
  const cookie = await signIn(test.app, test.auth, { sub: SUB, email: ada.email, name: ada.name })
  for (let warm = 0; warm < 3; warm++) expect(await get(path, cookie)).toBe(SUB)
  const spies = {
    parse: jest.spyOn(JSON, 'parse'),
    stringify: jest.spyOn(JSON, 'stringify'),
    decipher: jest.spyOn(crypto, 'createDecipheriv'),
    cipher: jest.spyOn(crypto, 'createCipheriv'),
    hash: jest.spyOn(crypto, 'createHash'),
    hmac: jest.spyOn(crypto, 'createHmac'),
    random: jest.spyOn(crypto, 'randomUUID'),
  }
  await redis.config('RESETSTAT')
  const trips = await roundTrips(async () => {
    for (let time = 0; time < TIMES; time++) await get(path, cookie)
  })
  const each = (count: number) => count / TIMES
  const calls = Object.entries(spies).map(([name, spy]) => [name, each(spy.mock.calls.length)])
  const asked = Object.entries(await commands()).map(([name, count]) => [name, each(count)])
  return {
    // Data that the network splits is read twice.
    roundTrips: Math.round(each(trips)),
    commands: Object.fromEntries(asked) as Record<string, number>,
    ...(Object.fromEntries(calls) as Record<keyof typeof spies, number>),
  }
}

/** The login is decrypted and parsed. The cookie signature is one HMAC. */
const GUARD = {
  ...{ roundTrips: 1, commands: { hmget: 1 } },
  // The cookie was verified at its first use.
  ...{ decipher: 1, parse: 1, hmac: 0, stringify: 0, hash: 0, cipher: 0, random: 0 },
}

describe('an authenticated GET', () => {
  it('costs one round trip with one HMGET and one decryption behind requireAuth', async () => {
    expect(await costOf('/guard')).toEqual(GUARD)
  })

  it('costs the same behind several guards', async () => {
    expect(await costOf('/guards')).toEqual(GUARD)
  })

  it('costs one round trip with auth.session mounted, plus the overhead of express-session', async () => {
    // express-session hashes both signatures to compare them, and the session JSON at the start and the end.
    expect(await costOf('/session')).toEqual({ ...GUARD, hmac: 1, parse: 2, stringify: 2, hash: 4 })
  })

  it('costs one round trip with an access token', async () => {
    const { roundTrips, commands, ...cost } = await costOf('/token')
    expect([roundTrips, commands]).toEqual([1, { hmget: 1 }])
    expect(cost).toEqual({ decipher: 2, parse: 2, hmac: 0, stringify: 0, hash: 0, cipher: 0, random: 0 })
  })
})

describe('a login', () => {
  it('costs three round trips and one Auth0 request with limits on', async () => {
    const test = await start(true)
    // By the second login, every script is loaded.
    await test.login().expect(200)
    await test.login().expect(200)
    const asked = test.emulator.requests.length
    await redis.config('RESETSTAT')
    await test.login().expect(200)
    expect(test.emulator.requests.length - asked).toBe(1)
    // Three limits, two refunded points, the time, the session, and the list. The client is known.
    const { evalsha = 0, eval: whole = 0 } = await commands()
    expect(evalsha + whole).toBe(8)

    expect(await fewestRoundTrips(() => test.login().expect(200))).toBeLessThanOrEqual(3)
  })

  it('costs the same for an unknown client', async () => {
    const test = await start(true)
    await test.login().expect(200)
    await test.login().expect(200)
    const trips: number[] = []

    for (const user of users) trips.push(await roundTrips(() => test.login(user).expect(200)))

    expect(Math.min(...trips)).toBeLessThanOrEqual(3)
  })

  it("writes the session and the user's list in one command each, sent together", async () => {
    const test = await start()
    await test.login().expect(200)
    const spy = jest.spyOn(Redis.prototype, 'sendCommand')

    await test.login().expect(200)

    const sent = spy.mock.calls.map(([{ name, args }]) => [
      name,
      /:([su]):|:(clock)/.exec(args.map(String).join(' '))?.[0],
    ])
    spy.mockRestore()
    expect(sent).toEqual([
      ['evalsha', ':clock'],
      ['eval', ':s:'],
      ['evalsha', ':u:'],
    ])
    expect(await fewestRoundTrips(() => test.login().expect(200))).toBe(2)
  })
})
