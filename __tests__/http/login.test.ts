import { request as httpRequest } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import express, { type Express, type RequestHandler } from 'express'
import { SignJWT } from 'jose'
import { ClientSecretBasic, ClientSecretPost, None } from 'openid-client'
import request, { type Response } from 'supertest'
import {
  AuthError,
  type LoginResult,
  MissingRequiredArgumentError,
  type RopgAuth,
  TokenByPasswordError,
} from '../../lib/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import {
  cookieOf,
  DAY,
  gate,
  keysUnder,
  listen,
  openRedis,
  recordsOf,
  refusal,
  sendRaw,
  sessionIdOf,
  setCookie,
} from './wire.ts'

const credentials = { email: ada.email, password: ada.password }
const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'
const DISCOVERY = '/.well-known/openid-configuration'
const API = 'https://api.example.com'

const behindProxy = (app: Express) => void app.set('trust proxy', 1)

const touch: RequestHandler = (req, _res, next) => {
  req.session.touch()
  next()
}

function grantsOf({ emulator }: TestApp) {
  return emulator.requestsTo('/oauth/token')
}

function forwardedTo({ emulator }: TestApp, path: string) {
  return emulator.requestsTo(path).map(({ headers }) => headers['auth0-forwarded-for'])
}

describe('POST /login', () => {
  it('returns the user and when the session ends, and nothing else', async () => {
    const now = Date.now()
    const app = await startApp({ seams: { testClock: () => now } })

    const response = await app.login()

    expect(response.status).toBe(200)
    expect(response.body).toEqual({
      success: true,
      user: { id: app.emulator.users.get(ada.email)!.sub, email: ada.email, name: ada.name },
      expires_at: new Date(now + 7 * DAY * 1000).toISOString(),
    })
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.headers['cache-control']).toBe('no-store')
  })

  it('gives access to guarded routes', async () => {
    const app = await startApp()
    const agent = app.agent()

    await agent.post('/auth/login').send(credentials).expect(200)
    const response = await agent.get('/me')

    expect(response.status).toBe(200)
    expect(response.body).toEqual({
      sub: app.emulator.users.get(ada.email)!.sub,
      user: {
        sub: app.emulator.users.get(ada.email)!.sub,
        email: ada.email,
        email_verified: true,
        name: ada.name,
        nickname: 'ada',
        picture: expect.any(String),
        updated_at: expect.any(String),
      },
      sessionId: expect.stringMatching(/^[\w-]{20,}$/),
    })
  })

  it('reports it in one event without secrets', async () => {
    const app = await startApp()

    await request(app.app).post('/auth/login').set('X-Request-Id', 'req-1').send(credentials).expect(200)

    expect(app.events).toEqual([
      {
        name: 'login.succeeded',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        requestId: 'req-1',
        ip: '127.0.0.1',
        userName: ada.email,
        sessionId: expect.any(String),
        sub: app.emulator.users.get(ada.email)!.sub,
        durationMs: expect.any(Number),
      },
    ])
  })

  it('accepts a form', async () => {
    const app = await startApp()

    const response = await request(app.app).post('/auth/login').type('form').send(credentials)

    expect(response.status).toBe(200)
    expect(response.body.user.email).toBe(ada.email)
  })

  it('sends username in place of email', async () => {
    const app = await startApp({ emulator: { users: [{ ...ada, username: 'ada' }] } })

    const response = await app.login({ username: 'ada', password: ada.password })

    expect(response.status).toBe(200)
    expect(response.body.user.email).toBe(ada.email)
    expect(grantsOf(app)[0]!.params.username).toBe('ada')
  })

  it.each(['email', 'username'])('trims %s and sends it otherwise as typed', async (field) => {
    const app = await startApp()

    await app.login({ [field]: ' \tAda@Example.com\n ', password: ada.password }).expect(200)

    expect(grantsOf(app)[0]!.params.username).toBe('Ada@Example.com')
  })

  describe.each([
    ['leading and trailing blanks', '  two blanks  '],
    ['tabs and line ends', '\tline\r\nend\n'],
    ['letters of many scripts', 'pässwörd ključ 密码 🔑'],
    ['a decomposed accent', 'e\u0301clair'],
    ['quotes and backslashes', `"double" 'single' \\back\\`],
    ['percent signs', '100%25%zz%'],
    ['plus signs and ampersands', 'a+b&c=d;e?f#g'],
    ['only a blank', ' '],
  ])('with %s in the password', (_, password) => {
    it.each(['json', 'form'])('sends it byte for byte from %s', async (type) => {
      const app = await startApp({ emulator: { users: [{ email: ada.email, password }] } })

      const right = await request(app.app).post('/auth/login').type(type).send({ email: ada.email, password })
      const wrong = await request(app.app)
        .post('/auth/login')
        .type(type)
        .send({ email: ada.email, password: `${password} ` })

      expect(right.status).toBe(200)
      expect(wrong.status).toBe(401)
      expect(wrong.body).toEqual(refusal('invalid_credentials'))
    })
  })
})

describe('POST /login: the grant', () => {
  it('is `password` without a realm', async () => {
    const app = await startApp()

    await app.login().expect(200)

    expect(grantsOf(app)).toHaveLength(1)
    expect(grantsOf(app)[0]!.params).toEqual({
      grant_type: 'password',
      client_id: app.emulator.clientId,
      client_secret: expect.any(String),
      username: ada.email,
      scope: 'openid profile email',
    })
  })

  it('is password-realm with the realm option', async () => {
    const app = await startApp({
      options: { realm: 'customers' },
      emulator: { users: [{ ...ada, connection: 'customers' }] },
    })

    await app.login().expect(200)

    expect(grantsOf(app).map(({ params }) => [params.grant_type, params.realm])).toEqual([
      [PASSWORD_REALM, 'customers'],
    ])
  })

  it('uses the realm of the body if allowedRealms contains it', async () => {
    const app = await startApp({
      options: { allowedRealms: ['customers', 'staff'] },
      emulator: { users: [{ ...ada, connection: 'customers' }] },
    })

    await app.login({ ...credentials, realm: 'customers' }).expect(200)

    expect(grantsOf(app).map(({ params }) => [params.grant_type, params.realm])).toEqual([
      [PASSWORD_REALM, 'customers'],
    ])
  })

  it.each([
    ['no allowedRealms', undefined, 'customers'],
    ['another realm', ['staff'], 'customers'],
    ['another case', ['customers'], 'Customers'],
    ['the option realm itself', [], 'Username-Password-Authentication'],
  ])('refuses the realm of the body with %s', async (_, allowedRealms, realm) => {
    const app = await startApp({
      options: { realm: 'Username-Password-Authentication', ...(allowedRealms && { allowedRealms }) },
    })

    const response = await app.login({ ...credentials, realm })

    expect(response.status).toBe(400)
    expect(response.body).toEqual(
      refusal('invalid_request', { fields: { realm: 'is not one of the accepted realms' } }),
    )
    expect(app.emulator.requests).toEqual([])
  })

  it('requests the audience and scope of the options', async () => {
    const app = await startApp({ options: { audience: API, scope: 'openid read:posts' } })

    await app.login().expect(200)

    expect(grantsOf(app).map(({ params }) => [params.audience, params.scope])).toEqual([[API, 'openid read:posts']])
  })

  it('adds offline_access for remember_me, and only then', async () => {
    const app = await startApp({ options: { scope: 'openid email' } })

    await app.login({ ...credentials, remember_me: true }).expect(200)
    await app.login({ ...credentials, remember_me: false }).expect(200)

    expect(grantsOf(app).map(({ params }) => params.scope)).toEqual(['openid email offline_access', 'openid email'])
  })

  it('requests offline_access once if the scope option already has it', async () => {
    const app = await startApp({ options: { scope: 'openid offline_access' } })

    await app.login({ ...credentials, remember_me: true }).expect(200)

    expect(grantsOf(app)[0]!.params.scope).toBe('openid offline_access')
  })
})

describe('POST /login: the forwarded address', () => {
  it('is that of the connection, unwrapped from IPv6', async () => {
    const app = await startApp()

    await app.login().expect(200)

    expect(forwardedTo(app, '/oauth/token')).toEqual(['127.0.0.1'])
  })

  it('does not come from X-Forwarded-For without trust proxy', async () => {
    const app = await startApp()

    await app.login().set('X-Forwarded-For', '203.0.113.7').expect(200)

    expect(forwardedTo(app, '/oauth/token')).toEqual(['127.0.0.1'])
  })

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['6.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['[2001:db8::7]:51234', '2001:db8::7'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('comes from X-Forwarded-For %s behind one proxy', async (header, address) => {
    const app = await startApp({ before: behindProxy, emulator: { trustForwardedFor: true } })

    await app.login().set('X-Forwarded-For', header).expect(200)

    expect(forwardedTo(app, '/oauth/token')).toEqual([address])
    expect(grantsOf(app)[0]!.clientIp).toBe(address)
  })

  it.each(['unknown', '203.0.113.7 x', 'evil.example.com'])(
    'is omitted if the proxy sends none: %s',
    async (header) => {
      const app = await startApp({ before: behindProxy })

      await app.login().set('X-Forwarded-For', header).expect(200)

      expect(forwardedTo(app, '/oauth/token')).toEqual([undefined])
    },
  )

  it('is omitted with forwardClientIp: false', async () => {
    const app = await startApp({ options: { forwardClientIp: false } })

    await app.login().expect(200)

    expect(forwardedTo(app, '/oauth/token')).toEqual([undefined])
  })

  it.each([
    ['no secret', None(), undefined, undefined],
    ['no secret, but with forwardClientIp: true', None(), true, '127.0.0.1'],
    ['a secret in the body', ClientSecretPost('wrong'), undefined, '127.0.0.1'],
    ['a secret in a header', ClientSecretBasic('wrong'), undefined, '127.0.0.1'],
  ])('depends on how the client authenticates: %s', async (_how, clientAuth, forwardClientIp, sent) => {
    const app = await startApp({ options: { clientSecret: undefined, clientAuth, forwardClientIp } })

    await app.login()

    expect(forwardedTo(app, '/oauth/token')).toEqual([sent])
  })

  it('is sent with password grants only, not with discovery, keys, or revocation', async () => {
    const app = await startApp()
    const first = await app.login({ ...credentials, remember_me: true }).expect(200)
    await request(app.app).post('/auth/logout').set('Cookie', cookieOf(first)).expect(200)
    await app.auth.close()

    const told = app.emulator.requests.filter(({ headers }) => headers['auth0-forwarded-for'] !== undefined)

    expect(told.map(({ path }) => path)).toEqual(['/oauth/token'])
    expect(app.emulator.requests.map(({ path }) => path)).toEqual([
      DISCOVERY,
      '/oauth/token',
      '/.well-known/jwks.json',
      '/oauth/revoke',
    ])
  })
})

describe('POST /login: the cookie', () => {
  it('is opaque and a session cookie', async () => {
    const app = await startApp()

    const { name, value, attributes } = setCookie(await app.login().expect(200))

    expect(name).toBe('auth')
    expect(decodeURIComponent(value)).toMatch(/^s:[\w-]{32}\.[\w+/]{43}$/)
    expect(attributes).toEqual({ path: '/', httponly: '', samesite: 'Lax' })
  })

  it('lives as long as a remembered session after remember_me', async () => {
    const now = Date.now()
    const app = await startApp({ seams: { testClock: () => now } })

    const response = await app.login({ ...credentials, remember_me: true }).expect(200)

    const { expires = '', ...others } = setCookie(response).attributes
    expect(others).toEqual({ path: '/', httponly: '', samesite: 'Lax' })
    expect(Math.abs(Date.parse(expires) - (now + 30 * DAY * 1000))).toBeLessThan(5000)
    expect(response.body.expires_at).toBe(new Date(now + 30 * DAY * 1000).toISOString())
  })

  it.each([true, 'true', 'on', '1'])('counts remember_me %j as yes', async (remember_me) => {
    const app = await startApp()

    const response = await app.login({ ...credentials, remember_me }).expect(200)

    expect(Object.keys(setCookie(response).attributes)).toContain('expires')
  })

  it.each([false, 'false', 'off', '0', ''])('counts remember_me %j as no', async (remember_me) => {
    const app = await startApp()

    const response = await app.login({ ...credentials, remember_me }).expect(200)

    expect(Object.keys(setCookie(response).attributes)).not.toContain('expires')
  })

  it('is Secure over HTTPS, according to a trusted proxy', async () => {
    const app = await startApp({ before: behindProxy })

    const secure = await app.login().set('X-Forwarded-Proto', 'https').expect(200)
    const plain = await app.login().set('X-Forwarded-Proto', 'http').expect(200)

    expect(setCookie(secure).attributes).toEqual({ path: '/', httponly: '', samesite: 'Lax', secure: '' })
    expect(setCookie(plain).attributes).toEqual({ path: '/', httponly: '', samesite: 'Lax' })
  })

  it('is not Secure according to an untrusted proxy', async () => {
    const app = await startApp()

    const response = await app.login().set('X-Forwarded-Proto', 'https').expect(200)

    expect(setCookie(response).attributes).toEqual({ path: '/', httponly: '', samesite: 'Lax' })
  })

  it('is named __Host-auth if it is always Secure', async () => {
    const app = await startApp({ before: behindProxy, options: { session: { cookie: { secure: true } } } })

    const response = await app.login().set('X-Forwarded-Proto', 'https').expect(200)

    const { name, attributes } = setCookie(response)
    expect(name).toBe('__Host-auth')
    expect(attributes).toEqual({ path: '/', httponly: '', samesite: 'Lax', secure: '' })
  })

  it('has the name and attributes of the options', async () => {
    const cookie = { name: 'sid', path: '/auth', domain: 'example.com', sameSite: 'strict' } as const
    const app = await startApp({ options: { session: { cookie } } })

    const { name, attributes } = setCookie(await app.login().expect(200))

    expect(name).toBe('sid')
    expect(attributes).toEqual({ path: '/auth', domain: 'example.com', httponly: '', samesite: 'Strict' })
  })

  it.each<[string, NonNullable<TestAppOptions['before']>]>([
    ['by the router', () => undefined],
    ['by auth.session', (app, auth) => app.use(auth.session)],
    ['by auth.session, and touched', (app, auth) => app.use(auth.session, touch)],
  ])(
    'is not sent over plain HTTP if it is always Secure (mounted %s), and Auth0 gets no request',
    async (_, before) => {
      const app = await startApp({ before, options: { session: { cookie: { secure: true } } } })

      const response = await app.login()

      expect(response.status).toBe(400)
      expect(response.body).toEqual(refusal('https_required'))
      expect(response.headers['set-cookie']).toBeUndefined()
      expect(grantsOf(app)).toEqual([])
      expect(app.logged.filter((line) => line.includes("app.set('trust proxy', 1)"))).toHaveLength(1)
    },
  )
})

/** Idle and absolute lifetime of the record, in seconds. */
async function lifetimesOf(session: string): Promise<number[]> {
  const { i, s, e } = await openRedis().hgetall(session)
  return [Number(i) / 1000, (Number(e) - Number(s)) / 1000]
}

describe('POST /login: the session', () => {
  it('is one record that ends with the idle timeout', async () => {
    const app = await startApp()

    const cookie = cookieOf(await app.login().expect(200))

    const [session = '', ...others] = await recordsOf(cookie, app.prefix)
    expect(others).toEqual([])
    expect(session.endsWith(`:s:${sessionIdOf(cookie)}`)).toBe(true)
    expect(Math.abs((await openRedis().ttl(session)) - DAY)).toBeLessThan(5)
    expect(await lifetimesOf(session)).toEqual([DAY, 7 * DAY])
  })

  it('lives longer after remember_me', async () => {
    const app = await startApp()

    const cookie = cookieOf(await app.login({ ...credentials, remember_me: true }).expect(200))

    const [session = ''] = await recordsOf(cookie, app.prefix)
    expect(Math.abs((await openRedis().ttl(session)) - 14 * DAY)).toBeLessThan(5)
    expect(await lifetimesOf(session)).toEqual([14 * DAY, 30 * DAY])
  })

  it('leaves no key without an expiry', async () => {
    const app = await startApp()

    await app.login({ ...credentials, remember_me: true }).expect(200)

    const ttls = await Promise.all((await keysUnder(app.prefix)).map((key) => openRedis().ttl(key)))
    expect(ttls.filter((ttl) => ttl < 0)).toEqual([])
  })

  it('lives as long as the options say', async () => {
    const session = { idleTimeout: 100, absoluteTimeout: 200, remembered: { idleTimeout: 300, absoluteTimeout: 400 } }
    const app = await startApp({ options: { session } })
    const lifetimes = async (body: object) => {
      const cookie = cookieOf(await app.login({ ...credentials, ...body }).expect(200))
      const [session = ''] = await recordsOf(cookie, app.prefix)
      return lifetimesOf(session)
    }

    expect(await lifetimes({})).toEqual([100, 200])
    expect(await lifetimes({ remember_me: true })).toEqual([300, 400])
  })

  it('is stored before the headers of the response are sent', async () => {
    const app = await startApp()
    const { port, url } = await listen(app.app)
    const body = JSON.stringify(credentials)

    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const login = httpRequest({ port, host: '127.0.0.1', path: '/auth/login', method: 'POST', headers })
      login.on('error', reject).on('response', (response) => {
        const [cookie = ''] = response.headers['set-cookie'] ?? []
        request(url)
          .get('/me')
          .set('Cookie', cookie.split(';')[0]!)
          .then((me) => {
            response.resume()
            resolve(me.status)
          }, reject)
      })
      login.end(body)
    })

    expect(status).toBe(200)
  })

  it('is stored before the first byte of the answer', async () => {
    const client = openRedis()
    const store = client.eval.bind(client) as (...args: unknown[]) => Promise<unknown>
    const arrived = gate()
    const released = gate()
    Object.assign(client, {
      eval: async (...args: unknown[]) => {
        arrived.open()
        await released.opened
        return store(...args)
      },
    })
    const app = await startApp({ options: { redis: client, timeouts: { redis: 10_000 } } })
    const { port, url } = await listen(app.app)
    const body = JSON.stringify(credentials)

    const answer = sendRaw(
      port,
      'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n' +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await arrived.opened
    await request(url).get('/auth/user').expect(401)
    const before = answer.received
    released.open()

    expect(before).toBe('')
    expect(await answer.ended).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nSet-Cookie: auth=s%3A[^]*"success":true/)
  })

  it('that cannot be stored leaves no cookie, and its refresh token is revoked', async () => {
    const client = openRedis()
    const app = await startApp({ options: { redis: client, exposeTokens: true } })
    Object.assign(client, { eval: async () => Promise.reject(new Error('READONLY You cannot write')) })

    const response = await app.login({ ...credentials, remember_me: true })
    await app.auth.close()

    expect(response.status).toBe(503)
    expect(response.body).toEqual(refusal('session_unavailable'))
    expect(response.headers['retry-after']).toBe('2')
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(app.emulator.requestsTo('/oauth/revoke')).toHaveLength(1)
    expect(app.emulator.refreshTokens.families()).toBe(0)
  })
})

describe('POST /login: fixation', () => {
  it('gives the session a new id, and the old cookie stops working', async () => {
    const app = await startApp()
    const first = cookieOf(await app.login().expect(200))

    const second = cookieOf(
      await request(app.app).post('/auth/login').set('Cookie', first).send(credentials).expect(200),
    )

    expect(sessionIdOf(second)).not.toBe(sessionIdOf(first))
    await request(app.app).get('/me').set('Cookie', first).expect(401)
    await request(app.app).get('/me').set('Cookie', second).expect(200)
    expect(await recordsOf(first, app.prefix)).toEqual([])
  })

  it('does not adopt a planted id', async () => {
    const app = await startApp()
    const planted = 's%3Aplanted-by-an-attacker-0000000000.c2lnbmF0dXJl'

    const response = await request(app.app)
      .post('/auth/login')
      .set('Cookie', `auth=${planted}`)
      .send(credentials)
      .expect(200)

    expect(setCookie(response).value).not.toBe(planted)
    expect((await keysUnder(app.prefix)).join()).not.toContain('planted')
  })

  it('carries the preserved keys of the anonymous session over, and no others', async () => {
    const routes = (app: Express, auth: RopgAuth) => {
      app.use(auth.session)
      app.post('/fill', (req, res) => {
        Object.assign(req.session, { cart: 'a book', returnTo: '/evil', isAdmin: true })
        res.json({})
      })
      app.get('/cart', (req, res) => {
        res.json({ ...Object.fromEntries(Object.entries(req.session)), cookie: undefined })
      })
    }
    const app = await startApp({ before: routes, options: { session: { preserve: ['cart', 'wishlist'] } } })
    const anonymous = cookieOf(await request(app.app).post('/fill').expect(200))

    const login = await request(app.app).post('/auth/login').set('Cookie', anonymous).send(credentials).expect(200)
    const cart = await request(app.app).get('/cart').set('Cookie', cookieOf(login))

    expect(sessionIdOf(cookieOf(login))).not.toBe(sessionIdOf(anonymous))
    // The login's JSON contains only its public name.
    expect(cart.body).toEqual({ cart: 'a book', ropg: expect.stringMatching(/^[\w-]{36}$/) })
    expect(await recordsOf(anonymous, app.prefix)).toEqual([])
  })
})

describe('POST /login by somebody who is logged in', () => {
  it('replaces the record and revokes the previous refresh token', async () => {
    const app = await startApp({ options: { exposeTokens: true } })
    const first = await app.login({ ...credentials, remember_me: true }).expect(200)

    const second = await request(app.app)
      .post('/auth/login')
      .set('Cookie', cookieOf(first))
      .send({ ...credentials, remember_me: true })
      .expect(200)
    await app.auth.close()

    expect(app.emulator.requestsTo('/oauth/revoke').map(({ params }) => params.token)).toEqual([
      first.body.refresh_token,
    ])
    expect(app.emulator.refreshTokens.isActive(first.body.refresh_token)).toBe(false)
    expect(app.emulator.refreshTokens.isActive(second.body.refresh_token)).toBe(true)
    expect(await recordsOf(cookieOf(first), app.prefix)).toEqual([])
    expect(await recordsOf(cookieOf(second), app.prefix)).toHaveLength(1)
  })

  it('keeps the session and its tokens if the new login is refused', async () => {
    const app = await startApp()
    const first = cookieOf(await app.login({ ...credentials, remember_me: true }).expect(200))
    const before = await recordsOf(first, app.prefix)

    const response = await request(app.app)
      .post('/auth/login')
      .set('Cookie', first)
      .send({ ...credentials, password: 'wrong' })

    expect(response.status).toBe(401)
    expect(response.headers['set-cookie']).toBeUndefined()
    await request(app.app).get('/me').set('Cookie', first).expect(200)
    expect(await recordsOf(first, app.prefix)).toEqual(before)
    expect(app.emulator.refreshTokens.families()).toBe(1)
  })

  it('logs the second user in', async () => {
    const grace = { email: 'grace@example.com', password: 'debugged a moth', name: 'Grace Hopper' }
    const app = await startApp({ emulator: { users: [ada, grace] } })
    const agent = app.agent()
    await agent.post('/auth/login').send(credentials).expect(200)

    await agent.post('/auth/login').send({ email: grace.email, password: grace.password }).expect(200)
    const me = await agent.get('/me').expect(200)

    expect(me.body.sub).toBe(app.emulator.users.get(grace.email)!.sub)
    expect(me.body.user.email).toBe(grace.email)
  })
})

describe('POST /login with exposeTokens', () => {
  it('adds the tokens', async () => {
    const app = await startApp({ options: { exposeTokens: true, audience: API, scope: 'openid email read:posts' } })

    const response = await app.login({ ...credentials, remember_me: true })

    expect(response.body).toEqual({
      success: true,
      user: { id: app.emulator.users.get(ada.email)!.sub, email: ada.email },
      expires_at: expect.any(String),
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'openid email read:posts offline_access',
      refresh_token: expect.stringMatching(/^.{20,}$/),
    })
  })

  it('omits refresh_token if none was issued', async () => {
    const app = await startApp({ options: { exposeTokens: true } })

    const response = await app.login()

    expect(Object.keys(response.body).sort()).toEqual(
      ['access_token', 'expires_at', 'expires_in', 'scope', 'success', 'token_type', 'user'].sort(),
    )
  })

  it('does not claim offline_access if Auth0 withheld the refresh token', async () => {
    const apis = [{ audience: API, scopes: ['read:posts'], allowOfflineAccess: false }]
    const app = await startApp({
      options: { exposeTokens: true, audience: API, scope: 'openid read:posts' },
      emulator: { apis },
    })

    const response = await app.login({ ...credentials, remember_me: true }).expect(200)

    expect(response.body.scope).toBe('openid read:posts')
    expect(response.body).not.toHaveProperty('refresh_token')
  })
})

describe('POST /login: discovery', () => {
  it('is one request for concurrent first logins', async () => {
    const app = await startApp()
    const discovery = app.emulator.hold({ path: DISCOVERY })
    const { url } = await listen(app.app)

    const logins = Array.from({ length: 5 }, async () => request(url).post('/auth/login').send(credentials))
    await discovery.arrived
    discovery.release()
    const answers = await Promise.all(logins)

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(app.emulator.requestsTo(DISCOVERY)).toHaveLength(1)
    expect(grantsOf(app)).toHaveLength(5)
  })

  it('is repeated after a failure', async () => {
    const app = await startApp()
    app.emulator.failNext({ path: DISCOVERY, status: 500 })

    const failed = await app.login()
    const next = await app.login()

    expect(failed.status).toBe(503)
    expect(failed.body).toEqual(refusal('auth_unavailable'))
    expect(next.status).toBe(200)
    expect(app.emulator.requestsTo(DISCOVERY)).toHaveLength(2)
    expect(grantsOf(app)).toHaveLength(1)
  })
})

describe('POST /login: the ID token', () => {
  it.each(['RS256', 'PS256', 'HS256'] as const)(
    'is checked for a tenant that signs with %s',
    async (idTokenSigningAlg) => {
      const app = await startApp({ options: { idTokenSigningAlg }, emulator: { idTokenSigningAlg } })

      const response = await app.login()

      expect(response.status).toBe(200)
      expect(response.body.user.email).toBe(ada.email)
    },
  )

  it('may be signed with a key that the tenant has rotated to', async () => {
    const app = await startApp()
    await app.login().expect(200)

    app.emulator.rotateSigningKeys()

    await app.login().expect(200)
  })

  it.each([
    ['RS256', 'PS256'],
    ['PS256', 'RS256'],
    ['HS256', 'RS256'],
    ['RS256', 'HS256'],
  ] as const)('is refused if %s is set and the tenant signs with %s', async (wanted, signed) => {
    const app = await startApp({
      options: { idTokenSigningAlg: wanted },
      emulator: { idTokenSigningAlg: signed },
    })

    expectMisconfigured(app, await app.login(), /idTokenSigningAlg/)
  })

  it.each([
    ['another subject under the signature', (token: string) => forged(token, { sub: 'auth0|mallory' })],
    ['no signature', (token: string) => `${encoded({ alg: 'none' })}.${token.split('.')[1]!}.`],
    ['a signature cut off', (token: string) => `${token.split('.').slice(0, 2).join('.')}.`],
    ['not even a token', () => 'abc'],
  ])('is refused with %s', async (_, forge) => {
    const app = await startApp()
    const genuine = await app.auth.client.getTokenByPassword({ username: ada.email, password: ada.password })
    app.emulator.failNext({ status: 200, body: tokenAnswer(forge(genuine.idToken!)) })

    expectMisconfigured(app, await app.login(), /the ID token could not be verified/)
  })

  it.each([
    ['another audience', { aud: 'somebody-else' }],
    ['another issuer', { iss: 'https://evil.example.com/' }],
    ['an end that has passed', { exp: Math.floor(Date.now() / 1000) - 3600 }],
    ['no subject', { sub: undefined }],
    ['no audience', { aud: undefined }],
  ])('is refused with %s', async (_, claims) => {
    const app = await startApp({ options: { idTokenSigningAlg: 'HS256' } })
    app.emulator.failNext({ status: 200, body: tokenAnswer(await hmacToken(app, claims)) })

    expectMisconfigured(app, await app.login(), /the ID token could not be verified/)
  })

  it('is refused with the HMAC of another secret', async () => {
    const app = await startApp({ options: { idTokenSigningAlg: 'HS256' } })
    app.emulator.failNext({ status: 200, body: tokenAnswer(await hmacToken(app, {}, 'not the secret of this client')) })

    expectMisconfigured(app, await app.login(), /idTokenSigningAlg/)
  })

  it('is accepted with the HMAC of the client secret', async () => {
    const app = await startApp({ options: { idTokenSigningAlg: 'HS256' } })
    app.emulator.failNext({ status: 200, body: tokenAnswer(await hmacToken(app, {})) })

    const response = await app.login()

    expect(response.status).toBe(200)
    expect(response.body.user).toEqual({ id: 'auth0|hmac' })
  })
})

function expectMisconfigured(app: TestApp, response: Response, setting: RegExp) {
  expect(response.status).toBe(500)
  expect(response.body).toEqual(refusal('configuration_error'))
  expect(response.headers['set-cookie']).toBeUndefined()
  expect(app.events.map(({ name, code }) => [name, code])).toEqual([['login.failed', 'configuration_error']])
  expect(app.events[0]!.detail).toMatch(setting)
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function forged(token: string, claims: object): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const known = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  return `${header}.${encoded({ ...known, ...claims })}.${signature}`
}

function tokenAnswer(id_token: string) {
  return { access_token: 'access', token_type: 'Bearer', expires_in: 3600, id_token }
}

async function hmacToken({ emulator }: TestApp, claims: object, key = emulator.clientSecret): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const valid = { iss: emulator.issuer, aud: emulator.clientId, sub: 'auth0|hmac', iat: now, exp: now + 600 }
  return new SignJWT({ ...valid, ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(key))
}

describe('auth.login', () => {
  const ownRoute = (results: unknown[]) => (app: Express, auth: RopgAuth) => {
    app.post('/sign-in', express.json(), (req, res) => {
      auth.login(req, req.body).then(
        (result) => {
          results.push(result)
          res.json({ hello: result.user.name })
        },
        (err: unknown) => {
          results.push(err)
          res.status(err instanceof AuthError ? err.status : 500).json(err)
        },
      )
    })
  }

  it('logs in within a route of the app', async () => {
    const results: LoginResult[] = []
    const now = Date.now()
    const app = await startApp({ after: ownRoute(results), seams: { testClock: () => now } })
    const sub = app.emulator.users.get(ada.email)!.sub

    const response = await request(app.app)
      .post('/sign-in')
      .send({ username: ada.email, password: ada.password })
      .expect(200, { hello: ada.name })
    const me = await request(app.app).get('/me').set('Cookie', cookieOf(response)).expect(200)

    expect(results).toEqual([
      { user: me.body.user, sub, sessionId: me.body.sessionId, expiresAt: new Date(now + 7 * DAY * 1000) },
    ])
    expect(forwardedTo(app, '/oauth/token')).toEqual(['127.0.0.1'])
    expect(app.events.map(({ name }) => name)).toEqual(['login.succeeded'])
  })

  it.each([
    ['rememberMe', { username: ada.email, rememberMe: true }],
    ['the names of a body', { email: ada.email, remember_me: 'on' }],
  ])('accepts a realm and %s', async (_, input) => {
    const app = await startApp({
      after: ownRoute([]),
      options: { allowedRealms: ['customers'] },
      emulator: { users: [{ ...ada, connection: 'customers' }] },
    })

    const response = await request(app.app)
      .post('/sign-in')
      .send({ ...input, password: ada.password, realm: 'customers' })
      .expect(200)

    expect(Object.keys(setCookie(response).attributes)).toContain('expires')
    expect(grantsOf(app).map(({ params }) => [params.grant_type, params.realm, params.scope])).toEqual([
      [PASSWORD_REALM, 'customers', 'openid profile email offline_access'],
    ])
  })

  it('rejects with TokenByPasswordError if Auth0 refuses, and sets no cookie', async () => {
    const results: AuthError[] = []
    const app = await startApp({ after: ownRoute(results) })

    const response = await request(app.app).post('/sign-in').send({ username: ada.email, password: 'wrong' })

    expect(response.status).toBe(401)
    expect(response.body).toEqual(refusal('invalid_credentials'))
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(results[0]).toBeInstanceOf(TokenByPasswordError)
  })

  it.each([
    ['username', { password: ada.password }],
    ['password', { username: ada.email }],
    ['username', { username: '', password: ada.password }],
    ['password', { username: ada.email, password: '' }],
  ])('rejects with MissingRequiredArgumentError without %s', async (argument, body) => {
    const results: AuthError[] = []
    const app = await startApp({ after: ownRoute(results) })

    const response = await request(app.app).post('/sign-in').send(body)

    expect(results[0]).toBeInstanceOf(MissingRequiredArgumentError)
    expect(results[0]).toMatchObject({ argument, code: 'invalid_request' })
    expect(response.status).toBe(400)
    const reason = argument === 'username' ? 'is required: send email or username' : 'is required'
    expect(response.body).toEqual(refusal('invalid_request', { fields: { [argument]: reason } }))
    expect(grantsOf(app)).toEqual([])
  })
})

describe('auth.login with what the user sent', () => {
  const routes = (results: unknown[]) => (app: Express, auth: RopgAuth) => {
    app.post('/sign-in', express.json(), (req, res) => {
      auth.login(req, req.body).catch((err: unknown) => {
        results.push(err)
        res.status(err instanceof AuthError ? err.status : 500).json(err)
      })
    })
  }

  it.each([
    ['a list for the username', { username: [ada.email], password: 'x' }, { username: 'must be a string' }],
    ['an object for the password', { username: ada.email, password: { $ne: '' } }, { password: 'must be a string' }],
    ['a blank username', { username: ' ', password: 'x' }, { username: 'must not be empty' }],
    [
      'another realm',
      { username: ada.email, password: 'x', realm: 'y' },
      { realm: 'is not one of the accepted realms' },
    ],
  ])('rejects with invalid_request for %s', async (_, body, fields) => {
    const results: unknown[] = []
    const app = await startApp({ after: routes(results) })

    const response = await request(app.app).post('/sign-in').send(body)

    expect(response.status).toBe(400)
    expect(response.body).toEqual(refusal('invalid_request', { fields }))
    expect(results[0]).toBeInstanceOf(AuthError)
    expect(app.emulator.requests).toEqual([])
  })

  it('rejects with MissingRequiredArgumentError if there is no body', async () => {
    const results: unknown[] = []
    const app = await startApp({ after: routes(results) })

    const response = await request(app.app).post('/sign-in')

    expect(results[0]).toBeInstanceOf(MissingRequiredArgumentError)
    expect(response.status).toBe(400)
    const fields = { username: 'is required: send email or username' }
    expect(response.body).toEqual(refusal('invalid_request', { fields }))
    expect(app.logged.filter((line) => line.includes('express.json()'))).toEqual([])
  })

  it('logs once to add express.json() if there is a body that nobody has read', async () => {
    const app = await startApp({
      after: (app, auth) => {
        app.post('/unread', (req, res) => {
          auth.login(req, req.body).catch((err: unknown) => res.status((err as AuthError).status).json(err))
        })
      },
    })
    for (let time = 0; time < 2; time++) {
      const sent = request(app.app).post('/unread').send({ email: ada.email, password: ada.password })
      expect((await sent).status).toBe(400)
    }
    expect(app.logged.filter((line) => line.includes('express.json()'))).toEqual([
      expect.stringMatching(/add express\.json\(\).*"cause":"no credentials"/),
    ])
  })
})

describe('auth.client.getTokenByPassword', () => {
  it('resolves to the tokens and claims, without a session', async () => {
    const now = Date.now()
    const app = await startApp({ seams: { testClock: () => now } })

    const grant = await app.auth.client.getTokenByPassword({
      username: ada.email,
      password: ada.password,
      audience: API,
      scope: 'openid email read:posts offline_access',
      auth0ForwardedFor: '203.0.113.7',
    })

    expect(grant).toEqual({
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      tokenType: 'Bearer',
      expiresAt: Math.floor(now / 1000) + 86_400,
      scope: 'openid email read:posts offline_access',
      audience: API,
      idToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refreshToken: expect.any(String),
      claims: {
        iss: app.emulator.issuer,
        aud: app.emulator.clientId,
        sub: app.emulator.users.get(ada.email)!.sub,
        iat: expect.any(Number),
        exp: expect.any(Number),
        email: ada.email,
        email_verified: true,
      },
    })
    expect(forwardedTo(app, '/oauth/token')).toEqual(['203.0.113.7'])
    expect(await keysUnder(app.prefix)).toEqual([])
  })

  it('accepts a realm', async () => {
    const app = await startApp({ emulator: { users: [{ ...ada, connection: 'customers' }] } })

    await app.auth.client.getTokenByPassword({ username: ada.email, password: ada.password, realm: 'customers' })

    expect(grantsOf(app).map(({ params }) => [params.grant_type, params.realm])).toEqual([
      [PASSWORD_REALM, 'customers'],
    ])
  })

  it('resolves without claims if openid was not requested', async () => {
    const app = await startApp()

    const grant = await app.auth.client.getTokenByPassword({
      username: ada.email,
      password: ada.password,
      audience: API,
      scope: 'read:posts',
    })

    expect(Object.keys(grant).sort()).toEqual(['accessToken', 'audience', 'expiresAt', 'scope', 'tokenType'])
    expect(grant.scope).toBe('read:posts')
  })

  it.each([
    ['username', { password: ada.password }],
    ['password', { username: ada.email }],
  ])('rejects with MissingRequiredArgumentError without %s', async (argument, input) => {
    const app = await startApp()

    const error: unknown = await app.auth.client
      .getTokenByPassword(input as { username: string; password: string })
      .catch((err: unknown) => err)

    expect(error).toBeInstanceOf(MissingRequiredArgumentError)
    expect(error).toMatchObject({ argument, code: 'invalid_request', status: 400 })
    expect(app.emulator.requests).toEqual([])
  })

  it('rejects with TokenByPasswordError and the code if Auth0 refuses', async () => {
    const app = await startApp()

    const error: unknown = await app.auth.client
      .getTokenByPassword({ username: ada.email, password: 'wrong' })
      .catch((err: unknown) => err)

    expect(error).toBeInstanceOf(TokenByPasswordError)
    expect(error).toMatchObject({
      code: 'invalid_credentials',
      status: 401,
      auth0: { status: 403, error: 'invalid_grant', description: 'Wrong email or password.' },
    })
  })
})
