import { beforeEach, describe, expect, it } from '@jest/globals'
import request, { type Response } from 'supertest'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { cookieOf, DAY, keysUnder, openRedis, refusal, sessionIdOf, setCookie } from '../http/wire.ts'

const MINUTE = 60
const credentials = { email: ada.email, password: ada.password }

interface Visitor {
  cookie: string
  /** Answer to GET /me. */
  visit(): Promise<Response>
}

describe.each(['redis', 'memory'] as const)('session lifetimes in %s', (store) => {
  let now: number

  beforeEach(() => {
    now = Date.now()
  })

  const start = (session: NonNullable<TestAppOptions['options']>['session'] = {}) =>
    startApp({ store, options: { session }, seams: { clock: () => now } })

  async function logIn({ app }: TestApp, body: object = {}): Promise<Visitor> {
    const answer = await request(app)
      .post('/auth/login')
      .send({ ...credentials, ...body })
      .expect(200)
    const cookie = cookieOf(answer)
    return { cookie, visit: () => request(app).get('/me').set('Cookie', cookie).then() }
  }

  const blobKey = async ({ prefix }: TestApp, { cookie }: Visitor) =>
    (await keysUnder(prefix)).find((key) => key.endsWith(`:s:${sessionIdOf(cookie)}`)) ?? ''

  /** Lets time pass for both kinds of store: Redis has a clock of its own. */
  async function passes(seconds: number, app: TestApp): Promise<void> {
    now += seconds * 1000
    if (store === 'memory') return
    const redis = openRedis()
    for (const key of await keysUnder(app.prefix)) await redis.pexpire(key, (await redis.pttl(key)) - seconds * 1000)
  }

  async function expectOver(visitor: Visitor): Promise<void> {
    const { status, body } = await visitor.visit()
    expect([status, body]).toEqual([401, refusal('session_expired')])
  }

  describe('idle timeout (promise 8)', () => {
    it('ends a session that nobody uses', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE })
      const visitor = await logIn(app)
      await passes(10 * MINUTE - 5, app)
      expect((await visitor.visit()).status).toBe(200)
      await passes(10 * MINUTE + 5, app)
      await expectOver(visitor)
    })

    it('starts again with each request', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE })
      const visitor = await logIn(app)
      for (let visit = 0; visit < 5; visit++) {
        await passes(9 * MINUTE, app)
        expect((await visitor.visit()).status).toBe(200)
      }
    })

    it('is one day by default', async () => {
      const app = await start()
      const visitor = await logIn(app)
      await passes(DAY - 60, app)
      expect((await visitor.visit()).status).toBe(200)
      await passes(DAY + 1, app)
      await expectOver(visitor)
    })

    it('stays over when it is asked again', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE })
      const visitor = await logIn(app)
      await passes(11 * MINUTE, app)
      await expectOver(visitor)
      await expectOver(visitor)
    })
  })

  describe('absolute timeout (promise 8)', () => {
    it('ends a session although it is used', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE, absoluteTimeout: 30 * MINUTE })
      const visitor = await logIn(app)
      for (let visit = 0; visit < 5; visit++) {
        await passes(5 * MINUTE, app)
        expect((await visitor.visit()).status).toBe(200)
      }
      await passes(5 * MINUTE, app)
      await expectOver(visitor)
    })

    it('is seven days by default, and told at login', async () => {
      const app = await start()
      const { body } = await app.login().expect(200)
      expect(body.expires_at).toBe(new Date(now + 7 * DAY * 1000).toISOString())
    })

    it('cannot be put off by what the app writes', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE, absoluteTimeout: 10 * MINUTE })
      app.app.post('/write', app.auth.requireAuth, (req, res) => {
        Object.assign(req.session, { at: now })
        req.session.cookie.maxAge = 30 * DAY * 1000
        res.end()
      })
      const visitor = await logIn(app)
      await passes(9 * MINUTE, app)
      await request(app.app).post('/write').set('Cookie', visitor.cookie).expect(200)
      await passes(1 * MINUTE, app)
      await expectOver(visitor)
    })

    it('starts again with a login', async () => {
      const app = await start({ idleTimeout: 10 * MINUTE, absoluteTimeout: 10 * MINUTE })
      const first = await logIn(app)
      await passes(9 * MINUTE, app)
      const answer = await request(app.app)
        .post('/auth/login')
        .set('Cookie', first.cookie)
        .send(credentials)
        .expect(200)
      await passes(9 * MINUTE, app)
      await request(app.app).get('/me').set('Cookie', cookieOf(answer)).expect(200)
      await expectOver(first)
    })
  })

  describe('remember_me', () => {
    const remember = { remember_me: true }

    it('lets a session rest for 14 days', async () => {
      const app = await start()
      const visitor = await logIn(app, remember)
      await passes(13 * DAY, app)
      expect((await visitor.visit()).status).toBe(200)
      await passes(14 * DAY + 1, app)
      await expectOver(visitor)
    })

    it('lets it live for 30 days', async () => {
      const app = await start()
      const visitor = await logIn(app, remember)
      for (const days of [10, 10, 9]) {
        await passes(days * DAY, app)
        expect((await visitor.visit()).status).toBe(200)
      }
      await passes(DAY, app)
      await expectOver(visitor)
    })

    it('has lifetimes of its own', async () => {
      const app = await start({
        idleTimeout: 2 * MINUTE,
        absoluteTimeout: 2 * MINUTE,
        remembered: { idleTimeout: 10 * MINUTE, absoluteTimeout: 20 * MINUTE },
      })
      const [ordinary, remembered] = [await logIn(app), await logIn(app, remember)]
      await passes(9 * MINUTE, app)
      await expectOver(ordinary)
      expect((await remembered.visit()).status).toBe(200)
      await passes(9 * MINUTE, app)
      expect((await remembered.visit()).status).toBe(200)
      await passes(2 * MINUTE, app)
      await expectOver(remembered)
    })

    it('is told at login, and in a cookie that outlives the browser', async () => {
      const app = await start()
      const answer = await app.login({ ...credentials, ...remember }).expect(200)
      expect(answer.body.expires_at).toBe(new Date(now + 30 * DAY * 1000).toISOString())
      const expires = Date.parse(setCookie(answer).attributes.expires ?? '')
      expect(Math.abs(expires - Date.now() - 30 * DAY * 1000)).toBeLessThan(10_000)
    })

    it('makes the difference: without it the cookie ends with the browser (promise 9)', async () => {
      const app = await start()
      const { attributes } = setCookie(await app.login().expect(200))
      expect(attributes).toEqual({ path: '/', httponly: '', samesite: 'Lax' })
    })
  })

  describe('an ended session', () => {
    it('is told apart from none and from a forged one', async () => {
      const app = await start({ idleTimeout: MINUTE })
      const visitor = await logIn(app)
      await passes(2 * MINUTE, app)
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

    it('can be left, and followed by a new login', async () => {
      const app = await start({ idleTimeout: MINUTE })
      const visitor = await logIn(app)
      await passes(2 * MINUTE, app)
      await request(app.app).post('/auth/logout').set('Cookie', visitor.cookie).expect(200)
      const answer = await request(app.app)
        .post('/auth/login')
        .set('Cookie', visitor.cookie)
        .send(credentials)
        .expect(200)
      expect(sessionIdOf(cookieOf(answer))).not.toBe(sessionIdOf(visitor.cookie))
    })
  })

  if (store === 'redis') {
    it('are the time to live of the key: idle for the session, absolute for the tokens', async () => {
      const app = await start({ remembered: { idleTimeout: 600, absoluteTimeout: 1200 } })
      const redis = openRedis()
      for (const [body, idle, absolute] of [
        [{}, DAY, 7 * DAY],
        [{ remember_me: true }, 600, 1200],
      ] as const) {
        const key = await blobKey(app, await logIn(app, body))
        for (const [name, ttl] of [
          [key, idle],
          [key.replace(':s:', ':t:'), absolute],
        ] as const) {
          const left = await redis.pttl(name)
          expect(left).toBeLessThanOrEqual(ttl * 1000)
          expect(left).toBeGreaterThan(ttl * 1000 - 10_000)
        }
      }
    })

    it('hold when the session is written, too', async () => {
      const app = await start({ idleTimeout: 600 })
      app.app.post('/write', app.auth.requireAuth, (req, res) => {
        Object.assign(req.session, { note: 'new' })
        res.end()
      })
      const visitor = await logIn(app)
      const key = await blobKey(app, visitor)
      const redis = openRedis()
      await redis.pexpire(key, 5_000)
      await request(app.app).post('/write').set('Cookie', visitor.cookie).expect(200)
      expect(await redis.pttl(key)).toBeGreaterThan(590_000)
    })
  }
})
