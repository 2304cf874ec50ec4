import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { ApiError, type RopgAuthOptions } from '../../lib/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { startRedis } from '../support/redis-server.ts'
import { uniquePrefix } from '../support/redis.ts'
import { keysUnder, listen, openRedis, refusal } from './wire.ts'

const right = { email: ada.email, password: ada.password }
const wrong = { ...right, password: 'wrong' }
const off = { subnet: false, attempts: false, account: false } as const
const grants = (app: TestApp) => app.emulator.requestsTo('/oauth/token').length

function start(rateLimit: RopgAuthOptions['rateLimit'], settings: TestAppOptions = {}, proxies = 1) {
  const { options, ...rest } = settings
  return startApp({
    before: (app) => void app.set('trust proxy', proxies),
    ...rest,
    options: { rateLimit, ...options },
  })
}

async function statusesOf(times: number, send: (time: number) => PromiseLike<{ status: number }>): Promise<number[]> {
  const statuses = []
  for (let time = 1; time <= times; time++) statuses.push((await send(time)).status)
  return statuses
}

describe('clients behind proxies', () => {
  const limit = { ...off, subnet: { limit: 2, windowMs: 60_000 } }

  it.each([
    ['one', 1, (forged: string, client: string) => `${forged}, ${client}`],
    ['two', 2, (forged: string, client: string) => `${forged}, ${client}, 10.0.0.2`],
  ])('%s trusted: are counted separately, and cannot spoof their address', async (_title, proxies, chain) => {
    const app = await start(limit, {}, proxies)
    const from = (forged: string, client: string) => app.login(wrong).set('X-Forwarded-For', chain(forged, client))
    expect(await statusesOf(3, (time) => from(`198.51.100.${String(time)}`, '203.0.113.7'))).toEqual([401, 401, 429])
    await from('203.0.113.7', '203.0.113.8').expect(401)
    const told = app.emulator.requestsTo('/oauth/token').map(({ headers }) => headers['auth0-forwarded-for'])
    expect(told).toEqual(['203.0.113.7', '203.0.113.7', '203.0.113.8'])
  })

  it.each(['64:ff9b::cb00:7107', '64:ff9b:0:0:0:0:cb00:7107', '0064:FF9B::203.0.113.7', '::FFFF:203.0.113.7'])(
    'share the count of 203.0.113.7 as %s, and Auth0 receives that address',
    async (address) => {
      const app = await start({ ...off, subnet: { limit: 1, windowMs: 60_000 } })
      await app.login(wrong).set('X-Forwarded-For', address).expect(401)
      await app.login(wrong).set('X-Forwarded-For', '203.0.113.7').expect(429)
      const [grant] = app.emulator.requestsTo('/oauth/token')
      expect(grant?.headers['auth0-forwarded-for']).toBe('203.0.113.7')
    },
  )
})

describe('rateLimit.subnet', () => {
  it('counts pending attempts, so that many at once cannot exceed it', async () => {
    const app = await start({ ...off, subnet: { limit: 5, windowMs: 60_000 } })
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.login(wrong)))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15)
    expect(grants(app)).toBe(5)
  })

  it.each<[string, (app: TestApp) => void, number]>([
    ['Auth0 answers 503', ({ emulator }) => emulator.failNext({ status: 503 }), 503],
    ['Auth0 resets the connection', ({ emulator }) => emulator.failNext({ reset: true }), 503],
  ])('does not count a login for which %s', async (_title, spoil, status) => {
    const app = await start({ ...off, subnet: { limit: 1, windowMs: 60_000 } })
    for (let time = 1; time <= 3; time++) {
      spoil(app)
      await app.login(right).expect(status)
    }
    await app.login(right).expect(200)
  })
})

describe('rateLimit.attempts', () => {
  const limit = { ...off, attempts: { limit: 3, windowMs: 60_000 } }

  it('counts logins that succeed, too', async () => {
    const app = await start(limit)
    expect(await statusesOf(4, () => app.login(right))).toEqual([200, 200, 200, 429])
  })

  it('counts per process while Redis is down, and is shared again afterwards', async () => {
    const redis = await startRedis()
    let recover: () => void = () => undefined
    const recovered = new Promise<void>((resolve) => (recover = resolve))
    const onEvent: RopgAuthOptions['onEvent'] = ({ name }) => {
      if (name === 'store.recovered') recover()
    }
    const app = await start(limit, { options: { redis: redis.url, timeouts: { redis: 200 }, onEvent } })
    await app.login(right).expect(200)
    await redis.kill()
    expect(await statusesOf(5, () => app.login(right))).toEqual([503, 503, 503, 429, 429])
    expect(grants(app)).toBe(1)
    await redis.restart()
    await recovered
    await app.login(right).expect(200)
    await redis.stop()
  })
})

describe('rateLimit.account', () => {
  it('responds the same for unknown and known accounts, including headers', async () => {
    const answerTo = async (email: string) => {
      const app = await start({ ...off, account: { limit: 1, windowMs: 60_000 } })
      await app.login({ email, password: 'wrong' }).expect(401)
      const { status, body, headers } = await app.login({ email, password: 'wrong' })
      return { status, body, names: Object.keys(headers).sort(), limit: headers.ratelimit }
    }
    const known = await answerTo(ada.email)
    expect([known.status, known.body, known.limit]).toEqual([429, refusal('rate_limited'), undefined])
    expect(await answerTo('nobody@example.com')).toEqual(known)
  })

  it('has a separate counter for a known client in another process, too', async () => {
    const session = { prefix: uniquePrefix() }
    const limit = { ...off, account: { limit: 2, windowMs: 60_000 } }
    const first = await start(limit, { options: { session } })
    const second = await start(limit, { options: { session }, emulator: first.emulator })
    const from = (app: TestApp, address: string, body: object) => app.login(body).set('X-Forwarded-For', address)
    await from(first, '198.51.100.1', right).expect(200)
    expect(await statusesOf(3, (time) => from(first, `203.0.113.${String(time)}`, wrong))).toEqual([401, 401, 429])
    await from(second, '203.0.113.9', right).expect(429)
    await from(second, '198.51.100.1', right).expect(200)
    expect(await statusesOf(3, () => from(second, '198.51.100.1', wrong))).toEqual([401, 401, 429])
  })
})

describe('counters in Redis', () => {
  it('expire, even if a login gives a point back after its window has ended', async () => {
    const app = await start({})
    const held = app.emulator.hold({ grantType: 'password' })
    const login = app.login(right).then((answer) => answer)
    await held.arrived
    const redis = openRedis()
    await redis.del(...(await keysUnder(app.prefix)).filter((key) => key.includes(':rl:')))
    held.release()
    expect((await login).status).toBe(200)
    await app.login(wrong).expect(401)
    const keys = (await keysUnder(app.prefix)).filter((key) => key.includes(':rl:'))
    expect(await Promise.all(keys.map((key) => redis.pttl(key)))).not.toContain(-1)
    const counts = keys.filter((key) => !key.includes(':rl:known:')).map((key) => redis.get(key))
    expect((await Promise.all(counts)).map(Number).filter((count) => count < 0)).toEqual([])
  })
})

describe('a client that disconnects while its login is being counted', () => {
  it('gets no grant', async () => {
    const redis = await startRedis()
    let arrive: (socket: Socket) => void = () => undefined
    const arrived = new Promise<Socket>((resolve) => (arrive = resolve))
    const app = await start(
      {},
      {
        options: { redis: redis.url, timeouts: { redis: 30_000 } },
        before: (app) => {
          app.use('/auth/login', express.json(), (req, _res, next) => {
            next()
            arrive(req.socket)
          })
        },
      },
    )
    await app.auth.ready()
    const { port } = await listen(app.app)
    redis.pause()
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    const body = JSON.stringify(right)
    socket.write(
      `POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`,
    )
    const closed = once(await arrived, 'close').catch(() => undefined)
    socket.resetAndDestroy()
    await closed
    redis.resume()
    await request(app.app).get('/me').set('Cookie', 'auth=x').expect(401)
    await app.login(right).expect(200)
    expect(app.events.map(({ name, code }) => [name, code])).toEqual([
      ['login.failed', 'invalid_request'],
      ['login.succeeded', undefined],
    ])
    expect(grants(app)).toBe(1)
    await app.auth.close()
    await redis.stop()
  })
})

describe('a tenant that hangs', () => {
  it('gets at most 64 password grants from a process, and further logins answer 503 at once', async () => {
    const tenant = hanging(64)
    const app = await start(off, { seams: { fetch: tenant.fetch } })
    const { url } = await listen(app.app)
    const send = () => request(url).post('/auth/login').send(right)
    const stuck = Array.from({ length: 64 }, () => send().then(({ status }) => status))
    await tenant.allAsked

    const { status, body, headers } = await send()
    expect([status, body]).toEqual([503, refusal('auth_unavailable')])
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    expect(app.events.at(-1)).toMatchObject({ name: 'login.failed', detail: expect.stringContaining('64') })
    const direct = app.auth.client.getTokenByPassword({ username: ada.email, password: ada.password })
    await expect(direct).rejects.toBeInstanceOf(ApiError)
    expect(tenant.asked()).toBe(64)

    tenant.goOn()
    expect(new Set(await Promise.all(stuck))).toEqual(new Set([200]))
    await send().expect(200)
  })

  it('frees the slot of a failed grant', async () => {
    const app = await start(off)
    const { url } = await listen(app.app)
    for (let round = 1; round <= 2; round++) {
      app.emulator.failNext({ status: 503, times: 64 })
      const answers = await Promise.all(Array.from({ length: 64 }, () => request(url).post('/auth/login').send(right)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
    }
    await app.login(right).expect(200)
  })
})

/** A fetch that holds any number of grants. The package's own allows fewer connections. */
function hanging(wanted: number) {
  let asked = 0
  let [allHaveAsked, goOn]: (() => void)[] = []
  const allAsked = new Promise<void>((resolve) => (allHaveAsked = resolve))
  const released = new Promise<void>((resolve) => (goOn = resolve))
  const hangingFetch: typeof fetch = async (url, init) => {
    if ((typeof url === 'string' ? url : '').endsWith('/oauth/token')) {
      if (++asked === wanted) allHaveAsked?.()
      await released
    }
    // This test does not cover its deadline.
    return fetch(url, { ...init, signal: null })
  }
  return { fetch: hangingFetch, allAsked, asked: () => asked, goOn: () => goOn?.() }
}
