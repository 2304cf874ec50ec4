import { beforeEach, describe, expect, it } from '@jest/globals'
import request, { type Response } from 'supertest'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { cookieOf, DAY, keysUnder, openRedis, refusal, sessionIdOf, setCookie } from '../http/wire.ts'

const MINUTE = 60
const credentials = { email: ada.email, password: ada.password }

interface Visitor {
  cookie: string
  /** Response of GET /me. */
  visit(): Promise<Response>
}

describe.each(['redis', 'memory'] as const)('session lifetimes in %s', (store) => {
  let now: number

  beforeEach(() => {
    now = Date.now()
  })

  const start = (session: NonNullable<TestAppOptions['options']>['session'] = {}) =>
    startApp({ store, options: { session }, seams: { testClock: () => now } })

  async function logIn({ app }: TestApp, body: object = {}): Promise<Visitor> {
    const answer = await request(app)
      .post('/auth/login')
      .send({ ...credentials, ...body })
      .expect(200)
    const cookie = cookieOf(answer)
    return { cookie, visit: () => request(app).get('/me').set('Cookie', cookie).then() }
  }

  function passes(seconds: number): void {
    now += seconds * 1000
  }

  async function expectOver(visitor: Visitor): Promise<void> {
    const { status, body } = await visitor.visit()
    expect([status, body]).toEqual([401, refusal('session_expired')])
  }

  describe('idle timeout (promise 8)', () => {
    it('ends an unused session', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE })
      const visitor = await logIn(app)
      passes(10 * MINUTE - 5)
      expect((await visitor.visit()).status).toBe(200)
      passes(10 * MINUTE + 5)
      await expectOver(visitor)
    })

    it('restarts with each request', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE })
      const visitor = await logIn(app)
      for (let visit = 0; visit < 5; visit++) {
        passes(9 * MINUTE)
        expect((await visitor.visit()).status).toBe(200)
      }
    })

    it('is one day by default', async () => {
      const app = await start()
      const visitor = await logIn(app)
      passes(DAY - 60)
      expect((await visitor.visit()).status).toBe(200)
      passes(DAY + 1)
      await expectOver(visitor)
    })

    it('does not revive an ended session', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE })
      const visitor = await logIn(app)
      passes(11 * MINUTE)
      await expectOver(visitor)
      await expectOver(visitor)
    })
  })

  describe('absolute timeout (promise 8)', () => {
    it('ends a session that is in use', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE, absoluteTimeout: 30 * MINUTE })
      const visitor = await logIn(app)
      for (let visit = 0; visit < 5; visit++) {
        passes(5 * MINUTE)
        expect((await visitor.visit()).status).toBe(200)
      }
      passes(5 * MINUTE)
      await expectOver(visitor)
    })

    it('is seven days by default and reported at login', async () => {
      const app = await start()
      const { body } = await app.login().expect(200)
      expect(body.expires_at).toBe(new Date(now + 7 * DAY * 1000).toISOString())
    })

    it("cannot be extended by the app's writes", async () => {
      const app = await start({ idleTimeout: 10 * MINUTE, absoluteTimeout: 10 * MINUTE })
      app.app.post('/write', app.auth.session, (req, res) => {
        Object.assign(req.session, { at: now })
        req.session.cookie.maxAge = 30 * DAY * 1000
        res.end()
      })
      const visitor = await logIn(app)
      passes(9 * MINUTE)
      await request(app.app).post('/write').set('Cookie', visitor.cookie).expect(200)
      passes(1 * MINUTE)
      await expectOver(visitor)
    })

    it('restarts with a login', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE, absoluteTimeout: 10 * MINUTE })
      const first = await logIn(app)
      passes(9 * MINUTE)
      const answer = await request(app.app)
        .post('/auth/login')
        .set('Cookie', first.cookie)
        .send(credentials)
        .expect(200)
      passes(9 * MINUTE)
      await request(app.app).get('/me').set('Cookie', cookieOf(answer)).expect(200)
      await expectOver(first)
    })
  })

  describe('remember_me', () => {
    const remember = { remember_me: true }

    it('sets an idle timeout of 14 days', async () => {
      const app = await start()
      const visitor = await logIn(app, remember)
      passes(13 * DAY)
      expect((await visitor.visit()).status).toBe(200)
      passes(14 * DAY + 1)
      await expectOver(visitor)
    })

    it('sets an absolute timeout of 30 days', async () => {
      const app = await start()
      const visitor = await logIn(app, remember)
      for (const days of [10, 10, 9]) {
        passes(days * DAY)
        expect((await visitor.visit()).status).toBe(200)
      }
      passes(DAY)
      await expectOver(visitor)
    })

    it('has its own lifetime options', async () => {
      const app = await start({
        idleTimeout: 2 * MINUTE,
        absoluteTimeout: 2 * MINUTE,
        remembered: { idleTimeout: 10 * MINUTE, absoluteTimeout: 20 * MINUTE },
      })
      const [ordinary, remembered] = [await logIn(app), await logIn(app, remember)]
      passes(9 * MINUTE)
      await expectOver(ordinary)
      expect((await remembered.visit()).status).toBe(200)
      passes(9 * MINUTE)
      expect((await remembered.visit()).status).toBe(200)
      passes(2 * MINUTE)
      await expectOver(remembered)
    })

    it('is reported at login and sets a persistent cookie', async () => {
      const app = await start()
      const answer = await app.login({ ...credentials, ...remember }).expect(200)
      expect(answer.body.expires_at).toBe(new Date(now + 30 * DAY * 1000).toISOString())
      const expires = Date.parse(setCookie(answer).attributes.expires ?? '')
      expect(Math.abs(expires - Date.now() - 30 * DAY * 1000)).toBeLessThan(10_000)
    })

    it('if absent, sets a session cookie (promise 9)', async () => {
      const app = await start()
      const { attributes } = setCookie(await app.login().expect(200))
      expect(attributes).toEqual({ path: '/', httponly: '', samesite: 'Lax' })
    })
  })

  describe('an ended session', () => {
    it('is distinguished from a missing and a forged one', async () => {
      const app = await start({ idleTimeout: MINUTE })
      const visitor = await logIn(app)
      passes(2 * MINUTE)
      const forged = visitor.cookie.slice(0, -4) + 'AAAA'
      const answers = await Promise.all([
        request(app.app).get('/me').set('Cookie', visitor.cookie),
        request(app.app).get('/auth/user').set('Cookie', visitor.cookie),
        request(app.app).get('/me').set('Cookie', forged),
        request(app.app).get('/me'),
      ])
      expect(answers.map(({ status, body }) => [status, body.error])).toEqual([
        [401, 'session_expired'],
        [401, 'session_expired'],
        [401, 'unauthenticated'],
        [401, 'unauthenticated'],
      ])
      for (const { headers } of answers) expect(headers).not.toHaveProperty('set-cookie')
    })

    it('can be logged out and followed by a new login', async () => {
      const app = await start({ idleTimeout: MINUTE })
      const visitor = await logIn(app)
      passes(2 * MINUTE)
      await request(app.app).post('/auth/logout').set('Cookie', visitor.cookie).expect(200)
      const answer = await request(app.app)
        .post('/auth/login')
        .set('Cookie', visitor.cookie)
        .send(credentials)
        .expect(200)
      expect(sessionIdOf(cookieOf(answer))).not.toBe(sessionIdOf(visitor.cookie))
    })
  })

  it('forgets an anonymous visitor after the idle timeout, unless the visitor returns', async () => {
    const { app } = await startApp({
      store,
      options: { session: { idleTimeout: 10 * MINUTE } },
      seams: { testClock: () => now },
      before: (open, auth) => {
        open.get('/cart', auth.session, (req, res) => {
          res.json(Reflect.get(req.session, 'cart') ?? null)
        })
        open.post('/cart', auth.session, (req, res) => {
          Object.assign(req.session, { cart: ['book'] })
          res.end()
        })
      },
    })
    const cookie = cookieOf(await request(app).post('/cart').expect(200))
    const cart = async () => (await request(app).get('/cart').set('Cookie', cookie).expect(200)).body as unknown
    for (let visit = 0; visit < 3; visit++) {
      passes(9 * MINUTE)
      expect(await cart()).toEqual(['book'])
    }
    passes(10 * MINUTE)
    expect(await cart()).toBeNull()
  })
})

describe('session lifetimes in Redis', () => {
  const keyOf = async ({ prefix }: TestApp, cookie: string) =>
    (await keysUnder(prefix)).find((key) => key.endsWith(`:s:${sessionIdOf(cookie)}`)) ?? ''

  it("are the TTL of the session's key", async () => {
    const app = await startApp({ options: { session: { remembered: { idleTimeout: 600, absoluteTimeout: 1200 } } } })
    const redis = openRedis()
    for (const [body, idle] of [
      [{}, DAY],
      [{ remember_me: true }, 600],
    ] as const) {
      const cookie = cookieOf(await app.login({ ...credentials, ...body }).expect(200))
      const left = await redis.pttl(await keyOf(app, cookie))
      expect(left).toBeLessThanOrEqual(idle * 1000)
      expect(left).toBeGreaterThan(idle * 1000 - 10_000)
      expect((await keysUnder(app.prefix)).filter((key) => key.includes(sessionIdOf(cookie)))).toHaveLength(1)
    }
  })

  it('do not restart when the session is written', async () => {
    const app = await startApp({
      before: (open, auth) => {
        open.post('/write', auth.session, (req, res) => {
          Object.assign(req.session, { note: 'new' })
          res.end()
        })
      },
    })
    const cookie = cookieOf(await app.login().expect(200))
    const key = await keyOf(app, cookie)
    await request(app.app).post('/write').set('Cookie', cookie).expect(200)
    const redis = openRedis()
    await redis.pexpire(key, 5_000)
    await request(app.app).post('/write').set('Cookie', cookie).expect(200)
    expect(await redis.hget(key, 'd')).toContain('new')
    expect(await redis.pttl(key)).toBeLessThanOrEqual(5_000)
  })

  it('follow the Redis clock for used and unused sessions', async () => {
    const app = await startApp({ options: { session: { idleTimeout: 1, absoluteTimeout: 2 } } })
    const [idle, used] = [cookieOf(await app.login().expect(200)), cookieOf(await app.login().expect(200))]
    const [idleKey, usedKey] = [await keyOf(app, idle), await keyOf(app, used)]
    const me = (cookie: string) => request(app.app).get('/me').set('Cookie', cookie)
    const redis = openRedis()
    const end = Number(await redis.hget(usedKey, 'e'))
    const serverTime = async () => {
      const [seconds, microseconds] = (await redis.time()).map(Number)
      return seconds! * 1000 + microseconds! / 1000
    }
    for (let lives = true; lives;) {
      const asked = await serverTime()
      lives = (await me(used)).status === 200
      // To the millisecond.
      if (lives) expect(asked).toBeLessThan(end + 1)
    }
    expect(await redis.exists(idleKey, usedKey)).toBe(0)
    expect((await me(idle)).body).toEqual(refusal('session_expired'))
    expect((await me(used)).body).toEqual(refusal('session_expired'))
  })
})
