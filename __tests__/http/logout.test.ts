import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request, { type Response } from 'supertest'
import type { RopgAuth } from '../../lib/index.ts'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { cookieOf, keysUnder, openRedis, recordsOf, refusal, setCookie } from './wire.ts'

const remembered = { email: ada.email, password: ada.password, remember_me: true }
const EPOCH = 'Thu, 01 Jan 1970 00:00:00 GMT'

async function logIn(app: TestApp): Promise<{ cookie: string; refreshToken: string; response: Response }> {
  const response = await app.login(remembered).expect(200)
  return { cookie: cookieOf(response), refreshToken: response.body.refresh_token as string, response }
}

function logOut(app: TestApp, cookie: string, path = '/auth/logout') {
  return request(app.app).post(path).set('Cookie', cookie)
}

describe('POST /logout', () => {
  it('answers success and nothing else', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)

    const response = await logOut(app, cookie)

    expect(response.status).toBe(200)
    expect(response.body).toEqual({ success: true })
    expect(response.headers['cache-control']).toBe('no-store')
  })

  it('deletes session and tokens', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)
    const before = await recordsOf(cookie, app.prefix)

    await logOut(app, cookie).expect(200)

    expect(before).toHaveLength(1)
    expect(await recordsOf(cookie, app.prefix)).toEqual([])
  })

  it('clears the cookie, and the old one stops working', async () => {
    const app = await startApp()
    const { cookie, response: login } = await logIn(app)

    const response = await logOut(app, cookie)

    const cleared = setCookie(response)
    const { expires: _, ...others } = setCookie(login).attributes
    expect(cleared.name).toBe('auth')
    expect(cleared.value).toBe('')
    expect(cleared.attributes).toEqual({ ...others, expires: EPOCH })
    await request(app.app).get('/me').set('Cookie', cookie).expect(401, refusal('session_expired'))
  })

  it('clears a cookie with the attributes it was set with', async () => {
    const app = await startApp({
      before: (app) => void app.set('trust proxy', 1),
      options: {
        session: {
          cookie: { name: '__Secure-sid', path: '/auth', domain: 'example.com', sameSite: 'none', secure: true },
        },
      },
    })
    const login = await app.login().set('X-Forwarded-Proto', 'https').expect(200)

    const response = await logOut(app, cookieOf(login)).set('X-Forwarded-Proto', 'https')

    const set = setCookie(login)
    expect(setCookie(response)).toEqual({
      name: set.name,
      value: '',
      attributes: { ...set.attributes, expires: EPOCH },
    })
    expect(set.attributes).toEqual({ path: '/auth', domain: 'example.com', samesite: 'None', secure: '', httponly: '' })
  })

  it('clears a Secure cookie over HTTPS', async () => {
    const app = await startApp({ before: (app) => void app.set('trust proxy', 1) })
    const login = await app.login().set('X-Forwarded-Proto', 'https').expect(200)

    const response = await logOut(app, cookieOf(login)).set('X-Forwarded-Proto', 'https')

    expect(setCookie(response).attributes).toEqual({ ...setCookie(login).attributes, expires: EPOCH })
  })

  it('revokes the refresh token', async () => {
    const app = await startApp({ options: { exposeTokens: true } })
    const { cookie, refreshToken } = await logIn(app)

    await logOut(app, cookie).expect(200)
    await app.auth.close()

    expect(app.emulator.requestsTo('/oauth/revoke').map(({ method, params }) => [method, params])).toEqual([
      [
        'POST',
        {
          token: refreshToken,
          token_type_hint: 'refresh_token',
          client_id: app.emulator.clientId,
          client_secret: app.emulator.clientSecret,
        },
      ],
    ])
    expect(app.emulator.refreshTokens.isActive(refreshToken)).toBe(false)
  })

  it('does not wait for Auth0', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)
    const revocation = app.emulator.hold({ path: '/oauth/revoke' })

    const response = await logOut(app, cookie)

    expect(response.status).toBe(200)
    await revocation.arrived
    revocation.release()
  })

  it('sends no revocation without a refresh token', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login().expect(200))

    await logOut(app, cookie).expect(200)
    await app.auth.close()

    expect(app.emulator.requestsTo('/oauth/revoke')).toEqual([])
  })

  it('succeeds when Auth0 is down', async () => {
    const emulator = await startAuth0Emulator()
    const app = await startApp({ emulator })
    const { cookie } = await logIn(app)
    await emulator.close()

    const response = await logOut(app, cookie)

    expect(response.status).toBe(200)
    expect(response.body).toEqual({ success: true })
    expect(setCookie(response).attributes.expires).toBe(EPOCH)
    expect(await recordsOf(cookie, app.prefix)).toEqual([])
  })

  it.each([
    ['nobody', undefined],
    ['a forged cookie', `auth=s%3A${'x'.repeat(32)}.${'A'.repeat(43)}`],
  ])('succeeds for %s, and stores nothing', async (_, cookie) => {
    const app = await startApp()
    const post = request(app.app).post('/auth/logout')

    const response = await (cookie === undefined ? post : post.set('Cookie', cookie))

    expect(response.status).toBe(200)
    expect(response.body).toEqual({ success: true })
    expect(setCookie(response)).toEqual({
      name: 'auth',
      value: '',
      attributes: { path: '/', expires: EPOCH, httponly: '', samesite: 'Lax' },
    })
    expect(await keysUnder(app.prefix)).toEqual([])
    expect(app.emulator.requests).toEqual([])
    expect(app.events).toEqual([])
  })

  it('succeeds a second time, and revokes once', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)

    await logOut(app, cookie).expect(200)
    await logOut(app, cookie).expect(200, { success: true })
    await app.auth.close()

    expect(app.emulator.requestsTo('/oauth/revoke')).toHaveLength(1)
    expect(app.events.map(({ name }) => name)).toEqual(['login.succeeded', 'logout'])
  })

  it('two concurrent logouts revoke once', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)

    const answers = await Promise.all([logOut(app, cookie), logOut(app, cookie)])
    await app.auth.close()

    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(app.emulator.requestsTo('/oauth/revoke')).toHaveLength(1)
  })

  it('ends this session only', async () => {
    const app = await startApp()
    const phone = await logIn(app)
    const laptop = await logIn(app)

    await logOut(app, phone.cookie).expect(200)

    await request(app.app).get('/me').set('Cookie', laptop.cookie).expect(200)
    expect(await recordsOf(laptop.cookie, app.prefix)).toHaveLength(1)
  })

  it('ignores the body', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)

    const response = await logOut(app, cookie).type('text').send('x'.repeat(20_000))

    expect(response.status).toBe(200)
  })

  it('reports it in one event', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)

    await logOut(app, cookie).set('X-Request-Id', 'req-9').expect(200)

    expect(app.events.slice(1)).toEqual([
      {
        name: 'logout',
        sessionId: expect.any(String),
        time: expect.any(String),
        requestId: 'req-9',
        ip: '127.0.0.1',
        durationMs: expect.any(Number),
        sub: app.emulator.users.get(ada.email)!.sub,
      },
    ])
  })

  it('cannot be undone by a request in progress', async () => {
    const app = await startApp({
      after: (app, auth) => {
        app.post('/note', auth.session, auth.requireAuth, (req, res) => {
          Object.assign(req.session, { note: 'written late' })
          void auth.logout(req).then(() => {
            res.json({})
          })
        })
      },
    })
    const { cookie } = await logIn(app)

    await logOut(app, cookie, '/note').expect(200)

    expect(await recordsOf(cookie, app.prefix)).toEqual([])
    await request(app.app).get('/me').set('Cookie', cookie).expect(401)
  })

  const startBroken = async ({ emulator }: TestApp, before: TestAppOptions['before'] = () => undefined) =>
    startApp({
      options: { redis: `redis://127.0.0.1:${await freePort()}`, timeouts: { redis: 200 } },
      ...{ emulator, before },
    })
  const behindSession: TestAppOptions['before'] = (app, auth) => app.use(auth.session)

  it.each([
    ['alone', undefined],
    ['behind auth.session', behindSession],
  ])('%s: answers 503 and clears the cookie while Redis is down (findings 13)', async (_, before) => {
    const app = await startApp()
    const { cookie } = await logIn(app)
    const broken = await startBroken(app, before)

    const response = await logOut(broken, cookie)

    expect(response.status).toBe(503)
    expect(response.body).toEqual(refusal('session_unavailable'))
    expect(response.headers['retry-after']).toBe('2')
    expect(response.headers['set-cookie']).toEqual([expect.stringMatching(/^auth=; Path=\/; Expires=Thu, 01 Jan 1970/)])
  })

  it('behind auth.session: leaves the cookie alone where another site asks, and on other routes', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)
    const broken = await startBroken(app, behindSession)

    const answers = [
      await logOut(broken, cookie).set('Sec-Fetch-Site', 'cross-site'),
      await request(broken.app).get('/me').set('Cookie', cookie),
    ]

    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    for (const { headers } of answers) expect(headers).not.toHaveProperty('set-cookie')
  })

  it('succeeds even if the tokens can no longer be opened', async () => {
    const app = await startApp()
    const { cookie } = await logIn(app)
    const [session = ''] = await recordsOf(cookie, app.prefix)
    await openRedis().hset(session, 't', '1.nonsense')

    await logOut(app, cookie).expect(200)

    expect(await recordsOf(cookie, app.prefix)).toEqual([])
  })
})

describe.each([
  [
    'req.auth.logout',
    (app: Express, auth: RopgAuth) => {
      app.post('/leave', auth.requireAuth, (req, res, next) => {
        req.auth.logout().then(() => res.json({ left: true }), next)
      })
    },
  ],
  [
    'auth.logout',
    (app: Express, auth: RopgAuth) => {
      app.post('/leave', (req, res, next) => {
        auth.logout(req).then(() => res.json({ left: true }), next)
      })
    },
  ],
])('%s', (_, after) => {
  it('works like POST /logout in a route of the app', async () => {
    const app = await startApp({ after, options: { exposeTokens: true } })
    const { cookie, refreshToken } = await logIn(app)

    const response = await logOut(app, cookie, '/leave')
    await app.auth.close()

    expect(response.status).toBe(200)
    expect(response.body).toEqual({ left: true })
    expect(setCookie(response)).toEqual({
      name: 'auth',
      value: '',
      attributes: { path: '/', expires: EPOCH, httponly: '', samesite: 'Lax' },
    })
    expect(await recordsOf(cookie, app.prefix)).toEqual([])
    expect(app.emulator.requestsTo('/oauth/revoke').map(({ params }) => params.token)).toEqual([refreshToken])
    expect(app.events.map(({ name, sub }) => [name, sub])).toEqual([
      ['login.succeeded', app.emulator.users.get(ada.email)!.sub],
      ['logout', app.emulator.users.get(ada.email)!.sub],
    ])
  })

  it('invalidates the old cookie', async () => {
    const app = await startApp({ after })
    const { cookie } = await logIn(app)

    await logOut(app, cookie, '/leave').expect(200)

    await request(app.app).get('/me').set('Cookie', cookie).expect(401, refusal('session_expired'))
  })
})

describe('auth.logout', () => {
  it('succeeds without a login', async () => {
    const app = await startApp({
      after: (app, auth) => {
        app.post('/leave', (req, res, next) => {
          auth.logout(req).then(() => res.json({ left: true }), next)
        })
      },
    })

    await request(app.app).post('/leave').expect(200, { left: true })

    expect(await keysUnder(app.prefix)).toEqual([])
    expect(app.events).toEqual([])
  })
})
