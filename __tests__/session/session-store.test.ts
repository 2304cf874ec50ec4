import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import express, { type Express } from 'express'
import session, { MemoryStore } from 'express-session'
import { Redis } from 'ioredis'
import request, { type Response } from 'supertest'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, secret, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { uniquePrefix } from '../support/redis.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { cookieOf, DAY, gate, keysUnder, listen, openRedis, sessionIdOf } from '../http/wire.ts'

declare module 'express-session' {
  interface SessionData {
    note?: string
  }
}

const users = Array.from({ length: 10 }, (_, index) => ({
  email: `user${String(index)}@example.com`,
  password: `password of user ${String(index)}`,
  name: `User ${String(index)}`,
}))

/** What no session looks like. */
const BROKEN = ['', '{', 'null', '42', '"text"', '[]', '{}', '{"cookie":null}', '{"cookie":{},"ropg":"text"}']

/** Where the blob of a session lies. */
async function blobKey(prefix: string, cookie: string): Promise<string> {
  const id = sessionIdOf(cookie)
  const key = (await keysUnder(prefix)).find((known) => known.endsWith(`:s:${id}`))
  if (key === undefined) throw new Error('no such session in Redis')
  return key
}

const me = (app: Express, cookie: string) => request(app).get('/me').set('Cookie', cookie)

/** A route that reads and one that writes, each of which can be stopped on its way. */
function slowRoutes(entered: () => void, held: Promise<void>): NonNullable<TestAppOptions['after']> {
  return (app, auth) => {
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

  it('keeps what the app writes into a session', async () => {
    const { app, auth } = await start()
    app.post('/note', auth.requireAuth, (req, res) => {
      req.session.note = 'kept'
      res.end()
    })
    app.get('/note', auth.requireAuth, (req, res) => {
      res.json({ note: req.session.note })
    })
    const agent = request.agent(app)
    await agent.post('/auth/login').send(ada).expect(200)
    await agent.post('/note').expect(200)
    await agent.get('/note').expect(200, { note: 'kept' })
    await agent.get('/me').expect(200)
  })

  it('keeps what is written in the very argument of res.end and res.json, and gives the store to the app', async () => {
    const views = (req: express.Request) => (req.session.note = `${req.session.note ?? ''}x`)
    const { app } = await start({
      before: (app, auth) => {
        app.get('/end', auth.session, (req, res) => {
          res.end(views(req))
        })
        app.get('/json', auth.session, (req, res) => {
          res.json(views(req))
        })
        app.get('/held', auth.session, (req, res) => {
          const end = res.end.bind(res) as (text: string) => void
          end(views(req))
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
    expect((await agent.get('/held').expect(200)).text).toBe('xxxx')
    await agent.get('/store').expect(200, ['function', 'xxxx'])
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

    it('does not bring the tokens back either', async () => {
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
    it('gives everyone only their own session', async () => {
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

    it('ends one session at logout and leaves the others', async () => {
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

  describe('of two tenants with one secret and one prefix', () => {
    async function twoTenants() {
      const prefix = uniquePrefix()
      const [one, two] = await Promise.all([
        start({ options: { session: { prefix } } }),
        start({ options: { session: { prefix } } }),
      ])
      return { one, two, prefix }
    }

    it("never accepts the other tenant's cookie, either way", async () => {
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

    it("leaves the other tenant's session alone at logout", async () => {
      const { one, two } = await twoTenants()
      const cookie = cookieOf(await one.login().expect(200))
      await request(two.app).post('/auth/logout').set('Cookie', cookie).expect(200)
      await me(one.app, cookie).expect(200)
    })

    it('tells two clients of one domain apart', async () => {
      const prefix = uniquePrefix()
      const emulator = await startAuth0Emulator()
      const one = await start({ emulator, options: { session: { prefix } } })
      const other = await start({ emulator, options: { clientId: 'another client', session: { prefix } } })
      const cookie = cookieOf(await one.login().expect(200))
      await me(other.app, cookie).expect(401)
      await emulator.close()
    })

    it("never accepts the other tenant's login in one app with a session of its own, either way", async () => {
      const { one, two } = await twoTenants()
      const app = express()
      app.use(session({ secret, resave: false, saveUninitialized: false }))
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
        await agent.post(`${own}/login`).send(ada).expect(200)
        await agent.get(`${own}/me`).expect(200)
        await agent.get(`${other}/me`).expect(401)
        await agent.get(`${other}/user`).expect(401)
      }
    })
  })

  describe("beside the app's own session middleware", () => {
    async function withOwnSession(settings: TestAppOptions = {}) {
      const own = new MemoryStore()
      const started = await start({
        ...settings,
        before: (app) => {
          app.use(
            session({
              secret: 'of the app itself',
              name: 'own.sid',
              store: own,
              resave: false,
              saveUninitialized: false,
            }),
          )
          app.post('/note', (req, res) => {
            req.session.note = 'from before'
            res.end()
          })
          app.get('/note', (req, res) => {
            res.json({ note: req.session.note ?? null })
          })
        },
      })
      const stored = () =>
        new Promise<session.SessionData[]>((resolve, reject) => {
          own.all((err, all) => {
            if (err) reject(new Error('the store failed'))
            else resolve(Object.values(all ?? {}))
          })
        })
      return { ...started, stored }
    }

    it('uses the session that it finds, and sets no second cookie', async () => {
      const { app, stored, prefix } = await withOwnSession()
      const agent = request.agent(app)
      const answer = await agent.post('/auth/login').send(ada).expect(200)
      expect(cookieOf(answer)).toMatch(/^own\.sid=/)
      await agent.get('/me').expect(200)
      expect(await stored()).toMatchObject([{ ropg: { sub: expect.any(String), user: { email: ada.email } } }])
      if (store === 'redis') expect((await keysUnder(prefix)).filter((key) => key.includes(':s:'))).toEqual([])
    })

    it('keeps the tokens out of it', async () => {
      const { auth, app, stored } = await withOwnSession({ options: { exposeTokens: true } })
      app.get('/token', auth.requireAuth, async (req, res) => {
        res.json(await req.auth.getAccessToken())
      })
      const agent = request.agent(app)
      const { body } = await agent
        .post('/auth/login')
        .send({ ...ada, remember_me: true })
        .expect(200)
      expect((await agent.get('/token').expect(200)).body.accessToken).toBe(body.access_token)
      const blob = JSON.stringify(await stored())
      expect(blob).not.toContain(body.access_token)
      expect(blob).not.toContain(body.refresh_token)
    })

    it('gives it a new id at login, and lets only the named keys come along', async () => {
      for (const [preserve, note] of [
        [[], null],
        [['note'], 'from before'],
      ] as const) {
        const { app } = await withOwnSession({ options: { session: { preserve } } })
        const agent = request.agent(app)
        const before = cookieOf(await agent.post('/note').expect(200))
        const after = cookieOf(await agent.post('/auth/login').send(ada).expect(200))
        expect(sessionIdOf(after)).not.toBe(sessionIdOf(before))
        await agent.get('/note').expect(200, { note })
        await me(app, before).expect(401)
      }
    })

    it('ends it at logout', async () => {
      const { app, stored, prefix } = await withOwnSession()
      const cookie = cookieOf(await request(app).post('/auth/login').send(ada).expect(200))
      await request(app).post('/auth/logout').set('Cookie', cookie).expect(200)
      await me(app, cookie).expect(401)
      expect(await stored()).toEqual([])
      if (store === 'redis') expect(await keysUnder(prefix)).toEqual([])
    })

    it('ends a login there after its absolute timeout', async () => {
      let now = Date.now()
      const { app } = await withOwnSession({ seams: { clock: () => now } })
      const cookie = cookieOf(await request(app).post('/auth/login').send(ada).expect(200))
      await me(app, cookie).expect(200)
      now += 7 * DAY * 1000
      expect((await me(app, cookie).expect(401)).body.error).toBe('session_expired')
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

  /** Commands since the last reset, beside those of the test itself. */
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
    await reset()
    for (let count = 0; count < 10; count++) await me(app, cookie).expect(200)
    expect(await commands()).toEqual({ get: 10, pttl: 1 })
  })

  it('needs one round trip for an authenticated GET (promise 6)', async () => {
    const { app, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
    const before = await reads()
    for (let count = 0; count < 10; count++) await me(app, cookie).expect(200)
    // The last look is a round trip, too.
    expect((await reads()) - before).toBe(10 + 1)
  })

  it('writes once when the session is due, however many requests find it so', async () => {
    const { app, prefix, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    const [key = ''] = (await redis.keys(`${prefix}*:s:*`)).filter((known) => known.endsWith(sessionIdOf(cookie)))
    await redis.pexpire(key, DAY * 1000 - 61_000)
    const { url } = await listen(app)
    await reset()
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(url).get('/me').set('Cookie', cookie)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from(answers, () => 200))
    expect(await commands()).toEqual({ get: 20, pttl: 1, pexpire: 1 })
    expect(await redis.pttl(key)).toBeGreaterThan(DAY * 1000 - 10_000)
    await reset()
    await me(app, cookie).expect(200)
    expect(await commands()).toEqual({ get: 1 })
  })

  it('extends the session at most once a minute in a process (promise 6)', async () => {
    let now = Date.now()
    const { app, prefix, ...rest } = await start({ seams: { clock: () => now } })
    const cookie = cookieOf(await rest.login().expect(200))
    const [key = ''] = await redis.keys(`${prefix}*:s:*`)
    const visitAfter = async (seconds: number) => {
      now += seconds * 1000
      await redis.pexpire(key, DAY * 1000 - 120_000)
      await reset()
      await me(app, cookie).expect(200)
      return (await commands()).pexpire ?? 0
    }
    expect([await visitAfter(0), await visitAfter(59), await visitAfter(1), await visitAfter(60)]).toEqual([1, 0, 1, 1])
  })

  it('stores nothing for 1000 anonymous requests, genuine or not (promise 6)', async () => {
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

  it('stores nothing for logins that fail, and for a logout by nobody', async () => {
    const { app, prefix, ...rest } = await start()
    await rest.login({ ...ada, password: 'wrong' }).expect(401)
    await rest.login({}).expect(400)
    await request(app).post('/auth/logout').expect(200)
    expect(await redis.keys(`${prefix}*`)).toEqual([])
  })

  it('gives every key a time to live', async () => {
    const { prefix, ...rest } = await start({ options: { rateLimit: { subnet: { limit: 5, windowMs: 60_000 } } } })
    await rest.login({ ...ada, remember_me: true }).expect(200)
    const keys = await redis.keys(`${prefix}*`)
    expect(keys.length).toBeGreaterThanOrEqual(3)
    const times = await Promise.all(keys.map((key) => redis.pttl(key)))
    expect(times.filter((ttl) => ttl <= 0)).toEqual([])
  })

  it('takes a record that holds something else for no session', async () => {
    const { app, prefix, ...rest } = await start()
    const cookie = cookieOf(await rest.login().expect(200))
    const [key = ''] = await redis.keys(`${prefix}*:s:*`)
    const answers: Record<string, unknown> = {}
    for (const broken of BROKEN) {
      await redis.set(key, broken, 'EX', 60)
      answers[broken] = (await me(app, cookie)).status
    }
    expect(answers).toEqual(Object.fromEntries(BROKEN.map((broken) => [broken, 401])))
  })
})

describe('a session of the shared Redis', () => {
  it('is seen by another process at once, and is over there at once', async () => {
    const one = await startApp()
    const two = await startApp({ emulator: one.emulator, options: { session: { prefix: one.prefix } } })
    const cookie = cookieOf(await one.login().expect(200))
    await me(two.app, cookie).expect(200)
    await request(two.app).post('/auth/logout').set('Cookie', cookie).expect(200)
    await me(one.app, cookie).expect(401)
  })

  it('lies under one key for the blob and one for the tokens', async () => {
    const { prefix, ...rest } = await startApp()
    const cookie = cookieOf(await rest.login().expect(200))
    const blob = await blobKey(prefix, cookie)
    expect(await keysUnder(prefix)).toEqual(expect.arrayContaining([blob, blob.replace(':s:', ':t:')]))
    const { ropg } = JSON.parse((await openRedis().get(blob)) ?? '{}') as { ropg: object }
    expect(ropg).toMatchObject({ sub: expect.any(String), user: { email: ada.email, name: ada.name } })
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
