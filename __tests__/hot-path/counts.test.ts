import crypto from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import { signIn } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const TIMES = 200

let server: RedisServer
let redis: Redis
const cleanups: (() => void)[] = []

// Of its own, because it counts the commands of all.
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

async function start(lazySessions: boolean, clock = Date.now): Promise<TestApp> {
  return startApp({
    // Always as long: the number of bytes follows from it.
    options: { redis: server.url, session: { prefix: 'test:' } },
    seams: { clock, ...({ lazySessions } as object) },
    before: (app, auth) => {
      app.get('/untouched', auth.requireAuth, (req, res) => void res.end(req.auth.sub))
      app.get('/reads', auth.requireAuth, (req, res) => {
        const sub = req.session.ropg?.sub
        res.end(sub)
      })
      app.get('/cookie', auth.requireAuth, (req, res) => {
        const { cookie, ropg } = req.session
        res.end(cookie.httpOnly ? ropg?.sub : '')
      })
    },
  })
}

/** Command -> how often since the last reset. */
async function commands(): Promise<Record<string, number>> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  const counts = [...lines].map(([, name, calls]): [string, number] => [name!, Number(calls)])
  return Object.fromEntries(counts.filter(([name]) => !/^(?:info|config)/.test(name)))
}

async function bytes(): Promise<{ sent: number; received: number }> {
  const stats = await redis.info('stats')
  const read = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(stats)![1])
  return { sent: read('total_net_input_bytes'), received: read('total_net_output_bytes') }
}

/** Without fetch, which parses and hashes itself. */
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

/** What one authenticated GET costs once the session is known. */
async function costOf(path: string, lazySessions: boolean) {
  const test = await start(lazySessions)
  const get = await listen(test)
  const cookie = await signIn(test.app, test.auth, { sub: 'auth0|0123456789', email: ada.email, name: ada.name })
  for (let warm = 0; warm < 3; warm++) expect(await get(path, cookie)).toBe('auth0|0123456789')
  await redis.config('RESETSTAT')
  const spies = {
    parse: jest.spyOn(JSON, 'parse'),
    stringify: jest.spyOn(JSON, 'stringify'),
    hash: jest.spyOn(crypto, 'createHash'),
    hmac: jest.spyOn(crypto, 'createHmac'),
  }
  const first = await bytes()
  // What asking itself costs.
  const before = await bytes()
  for (let time = 0; time < TIMES; time++) await get(path, cookie)
  const after = await bytes()
  const calls = Object.entries(spies).map(([name, spy]) => [name, spy.mock.calls.length / TIMES])
  const each = (now: number, then: number, own: number) => Math.round((now - then - own) / TIMES)
  return {
    redis: (await commands()).get! / TIMES,
    otherCommands: Object.keys(await commands()).filter((name) => name !== 'get'),
    bytesSent: each(after.sent, before.sent, before.sent - first.sent),
    bytesReceived: each(after.received, before.received, before.received - first.received),
    ...(Object.fromEntries(calls) as Record<keyof typeof spies, number>),
  }
}

/** The claims of the user are parsed once with the session, and each command says its key once. */
const READ = { redis: 1, otherCommands: [], bytesSent: 72, bytesReceived: 394, parse: 1 }
/** Of express-session: it verifies the cookie (1 HMAC, 2 hashes), and hashes the JSON of the session twice. */
const EXPRESS_SESSION = { stringify: 2, hash: 4, hmac: 1 }

describe('an authenticated GET', () => {
  it('reads and parses the session once, and neither writes JSON nor hashes while req.session is not touched', async () => {
    expect(await costOf('/untouched', true)).toEqual({ ...READ, stringify: 0, hash: 0, hmac: 0 })
  })

  it('compares the JSON of a session that is read, and hashes nothing', async () => {
    expect(await costOf('/reads', true)).toEqual({ ...READ, stringify: 2, hash: 0, hmac: 0 })
  })

  it('pays what express-session costs, and no second read, when that must run', async () => {
    // What was read is written and parsed once more, as the handler may have changed what is nested in it.
    expect(await costOf('/cookie', true)).toEqual({ ...READ, ...EXPRESS_SESSION, stringify: 3, parse: 2 })
  })

  it.each(['/untouched', '/reads'])('pays the same without the short cut (%s)', async (path) => {
    expect(await costOf(path, false)).toEqual({ ...READ, ...EXPRESS_SESSION })
  })
})

describe.each([
  ['with', true],
  ['without', false],
])('a login %s the short cut', (_name, lazySessions) => {
  it('asks Auth0 once, and writes the session once, its tokens once and the list of the user once', async () => {
    let now = Date.now()
    const test = await start(lazySessions, () => now)
    await test.login().expect(200)
    await redis.config('RESETSTAT')
    const asked = test.emulator.requests.length
    const spy = jest.spyOn(Redis.prototype, 'sendCommand')

    await test.login().expect(200)

    const sent = spy.mock.calls.map(([{ name, args }]) => [name, /:([stu]):/.exec(args.map(String).join(' '))?.[1]])
    spy.mockRestore()
    expect(sent).toEqual([
      ['set', 's'],
      ['set', 't'],
      ['evalsha', 'u'],
    ])
    expect(await commands()).toEqual(AT_REDIS)
    expect(test.emulator.requests.length - asked).toBe(1)

    // Whether the store is there is asked only after a silence.
    now += 100
    await test.login().expect(200)
    expect((await commands()).ping).toBe(1)
  })
})

/** The script of the list runs the last four. */
const AT_REDIS = { set: 2, evalsha: 1, hset: 1, hlen: 1, pttl: 1, pexpire: 1 }
