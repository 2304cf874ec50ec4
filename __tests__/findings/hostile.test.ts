import { describe, expect, it } from '@jest/globals'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express'
import { Redis } from 'ioredis'
import request from 'supertest'
import { AuthError, createRopgAuth, type RopgAuth } from '../../lib/index.ts'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { cookieOf, keysUnder, listen, refusal, sessionIdOf, until } from '../http/wire.ts'
import { ada, secret, startApp } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'

const credentials = { email: ada.email, password: ada.password }

function circular(): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  body.self = body
  return body
}

describe('an AuthError of onLogin that cannot be sent', () => {
  it.each<[string, object]>([
    ['a bigint in its body', { body: { id: 10n } }],
    ['a circular body', { body: circular() }],
    ['a header that HTTP does not allow', { headers: { 'X-Reason': 'Za\u017c\u00f3\u0142\u0107' } }],
  ])('%s: is answered 500 internal_error, and the next login works', async (_title, about) => {
    let isRefused = true
    const app = await startApp({
      store: 'memory',
      options: {
        onLogin: () => {
          if (isRefused) throw new AuthError('access_denied', about)
        },
      },
    })
    await app.login().expect(500, refusal('internal_error'))
    isRefused = false
    await app.login().expect(200)
  })
})

describe('a login that a timeout of the app has answered', () => {
  /** An app that answers a login when it is told to. */
  async function startImpatient(users: object[] = [ada]) {
    const waiting: Response[] = []
    const failures: unknown[] = []
    const app = await startApp({
      emulator: { users: users as (typeof ada)[] },
      options: { mfa: 'api' },
      before: (web) => {
        web.use('/auth/login', (_req, res, next) => {
          waiting.push(res)
          next()
        })
      },
      after: (web) => {
        const remember: ErrorRequestHandler = (err, _req, _res, next) => {
          failures.push(err)
          next(err)
        }
        web.use(remember)
      },
    })
    const held = app.emulator.hold({ grantType: 'password' })
    const giveUp = () => waiting[0]!.set('X-App', 'yes').status(504).json({ late: true })
    return { app, held, giveUp, failures }
  }

  it('creates no session, and its refresh token is revoked', async () => {
    const { app, held, giveUp, failures } = await startImpatient()
    const { url } = await listen(app.app)
    // Keeps the connection open, unlike supertest.
    const answer = fetch(`${url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...credentials, remember_me: true }),
    })
    await held.arrived
    giveUp()
    const { status, headers } = await answer
    held.release()
    expect([status, headers.get('set-cookie')]).toEqual([504, null])
    await until(() => app.emulator.requestsTo('/oauth/revoke').length === 1)
    expect(app.events).toMatchObject([{ name: 'login.failed', code: 'invalid_request' }])
    expect((await keysUnder(app.prefix)).filter((key) => /:[su]:/.test(key))).toEqual([])
    expect(failures).toMatchObject([{ code: 'invalid_request' }])
  })

  it('reports nothing but the second factor that it needs', async () => {
    const { app, held, giveUp, failures } = await startImpatient([{ ...ada, mfa: true }])
    const answer = app.login(credentials).then((response) => response)
    await held.arrived
    giveUp()
    held.release()
    expect((await answer).headers['set-cookie']).toBeUndefined()
    await until(() => failures.length === 1)
    expect(failures).toMatchObject([{ code: 'mfa_required' }])
  })
})

describe('two instances on one request', () => {
  const ok: RequestHandler = (req, res) => {
    res.json({ sub: req.auth?.sub ?? null })
  }

  async function startTwo() {
    const first = await startApp({ store: 'memory' })
    const second = await startApp({ store: 'memory', emulator: first.emulator })
    const [ours, theirs] = [first.auth, second.auth]
    const { app } = first
    app.get('/scope', ours.requireAuth, theirs.requireScope('openid'), ok)
    app.get('/optional', ours.requireAuth, theirs.optionalAuth, ok)
    app.get('/session', ours.optionalAuth, theirs.session, ok)
    app.get('/ours', theirs.optionalAuth, ours.requireAuth, ours.requireScope('openid'), ok)
    const foreign: RequestHandler = (req, _res, next) => {
      Object.assign(req, { auth: { sub: 'of another package' } })
      next()
    }
    app.get('/foreign', foreign, theirs.optionalAuth, theirs.session, ok)
    const cookie = cookieOf(await first.login().expect(200))
    const get = (path: string) => request(app).get(path).set('Cookie', cookie)
    return { get, sub: first.emulator.users.get(ada.email)!.sub }
  }

  it('never take the login of the other for their own', async () => {
    const { get, sub } = await startTwo()
    await get('/scope').expect(500, refusal('configuration_error'))
    await get('/optional').expect(200, { sub: null })
    await get('/session').expect(200, { sub: null })
    await get('/ours').expect(200, { sub })
  })

  it('keep what another package has set', async () => {
    const { get } = await startTwo()
    await get('/foreign').expect(200, { sub: 'of another package' })
  })
})

describe('a session that ends while its request goes on', () => {
  type End = (req: Request, auth: RopgAuth) => unknown
  const ends: [title: string, end: End, isMounted: boolean][] = [
    ['auth.logout(req)', (req, auth) => auth.logout(req), false],
    ['auth.logout(req) behind auth.session', (req, auth) => auth.logout(req), true],
    ['req.auth.logout()', (req) => req.auth?.logout(), false],
    ['req.session.destroy()', (req) => new Promise((resolve) => req.session.destroy(resolve)), true],
    ['req.session.regenerate()', (req) => new Promise((resolve) => req.session.regenerate(resolve)), true],
  ]

  it.each(ends)('by %s: nothing takes it for a login any more', async (title, end, isMounted) => {
    const app = await startApp({
      after: (web, auth) => {
        if (isMounted) web.use('/end', auth.session)
        const ending: RequestHandler = (req, _res, next) => {
          const ended = Promise.resolve(end(req, auth))
          // Express-session replaces a session only after it has ended. Else the tokens are still at hand.
          const asked = title.includes('regenerate') ? ended : Promise.resolve()
          const outcome = asked.then(() => req.auth!.getAccessToken()).catch((err: unknown) => (err as AuthError).code)
          Promise.all([outcome, ended]).then(([token]) => {
            Object.assign(req, { token })
            next()
          }, next)
        }
        web.get('/end', auth.requireAuth, ending, async (req, res) => {
          const found = await auth.authenticate(req)
          res.json({ token: Reflect.get(req, 'token') as string, found: found?.sub ?? null })
        })
        web.get('/end/scope', auth.requireAuth, ending, auth.requireScope('openid'), (_req, res) => res.json({}))
        web.get('/end/again', auth.requireAuth, ending, auth.requireAuth, (_req, res) => res.json({}))
      },
    })
    const get = async (path: string) =>
      request(app.app)
        .get(path)
        .set('Cookie', cookieOf(await app.login().expect(200)))
    expect((await get('/end')).body).toEqual({ token: 'session_expired', found: null })
    expect((await get('/end/scope')).body).toEqual(refusal('session_expired'))
    expect((await get('/end/again')).body).toEqual(refusal('session_expired'))
  })

  it('by auth.logout(req) after auth.login(req): the new session, too', async () => {
    const app = await startApp({
      after: (web, auth) => {
        web.post('/both', async (req, res) => {
          await auth.login(req, credentials)
          await auth.logout(req)
          res.json({})
        })
      },
    })
    await request(app.app).post('/both').expect(200)
    expect((await keysUnder(app.prefix)).filter((key) => key.includes(':s:'))).toEqual([])
  })
})

describe('login_url', () => {
  const interactive = { baseUrl: 'http://localhost:3000' }
  const users = [{ ...ada, interactionRequired: true, mfaOnRefresh: true }]

  it('never contains the host of a mount path with a pattern', async () => {
    const emulator = await startAuth0Emulator({ users })
    const { domain, clientId, clientSecret } = emulator
    const auth = createRopgAuth({ domain, clientId, clientSecret, interactive, session: { secret }, logger: false })
    const app = express()
    app.use(/^(.*)\/auth/, auth.router)
    const server = app.listen(0)
    const { port } = server.address() as AddressInfo
    const send = (path: string) =>
      fetch(`http://127.0.0.1:${String(port)}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(credentials),
      })
    try {
      const [theirs, ours] = [await send('//evil.example/auth/login'), await send('/x/auth/login')]
      expect(JSON.stringify(await theirs.json())).not.toContain('evil.example')
      expect(((await ours.json()) as { login_url?: string }).login_url).toMatch(/^\/x\/auth\/login/)
    } finally {
      server.closeAllConnections()
      server.close()
      await auth.close()
      await emulator.close()
    }
  })

  it('does not repeat a username that may be the password', async () => {
    const emulator = { users: [{ ...ada, interactionRequired: true }] }
    const app = await startApp({ store: 'memory', emulator, options: { interactive } })
    const { body } = await app.login(credentials).expect(403)
    expect(body.login_url).toContain('login_hint')
    const mistyped = await app.login({ username: ada.password, password: ada.password })
    expect(JSON.stringify(mistyped.body)).not.toContain(encodeURIComponent(ada.password).slice(0, 8))
  })
})

describe('auth.session', () => {
  it('leaves the Cookie header unchanged for the app if two cookies of its name are invalid', async () => {
    const app = await startApp({
      store: 'memory',
      before: (web, auth) => {
        web.use(auth.session)
        web.get('/cookies', (req, res) => res.json({ cookie: req.headers.cookie }))
      },
    })
    const cookie = 'auth=x; auth=y; lang=de'
    await request(app.app).get('/cookies').set('Cookie', cookie).expect(200, { cookie })
  })
})

describe('many spellings of one session cookie', () => {
  it.each(['a dead session', 'a live session'])('cost one read of %s', async (title) => {
    const redis = new Redis(testRedisUrl())
    const app = await startApp({ options: { redis } })
    const cookie = cookieOf(await app.login().expect(200))
    const id = sessionIdOf(cookie)
    if (title === 'a dead session') await request(app.app).post('/auth/logout').set('Cookie', cookie).expect(200)
    const [name = '', value = ''] = cookie.split('=')
    const spelled = Array.from(id, (letter, at) => {
      const escaped = `%${letter.charCodeAt(0).toString(16)}`
      return `${name}=${value.replace(id, id.slice(0, at) + escaped + id.slice(at + 1))}`
    })
    const sent: string[] = []
    const send = redis.sendCommand.bind(redis)
    redis.sendCommand = (command, stream) => {
      if (command.args.some((arg) => String(arg).includes(id))) sent.push(command.name)
      return send(command, stream)
    }
    const { status } = await request(app.app)
      .get('/me')
      .set('Cookie', [...spelled, cookie].join('; '))
    expect(status).toBe(title === 'a dead session' ? 401 : 200)
    expect(sent).toHaveLength(1)
    redis.disconnect()
  })
})

describe('POST /mfa/verify', () => {
  it('does not count attempts that never reach Auth0', async () => {
    const app = await startApp({
      store: 'memory',
      emulator: { users: [{ ...ada, mfa: true }] },
      options: { mfa: 'api', rateLimit: { mfa: { limit: 3, windowMs: 60_000 } } },
    })
    const browser = app.agent()
    await browser.post('/auth/login').send(credentials).expect(403)
    for (let time = 0; time < 4; time++) await browser.post('/auth/mfa/verify').send({}).expect(400)
    const otp = app.emulator.mfa.code(ada.email)
    await browser.post('/auth/mfa/verify').send({ otp }).expect(200)
  })
})

describe('GET /login without the option interactive', () => {
  it('is left to the app, even over plain HTTP if HTTPS is required', async () => {
    const emulator = await startAuth0Emulator({ users: [ada] })
    const { domain, clientId, clientSecret } = emulator
    const auth = createRopgAuth({
      domain,
      clientId,
      clientSecret,
      requireHttps: true,
      session: { secret },
      logger: false,
    })
    const app = express()
    app.use(auth.router)
    app.get('/login', (_req, res) => res.send('a form'))
    const { text, headers } = await request(app).get('/login').expect(200)
    expect([text, headers['cache-control']]).toEqual(['a form', undefined])
    await auth.close()
    await emulator.close()
  })
})
