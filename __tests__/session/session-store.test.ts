import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import express, { type Express, type Request } from 'express'
import { Redis } from 'ioredis'
import request, { type Response } from 'supertest'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { uniquePrefix } from '../support/redis.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { cookieOf, DAY, gate, keysUnder, listen, openRedis, sessionIdOf, until } from '../http/wire.ts'

declare module 'express-session' {
  interface SessionData {
    note?: string
  }
}

const credentials = { email: ada.email, password: ada.password }

const users = Array.from({ length: 10 }, (_, index) => ({
  email: `user${String(index)}@example.com`,
  password: `password of user ${String(index)}`,
  name: `User ${String(index)}`,
}))

/** Fields that are not session data. */
const BROKEN = ['', '{', 'null', '42', '"text"', '[]', '{"cookie":null}', '{"cookie":{"maxAge":"x"},"ropg":{}}']

async function keyOf(prefix: string, cookie: string): Promise<string> {
  const id = sessionIdOf(cookie)
  const key = (await keysUnder(prefix)).find((known) => known.endsWith(`:s:${id}`))
  if (key === undefined) throw new Error('no such session in Redis')
  return key
}

const me = (app: Express, cookie: string) => request(app).get('/me').set('Cookie', cookie)

/** A route that reads and one that writes, each with a gate. */
function slowRoutes(entered: () => void, held: Promise<void>): NonNullable<TestAppOptions['after']> {
  return (app, auth) => {
    app.use(auth.session)
    app.get('/slow', auth.requireAuth, async (req, res) => {
      entered()
      await held
      res.json({ sub: req.auth.sub })
    })
    app.post('/slow', auth.requireAuth, async (req, res) => {
      entered()
      await held
      req.session.note = 'written late'
      res.json({ sub: req.auth.sub })
    })
    app.post('/slow-save', auth.requireAuth, async (req, res) => {
      entered()
      await held
      req.session.note = 'written late'
      req.session.save(() => res.json({ sub: req.auth.sub }))
    })
  }
}

describe.each(['redis', 'memory'] as const)('the session store in %s', (store) => {
  const start = (settings: TestAppOptions = {}) => startApp({ store, ...settings })

  it("keeps the app's session data and never exposes the login in it", async () => {
    const { app } = await start({
      before: (open, auth) => {
        open.use(auth.session)
        open.post('/note', (req, res) => {
          req.session.note = 'kept'
          res.end()
        })
        open.get('/session', (req, res) => {
          const { cookie: _cookie, ...data } = req.session
          res.json({ data, handle: req.auth?.sessionId })
        })
      },
    })
    const agent = request.agent(app)
    await agent.post('/auth/login').send(credentials).expect(200)
    await agent.post('/note').expect(200)
    const { body } = await agent.get('/session').expect(200)
    expect(body.data).toEqual({ note: 'kept', ropg: body.handle })
    await agent.get('/me').expect(200)
  })

  it('keeps data written in an argument of res.end or res.json and exposes the store to the app', async () => {
    const views = (req: Request) => (req.session.note = `${req.session.note ?? ''}x`)
    const { app } = await start({
      before: (app, auth) => {
        app.get('/end', auth.session, (req, res) => {
          res.end(views(req))
        })
        app.get('/json', auth.session, (req, res) => {
          res.json(views(req))
        })
        app.get('/store', auth.session, (req, res) => {
          res.json([typeof req.sessionStore.get, req.session.note])
        })
      },
    })
    const agent = request.agent(app)
    expect((await agent.get('/end').expect(200)).text).toBe('x')
    expect((await agent.get('/end').expect(200)).text).toBe('xx')
    expect((await agent.get('/json').expect(200)).body).toBe('xxx')
    await agent.get('/store').expect(200, ['function', 'xxx'])
  })

  it.each(['regenerate', 'destroy'] as const)('ends the login when the app calls %s', async (method) => {
    const { app, prefix, auth, emulator } = await start({
      before: (open, auth) => {
        open.post('/leave', auth.session, (req, res) => {
          req.session[method]((err: unknown) => res.json(err ?? null))
        })
      },
    })
    const cookie = cookieOf(
      await request(app)
        .post('/auth/login')
        .send({ ...credentials, remember_me: true })
        .expect(200),
    )
    await request(app).post('/leave').set('Cookie', cookie).expect(200)
    await me(app, cookie).expect(401)
    await until(() => emulator.refreshTokens.families() === 0)
    expect(await auth.sessions.list(emulator.users.get(ada.email)!.sub)).toEqual([])
    // express-session stores the session created by regenerate, which is anonymous.
    const fields = (await keysUnder(prefix)).map((key) => openRedis().hkeys(key))
    expect((await Promise.all(fields)).flat()).not.toContain('l')
  })

  it('answers an authenticated GET without Set-Cookie (promise 6)', async () => {
    const { app, login } = await startRemembering(start)
    for (const remember of [false, true]) {
      const answer = await me(app, cookieOf(await login(remember))).expect(200)
      expect(answer.headers).not.toHaveProperty('set-cookie')
    }
  })

  describe('after logout (promise 3)', () => {
    it.each([
      ['reads', 'get', '/slow'],
      ['writes the session', 'post', '/slow'],
      ['saves the session itself', 'post', '/slow-save'],
    ] as const)('stays without the session when a request in flight %s', async (_name, method, path) => {
      const inside = gate()
      const held = gate()
      const { app, ...rest } = await start({ after: slowRoutes(inside.open, held.opened) })
      const cookie = cookieOf(await rest.login().expect(200))
      const slow = request(app)[method](path).set('Cookie', cookie).then()
      await inside.opened
      await request(app).post('/auth/logout').set('Cookie', cookie).expect(200)
      held.open()
      const late = await slow
      expect(late.status).toBe(200)
      expect(late.headers).not.toHaveProperty('set-cookie')
      await me(app, cookie).expect(401)
      if (store === 'redis') expect(await keysUnder(rest.prefix)).toEqual([])
    })

    it('does not restore the tokens', async () => {
      const { app, auth, ...rest } = await start()
      const cookie = cookieOf(await rest.login({ ...ada, remember_me: true }).expect(200))
      const inside = gate()
      const held = gate()
      let failure: unknown
      app.get('/token', auth.requireAuth, async (req, res) => {
        inside.open()
        await held.opened
        failure = await req.auth.getAccessToken().catch((err: unknown) => err)
        res.end()
      })
      const slow = request(app).get('/token').set('Cookie', cookie).then()
      await inside.opened
      await request(app).post('/auth/logout').set('Cookie', cookie).expect(200)
      held.open()
      await slow
      expect(failure).toMatchObject({ name: 'AuthError', code: 'session_expired' })
    })
  })

  describe('with many users', () => {
    it('gives each user only their own session', async () => {
      const { app } = await start({ emulator: { users } })
      const { url } = await listen(app)
      const cookies = await Promise.all(
        users.map(async ({ email, password }) => cookieOf(await loginAt(url, { email, password }))),
      )
      expect(new Set(cookies).size).toBe(users.length)
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(cookies.map((cookie) => request(url).get('/me').set('Cookie', cookie)))
        expect(answers.map(({ body }) => body.user.name)).toEqual(users.map(({ name }) => name))
      }
    })

    it('ends only one session at logout', async () => {
      const { app } = await start({ emulator: { users } })
      const { url } = await listen(app)
      const [first, second, other] = await Promise.all(
        [users[0]!, users[0]!, users[1]!].map(async (user) => cookieOf(await loginAt(url, user))),
      )
      await request(url).post('/auth/logout').set('Cookie', first!).expect(200)
      const states = await Promise.all([first, second, other].map((cookie) => me(app, cookie!)))
      expect(states.map(({ status }) => status)).toEqual([401, 200, 200])
    })
  })

  describe('with two tenants that share a secret and a prefix', () => {
    async function twoTenants() {
      const prefix = uniquePrefix()
      const [one, two] = await Promise.all([
        start({ options: { session: { prefix } } }),
        start({ options: { session: { prefix } } }),
      ])
      return { one, two, prefix }
    }

    it("never accepts the other tenant's cookie", async () => {
      const { one, two } = await twoTenants()
      const [ofOne, ofTwo] = [cookieOf(await one.login().expect(200)), cookieOf(await two.login().expect(200))]
      const statuses = [
        await me(one.app, ofOne),
        await me(one.app, ofTwo),
        await me(two.app, ofOne),
        await me(two.app, ofTwo),
      ].map(({ status }) => status)
      expect(statuses).toEqual([200, 401, 401, 200])
    })

    it("keeps the other tenant's session at logout", async () => {
      const { one, two } = await twoTenants()
      const cookie = cookieOf(await one.login().expect(200))
      await request(two.app).post('/auth/logout').set('Cookie', cookie).expect(200)
      await me(one.app, cookie).expect(200)
    })

    it('distinguishes two clients of one domain', async () => {
      const prefix = uniquePrefix()
      const emulator = await startAuth0Emulator()
      const one = await start({ emulator, options: { session: { prefix } } })
      const other = await start({ emulator, options: { clientId: 'another client', session: { prefix } } })
      const cookie = cookieOf(await one.login().expect(200))
      await me(other.app, cookie).expect(401)
      await emulator.close()
    })

    it('distinguishes them in one app that overwrites one cookie with the other', async () => {
      const { one, two } = await twoTenants()
      const app = express()
      for (const [path, { auth }] of Object.entries({ '/one': one, '/two': two })) {
        app.use(path, auth.router)
        app.get(`${path}/me`, auth.requireAuth, (req, res) => {
          res.json({ sub: req.auth.sub })
        })
      }
      for (const [own, other] of [
        ['/one', '/two'],
        ['/two', '/one'],
      ] as const) {
        const agent = request.agent(app)
        await agent.post(`${own}/login`).send(credentials).expect(200)
        await agent.get(`${own}/me`).expect(200)
        await agent.get(`${other}/me`).expect(401)
        await agent.get(`${other}/user`).expect(401)
      }
    })
  })
})

describe('the session store in Redis', () => {
  let server: RedisServer
  let redis: Redis

  beforeAll(async () => {
    server = await startRedis()
    redis = new Redis(server.url)
  })
  afterAll(async () => {
    await redis.quit()
    await server.stop()
  })

  /** Commands since the last reset, without those of the test itself. */
  async function commands(): Promise<Record<string, number>> {
    const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
    const calls = Array.from(lines, ([, name = '', count]) => [name, Number(count)] as const)
    return Object.fromEntries(calls.filter(([name]) => !/^(?:info|config|ping|client)/.test(name)))
  }
  const reset = () => redis.config('RESETSTAT')
  const start = (settings: TestAppOptions = {}) =>
    startApp({ ...settings, options: { redis: server.url, ...settings.options } })

  it('reads once and writes nothing for an authenticated GET within a minute (promise 6)', async () => {
    const { app, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    // The first request of each minute checks whether the session needs extending.
    await me(app, cookie).expect(200)
    await reset()
    for (let count = 0; count < 10; count++) await me(app, cookie).expect(200)
    expect(await commands()).toEqual({ hmget: 10 })
  })

  it('costs one round trip for an authenticated GET (promise 6)', async () => {
    const { app, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
    const before = await reads()
    for (let count = 0; count < 10; count++) await me(app, cookie).expect(200)
    // The final query is a round trip too.
    expect((await reads()) - before).toBe(10 + 1)
  })

  it('costs one round trip with auth.session and a cookie whose name ends in ours (promise 6)', async () => {
    const { app, ...rest } = await start({
      options: { session: { cookie: { name: 'sid' } } },
      after: (open, auth) => {
        open.get('/mounted', auth.session, (req, res) => void res.json(req.auth?.sub))
      },
    })
    const cookie = `connect.sid=s%3Aof-another-app.x; ${cookieOf(await rest.login().expect(200))}`
    const ask = () => request(app).get('/mounted').set('Cookie', cookie).expect(200)
    await ask()
    await reset()
    expect((await ask()).body).toEqual(expect.any(String))
    expect(await commands()).toEqual({ hmget: 1 })
  })

  it('stores a new session at the second attempt if the first one failed', async () => {
    const { app } = await start({
      before: (open, auth) => {
        open.post('/twice', auth.session, (req, res) => {
          req.session.note = 'kept'
          req.session.save((first: unknown) => {
            void redis.config('SET', 'maxmemory', '0').then(() => {
              req.session.save((second: unknown) => res.json([first, second].map(Boolean)))
            })
          })
        })
        open.get('/note', auth.session, (req, res) => void res.json(req.session.note ?? null))
      },
    })
    await redis.config('SET', 'maxmemory', '1')
    const answer = await request(app).post('/twice').expect(200)
    expect(answer.body).toEqual([true, false])
    await request(app).get('/note').set('Cookie', cookieOf(answer)).expect(200, '"kept"')
  })

  it('extends a due session once for many concurrent requests', async () => {
    const { app, prefix, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    const [key = ''] = (await redis.keys(`${prefix}*:s:*`)).filter((known) => known.endsWith(sessionIdOf(cookie)))
    await redis.hincrby(key, 's', -61_000)
    await redis.pexpire(key, DAY * 1000 - 61_000)
    const { url } = await listen(app)
    await reset()
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(url).get('/me').set('Cookie', cookie)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from(answers, () => 200))
    expect(await commands()).toMatchObject({ hset: 1, pexpire: 1 })
    expect(await redis.pttl(key)).toBeGreaterThan(DAY * 1000 - 10_000)
    await reset()
    await me(app, cookie).expect(200)
    expect(await commands()).toEqual({ hmget: 1 })
  })

  it('extends the session at most once a minute across all processes (promise 6)', async () => {
    let now = Date.now()
    const settings: TestAppOptions = { seams: { testClock: () => now } }
    const { app, prefix, emulator, ...rest } = await start(settings)
    const other = await start({ ...settings, emulator, options: { session: { prefix } } })
    const cookie = cookieOf(await rest.login().expect(200))
    const visitAfter = async (seconds: number, at = app) => {
      now += seconds * 1000
      await reset()
      await me(at, cookie).expect(200)
      return (await commands()).pexpire ?? 0
    }
    expect(await visitAfter(0)).toBe(0)
    expect(await visitAfter(59)).toBe(0)
    expect(await visitAfter(1)).toBe(1)
    expect(await visitAfter(59, other.app)).toBe(0)
    expect(await visitAfter(1, other.app)).toBe(1)
    expect(await visitAfter(0)).toBe(0)
    expect(await visitAfter(60)).toBe(1)
  })

  it('stores nothing for 1000 anonymous requests, with or without forged cookies (promise 6)', async () => {
    const { app, prefix } = await start({
      after: (open, auth) => {
        open.get('/public', auth.session, (_req, res) => void res.end('hello'))
      },
    })
    const { url } = await listen(app)
    await reset()
    const kinds: [string, Record<string, string>][] = [
      ['/me', {}],
      ['/public', {}],
      ['/auth/user', {}],
      ['/me', { cookie: 'auth=s%3Aforged.forged' }],
      ['/me', { cookie: 'auth=' }],
    ]
    for (let round = 0; round < 20; round++) {
      const batch = Array.from({ length: 50 }, (_, index) => kinds[index % kinds.length]!)
      const answers = await Promise.all(batch.map(([path, headers]) => fetch(url + path, { headers })))
      expect(answers.map(({ headers }) => headers.get('set-cookie'))).toEqual(batch.map(() => null))
      expect(answers.map(({ status }) => status)).toEqual(batch.map(([path]) => (path === '/public' ? 200 : 401)))
      await Promise.all(answers.map((answer) => answer.arrayBuffer()))
    }
    expect(await redis.keys(`${prefix}*`)).toEqual([])
    expect(await commands()).toEqual({ keys: 1 })
  })

  it('stores nothing for failed logins and anonymous logouts', async () => {
    const { app, prefix, ...rest } = await start()
    await rest.login({ ...ada, password: 'wrong' }).expect(401)
    await rest.login({}).expect(400)
    await request(app).post('/auth/logout').expect(200)
    expect(await redis.keys(`${prefix}*`)).toEqual([])
  })

  it('gives every key a TTL', async () => {
    const { prefix, ...rest } = await start({ options: { rateLimit: { subnet: { limit: 5, windowMs: 60_000 } } } })
    await rest.login({ ...ada, remember_me: true }).expect(200)
    const keys = await redis.keys(`${prefix}*`)
    expect(keys.map((key) => /:(s|u|rl):/.exec(key)?.[1]).sort()).toEqual(['rl', 'rl', 'rl', 's', 'u'])
    const times = await Promise.all(keys.map((key) => redis.pttl(key)))
    expect(times.filter((ttl) => ttl <= 0)).toEqual([])
  })

  it('treats invalid data as no data and an invalid record as no session', async () => {
    const { app, prefix, ...rest } = await start({
      before: (open, auth) => {
        open.get('/note', auth.session, (req, res) => {
          res.json({ note: req.session.note ?? null, sub: req.auth?.sub })
        })
      },
    })
    const cookie = cookieOf(await rest.login().expect(200))
    const [key = ''] = await redis.keys(`${prefix}*:s:*`)
    for (const broken of BROKEN) {
      await redis.hset(key, 'd', broken)
      const { body } = await request(app).get('/note').set('Cookie', cookie).expect(200)
      expect([broken, body]).toEqual([broken, { note: null, sub: expect.any(String) }])
    }
    await redis.hdel(key, 'd')
    await request(app).get('/note').set('Cookie', cookie).expect(200)
    for (const field of ['i', 's', 'l']) {
      const whole = await redis.hgetall(key)
      await redis.hdel(key, field)
      expect([field, (await me(app, cookie)).status]).toEqual([field, field === 'i' ? 200 : 401])
      await redis.hset(key, whole)
    }
    await redis.del(key)
    await redis.set(key, 'no hash', 'EX', 60)
    expect((await me(app, cookie)).status).toBe(503)
  })
})

describe('a session in a shared Redis', () => {
  it('starts and ends immediately for another process', async () => {
    const one = await startApp()
    const two = await startApp({ emulator: one.emulator, options: { session: { prefix: one.prefix } } })
    const cookie = cookieOf(await one.login().expect(200))
    await me(two.app, cookie).expect(200)
    await request(two.app).post('/auth/logout').set('Cookie', cookie).expect(200)
    await me(one.app, cookie).expect(401)
  })

  it("is one key with sealed login and tokens, in addition to the user's list", async () => {
    const { prefix, ...rest } = await startApp()
    const cookie = cookieOf(await rest.login().expect(200))
    const key = await keyOf(prefix, cookie)
    const keys = await keysUnder(prefix)
    expect(keys).toEqual([key, expect.stringMatching(/:u:[\w-]{43}$/)])
    const record = await openRedis().hgetall(key)
    expect(record).toEqual({
      l: expect.not.stringContaining('ada'),
      t: expect.stringMatching(/^1\.-/),
      d: expect.stringMatching(/^\{"ropg":"[\w-]{36}"\}$/),
      i: String(DAY * 1000),
      s: expect.stringMatching(/^\d{13}$/),
      e: expect.stringMatching(/^\d{13}$/),
    })
    expect(Math.abs(Number(record.e) - Number(record.s) - 7 * DAY * 1000)).toBeLessThanOrEqual(1)
  })
})

function loginAt(url: string, { email, password }: { email: string; password: string }): Promise<Response> {
  return request(url).post('/auth/login').send({ email, password }).expect(200).then()
}

async function startRemembering(start: () => Promise<TestApp>) {
  const started = await start()
  return {
    app: started.app,
    login: (remember: boolean) => started.login({ email: ada.email, password: ada.password, remember_me: remember }),
  }
}
