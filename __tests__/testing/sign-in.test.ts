import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { createRopgAuth, type RopgAuth } from '../../lib/index.ts'
import { signIn, type TestSession } from '../../lib/testing/index.ts'
import { secret, startApp, type TestAppOptions } from '../support/app.ts'
import { DAY, keysUnder, openRedis } from '../http/wire.ts'

const ada = { sub: 'auth0|ada', email: 'ada@example.com', name: 'Ada Lovelace' }

describe.each(['memory', 'redis'] as const)('signIn with sessions in %s', (store) => {
  const start = (settings: TestAppOptions = {}) =>
    startApp({
      store,
      after: (app, auth) => {
        app.get('/token', auth.requireAuth, async (req, res) => {
          res.json(await req.auth.getAccessToken())
        })
        app.get('/posts', auth.requireAuth, auth.requireScope('read:posts'), (_req, res) => void res.json([]))
      },
      ...settings,
    })

  it('logs a supertest agent in and returns it', async () => {
    const { app, auth } = await start()
    const agent = request.agent(app)
    expect(await signIn(agent, auth, ada)).toBe(agent)
    const { body } = await agent.get('/me').expect(200)
    expect(body).toEqual({ sub: ada.sub, user: ada, sessionId: expect.stringMatching(/^[\w-]{8,}$/) })
    await agent.get('/auth/user').expect(200, { user: ada })
  })

  it('returns a cookie for an app', async () => {
    const { app, auth } = await start()
    const cookie = await signIn(app, auth, ada)
    expect(cookie).toMatch(/^auth=s%3A[^;]+$/)
    const { body } = await request(app).get('/me').set('Cookie', cookie).expect(200)
    expect(body.sub).toBe(ada.sub)
  })

  it('names unknown members of the session', async () => {
    const { app, auth } = await start()
    await expect(signIn(app, auth, ada, { rememberMe: true } as TestSession)).rejects.toThrow(
      /^signIn: rememberMe: unknown option, use one of remember, /,
    )
  })

  it('needs no Auth0', async () => {
    const { app, auth, emulator } = await start()
    await emulator.close()
    await (await signIn(request.agent(app), auth, ada)).get('/me').expect(200)
    expect(emulator.requests).toEqual([])
  })

  it('uses a new user each time by default', async () => {
    const { app, auth } = await start()
    const subs = []
    for (let count = 0; count < 2; count++) {
      const { body } = await (await signIn(request.agent(app), auth)).get('/me').expect(200)
      expect(body.user).toEqual({ sub: body.sub })
      subs.push(body.sub as string)
    }
    expect(subs).toEqual([expect.stringMatching(/^auth0\|/), expect.stringMatching(/^auth0\|/)])
    expect(new Set(subs).size).toBe(2)
  })

  it('keeps users apart', async () => {
    const { app, auth } = await start()
    const [one, two] = await Promise.all(['auth0|1', 'auth0|2'].map((sub) => signIn(request.agent(app), auth, { sub })))
    expect((await one!.get('/me')).body.sub).toBe('auth0|1')
    expect((await two!.get('/me')).body.sub).toBe('auth0|2')
  })

  it('accepts any claims', async () => {
    const { app, auth } = await start()
    const claims = { ...ada, 'https://example.com/roles': ['admin'], email_verified: true }
    const { body } = await (await signIn(request.agent(app), auth, claims)).get('/auth/user').expect(200)
    expect(body.user).toEqual(claims)
  })

  it('grants the scopes of the options, or the given ones', async () => {
    const { app, auth } = await start()
    await (await signIn(request.agent(app), auth, ada)).get('/posts').expect(403)
    const reader = await signIn(request.agent(app), auth, ada, { scope: 'openid read:posts' })
    await reader.get('/posts').expect(200)
    const scoped = await start({ options: { scope: 'openid read:posts' } })
    await (await signIn(request.agent(scoped.app), scoped.auth, ada)).get('/posts').expect(200)
  })

  it('sets an access token for a day, or the given one', async () => {
    const now = Date.parse('2030-01-01T00:00:00Z')
    const audience = 'https://api.example.com'
    const { app, auth } = await start({ options: { audience }, seams: { clock: () => now } })
    app.get('/access', auth.requireAuth, async (req, res) => {
      res.json(await req.auth.getAccessToken())
    })
    const tokenOf = async (session?: TestSession) =>
      (await (await signIn(request.agent(app), auth, ada, session)).get('/access').expect(200)).body
    expect(await tokenOf()).toEqual({
      accessToken: 'test-access-token',
      tokenType: 'Bearer',
      audience,
      scope: 'openid profile email',
      expiresAt: now / 1000 + DAY,
    })
    expect(await tokenOf({ accessToken: 'mine', scope: 'openid read', expiresAt: now / 1000 + 60 })).toEqual({
      accessToken: 'mine',
      tokenType: 'Bearer',
      audience,
      scope: 'openid read',
      expiresAt: now / 1000 + 60,
    })
  })

  it('remembers the session with remember', async () => {
    let now = Date.now()
    const { app, auth, prefix } = await start({ seams: { testClock: () => now } })
    const ordinary = await signIn(app, auth, ada)
    const remembered = await signIn(app, auth, ada, { remember: true })
    const statusOf = async (cookie: string) => (await request(app).get('/me').set('Cookie', cookie)).status
    expect([await statusOf(ordinary), await statusOf(remembered)]).toEqual([200, 200])
    if (store === 'redis') {
      const redis = openRedis()
      const keys = (await keysUnder(prefix)).filter((key) => key.includes(':s:'))
      const days = await Promise.all(keys.map(async (key) => Math.round((await redis.ttl(key)) / DAY)))
      expect(days.sort((a, b) => a - b)).toEqual([1, 14])
    } else {
      now += 2 * DAY * 1000
      expect([await statusOf(ordinary), await statusOf(remembered)]).toEqual([401, 200])
    }
  })

  it('creates a session that supports logout', async () => {
    const { app, auth } = await start()
    const cookie = await signIn(app, auth, ada)
    await request(app).post('/auth/logout').set('Cookie', cookie).expect(200)
    await request(app).get('/me').set('Cookie', cookie).expect(401)
  })

  it('works with a Secure cookie, although supertest speaks HTTP', async () => {
    const { app, auth } = await start({ options: { session: { cookie: { secure: true } } } })
    expect(await signIn(app, auth, ada)).toMatch(/^__Host-auth=/)
    await (await signIn(request.agent(app), auth, ada)).get('/me').expect(200)
  })

  it('works with a cookie of another name and path', async () => {
    const { app, auth } = await start({ options: { session: { cookie: { name: 'sid', path: '/me' } } } })
    expect(await signIn(app, auth, ada)).toMatch(/^sid=/)
    await (await signIn(request.agent(app), auth, ada)).get('/me').expect(200)
  })
})

describe('signIn', () => {
  const app = express()
  let auth: RopgAuth

  beforeEach(() => {
    auth = createRopgAuth({
      domain: 'tenant.eu.auth0.com',
      clientId: 'client',
      clientSecret: 'client secret',
      session: { secret },
      logger: false,
    })
  })
  afterEach(() => auth.close())

  it('refuses to run in production', async () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    try {
      await expect(signIn(app, auth, ada)).rejects.toThrow(/^signIn is for tests and refuses to run in production$/)
      await expect(signIn(request.agent(app), auth, ada)).rejects.toThrow('refuses to run in production')
    } finally {
      process.env.NODE_ENV = before
    }
  })

  it.each([
    ['an app', () => app],
    ['a copy of an instance', () => ({ ...auth })],
    ['an empty object', () => ({})],
  ])('refuses %s in place of what createRopgAuth returned', async (_name, wrong) => {
    await expect(signIn(app, wrong(), ada)).rejects.toThrow(new TypeError('signIn takes what createRopgAuth returned'))
  })

  it.each([undefined, null, 42])('refuses %p in place of it, too', async (wrong) => {
    await expect(signIn(app, wrong as unknown as object, ada)).rejects.toThrow(TypeError)
  })

  it('works for one instance only', async () => {
    const other = createRopgAuth({
      domain: 'other.eu.auth0.com',
      clientId: 'client',
      clientSecret: 'client secret',
      session: { secret },
      logger: false,
    })
    const protectedApp = express().get('/me', other.requireAuth, (_req, res) => void res.end())
    await (await signIn(request.agent(protectedApp), auth, ada)).get('/me').expect(401)
    await (await signIn(request.agent(protectedApp), other, ada)).get('/me').expect(200)
    await other.close()
  })
})
