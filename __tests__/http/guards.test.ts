import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request, { type Response } from 'supertest'
import { ConfigurationError, type RopgAuth } from '../../lib/index.ts'
import { signIn } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { uniquePrefix } from '../support/redis.ts'
import { cookieOf, DAY, keysUnder, listen, openRedis, recordsOf, refusal, sendRaw, setCookie } from './wire.ts'

const credentials = { email: ada.email, password: ada.password }
const behindProxy = (app: Express) => void app.set('trust proxy', 1)

describe('requireAuth', () => {
  const ask = ({ app }: TestApp, cookie?: string) => {
    const get = request(app).get('/me')
    return cookie === undefined ? get : get.set('Cookie', cookie)
  }

  function expectUnauthorized(response: Response, code: 'unauthenticated' | 'session_expired') {
    expect(response.status).toBe(401)
    expect(response.body).toEqual(refusal(code))
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(response.headers.location).toBeUndefined()
  }

  it.each([
    ['no cookie', undefined],
    ['a cookie of another name', 'sid=abc'],
    ['an empty cookie', 'auth='],
    ['a cookie without a signature', 'auth=s%3Aabcdefghijklmnopqrstuvwxyz012345'],
    ['a cookie with a forged signature', `auth=s%3Aabcdefghijklmnopqrstuvwxyz012345.${'A'.repeat(43)}`],
    ['an unsigned id', 'auth=abcdefghijklmnopqrstuvwxyz012345'],
    ['a cookie that cannot be decoded', 'auth=%E0%A4%A'],
    ['a cookie of a megabyte of nothing', `auth=${'x'.repeat(8000)}`],
  ])('answers 401 unauthenticated to %s, and stores nothing', async (_, cookie) => {
    const app = await startApp()

    const response = await ask(app, cookie)

    expectUnauthorized(response, 'unauthenticated')
    expect(await keysUnder(app.prefix)).toEqual([])
  })

  it('answers 401 unauthenticated to a cookie whose signature was tampered with', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login().expect(200))
    const tampered = cookie.replace(
      /(s%3A)(.)/,
      (_, start: string, letter: string) => start + (letter === 'A' ? 'B' : 'A'),
    )

    expectUnauthorized(await ask(app, tampered), 'unauthenticated')
    await ask(app, cookie).expect(200)
  })

  it('answers 401 unauthenticated to a cookie signed with another secret', async () => {
    const app = await startApp()
    const other = await startApp({
      options: { session: { secret: 'another secret that nobody else knows', prefix: app.prefix } },
      emulator: app.emulator,
    })

    expectUnauthorized(await ask(app, cookieOf(await other.login().expect(200))), 'unauthenticated')
  })

  it('accepts a cookie signed with an old secret that is still listed', async () => {
    const old = 'the secret before this one, 32 letters'
    const first = await startApp({ options: { session: { secret: old } } })
    const cookie = cookieOf(await first.login().expect(200))
    const second = await startApp({
      options: { session: { secret: ['the new secret that signs from now on', old], prefix: first.prefix } },
      emulator: first.emulator,
    })

    await ask(second, cookie).expect(200)
  })

  it('answers 401 session_expired after the absolute timeout, regardless of the cookie', async () => {
    let now = Date.now()
    const app = await startApp({ options: { session: { idleTimeout: 7 * DAY } }, seams: { testClock: () => now } })
    const cookie = cookieOf(await app.login().expect(200))

    now += 7 * DAY * 1000 - 1000
    await ask(app, cookie).expect(200)
    now += 2000

    expectUnauthorized(await ask(app, cookie), 'session_expired')
  })

  it('answers 401 session_expired if Redis no longer has the session', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login().expect(200))
    await openRedis().del(...(await recordsOf(cookie, app.prefix)))

    expectUnauthorized(await ask(app, cookie), 'session_expired')
  })

  it('answers 401 to the session of another client on the same Redis with the same secret', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login().expect(200))
    const other = await startApp({ options: { session: { prefix: app.prefix } } })

    const response = await ask(other, cookie)

    expect(response.status).toBe(401)
    await ask(app, cookie).expect(200)
  })

  it('answers 401 if the record cannot be read', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login().expect(200))
    const [session = ''] = await recordsOf(cookie, app.prefix)
    await openRedis().hset(session, 'l', 'broken')

    expectUnauthorized(await ask(app, cookie), 'session_expired')
  })

  it('sets no cookie', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login({ ...credentials, remember_me: true }).expect(200))

    const response = await ask(app, cookie)

    expect(response.status).toBe(200)
    expect(response.headers['set-cookie']).toBeUndefined()
  })

  it('returns when the user logged in', async () => {
    const now = Date.now()
    const app = await startApp({
      seams: { testClock: () => now },
      after: (app, auth) => {
        app.get('/since', auth.requireAuth, (req, res) => {
          res.json({ since: req.auth.authenticatedAt, keys: Object.keys(req.auth).sort() })
        })
      },
    })
    const agent = await signIn(app.agent(), app.auth)

    const response = await agent.get('/since')

    expect(response.body).toEqual({
      since: new Date(now).toISOString(),
      keys: ['authenticatedAt', 'data', 'getAccessToken', 'logout', 'sessionId', 'sub', 'user'],
    })
  })

  it('answers 503 session_unavailable to a cookie while Redis is down', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login().expect(200))
    const broken = await startApp({
      options: { redis: `redis://127.0.0.1:${await freePort()}`, timeouts: { redis: 200 } },
      emulator: app.emulator,
    })

    const response = await ask(broken, cookie)

    expect(response.status).toBe(503)
    expect(response.body).toEqual(refusal('session_unavailable'))
    expect(response.headers['retry-after']).toBe('2')
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['set-cookie']).toBeUndefined()
  })
})

describe('GET /user', () => {
  it('answers the profile claims and nothing about the token', async () => {
    const app = await startApp({
      emulator: { users: [{ ...ada, claims: { 'https://example.com/roles': ['admin'] } }] },
    })
    const agent = app.agent()
    await agent.post('/auth/login').send(credentials).expect(200)

    const response = await agent.get('/auth/user')

    expect(response.status).toBe(200)
    expect(response.body).toEqual({
      user: {
        sub: app.emulator.users.get(ada.email)!.sub,
        email: ada.email,
        email_verified: true,
        name: ada.name,
        nickname: 'ada',
        picture: expect.any(String),
        updated_at: expect.any(String),
        'https://example.com/roles': ['admin'],
      },
    })
    expect(response.headers['cache-control']).toBe('no-store')
  })

  it('answers HEAD like GET, without the body', async () => {
    const app = await startApp()
    const agent = await signIn(app.agent(), app.auth)

    const response = await agent.head('/auth/user')

    expect(response.status).toBe(200)
    expect(response.text).toBeUndefined()
  })

  it('answers 401 without a login', async () => {
    const app = await startApp()

    const response = await request(app.app).get('/auth/user')

    expect(response.status).toBe(401)
    expect(response.body).toEqual(refusal('unauthenticated'))
  })
})

describe('requireScope', () => {
  const routes = (app: Express, auth: RopgAuth) => {
    app.get('/posts', auth.requireAuth, auth.requireScope('read:posts'), (_req, res) => void res.json({ posts: [] }))
    app.get('/edit', auth.requireAuth, auth.requireScope('read:posts', 'write:posts'), (_req, res) => void res.json({}))
    app.get('/words', auth.requireAuth, auth.requireScope('read:posts write:posts'), (_req, res) => void res.json({}))
    app.get('/alone', auth.requireScope('read:posts'), (_req, res) => void res.json({}))
  }

  it('lets users with the granted scope pass', async () => {
    const app = await startApp({
      after: routes,
      options: { audience: 'https://api.example.com', scope: 'openid read:posts' },
    })
    const agent = app.agent()
    await agent.post('/auth/login').send(credentials).expect(200)

    await agent.get('/posts').expect(200, { posts: [] })
  })

  it.each([
    ['/edit', 'openid read:posts', 'read:posts write:posts'],
    ['/words', 'openid write:posts', 'read:posts write:posts'],
    ['/posts', 'openid', 'read:posts'],
    ['/posts', 'openid read:posts:all', 'read:posts'],
    ['/posts', 'openid READ:POSTS', 'read:posts'],
    ['/posts', '', 'read:posts'],
  ])('answers 403 at %s to the scopes "%s", with the required scopes', async (path, scope, wanted) => {
    const app = await startApp({ after: routes })
    const agent = await signIn(app.agent(), app.auth, {}, { scope })

    const response = await agent.get(path)

    expect(response.status).toBe(403)
    expect(response.body).toEqual(refusal('insufficient_scope', { scope: wanted }))
    expect(response.headers['cache-control']).toBe('no-store')
  })

  it.each(['/edit', '/words'])('requires all scopes at %s', async (path) => {
    const app = await startApp({ after: routes })
    const agent = await signIn(app.agent(), app.auth, {}, { scope: 'write:posts openid read:posts' })

    await agent.get(path).expect(200)
  })

  it('refuses a requested scope that Auth0 did not grant', async () => {
    const app = await startApp({
      after: routes,
      options: { audience: 'https://api.example.com', scope: 'openid read:posts' },
      emulator: { apis: [{ audience: 'https://api.example.com', scopes: ['write:posts'] }] },
    })
    const agent = app.agent()
    await agent.post('/auth/login').send(credentials).expect(200)

    await agent.get('/posts').expect(403)
  })

  it('comes after requireAuth: 401 first', async () => {
    const app = await startApp({ after: routes })

    await request(app.app).get('/posts').expect(401, refusal('unauthenticated'))
  })

  it('answers 500 configuration_error where requireAuth is missing', async () => {
    const app = await startApp({ after: routes })

    await request(app.app).get('/alone').expect(500, refusal('configuration_error'))
  })

  it('accepts a list', async () => {
    const app = await startApp({
      after: (app, auth) => {
        app.get(
          '/list',
          auth.requireAuth,
          auth.requireScope(['read:posts', 'write:posts']),
          (_req, res) => void res.json({}),
        )
      },
    })
    const agent = await signIn(app.agent(), app.auth, {}, { scope: 'read:posts' })

    await agent.get('/list').expect(403, refusal('insufficient_scope', { scope: 'read:posts write:posts' }))
  })

  it.each([1, null, {}])('refuses to be made of %j', async (scope) => {
    const app = await startApp()

    expect(() => app.auth.requireScope(scope as unknown as string)).toThrow(ConfigurationError)
  })

  it.each([[[]], [['']], [['  ', '']]])('refuses to be made of %j', async (scopes) => {
    const app = await startApp()

    expect(() => app.auth.requireScope(...scopes)).toThrow(
      "the scopes of requireScope are missing: auth.requireScope('read:posts')",
    )
  })
})

describe('requireAuth', () => {
  it('throws if called with parentheses, and says how to write it', async () => {
    const app = await startApp()

    expect(() => Reflect.apply(app.auth.requireAuth, undefined, [])).toThrow(
      'requireAuth is itself the middleware: write auth.requireAuth, without parentheses',
    )
  })
})

type Headers = Record<string, string>

const SAME_ORIGIN: [title: string, headers: Headers, allowed: boolean][] = [
  ['no header at all', {}, true],
  ['Sec-Fetch-Site: same-origin', { 'Sec-Fetch-Site': 'same-origin' }, true],
  ['Sec-Fetch-Site: none', { 'Sec-Fetch-Site': 'none' }, true],
  ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site' }, false],
  ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }, false],
  ['Sec-Fetch-Site: nonsense', { 'Sec-Fetch-Site': 'SAME-ORIGIN' }, false],
  ['an empty Sec-Fetch-Site', { 'Sec-Fetch-Site': '' }, false],
  ['cross-site from the own Origin', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://app.example.com' }, false],
  ['same-origin from another Origin', { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://evil.example' }, true],
  ['cross-site from an allowed Origin', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://spa.example.net' }, true],
  ['same-site from an allowed Origin', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://spa.example.net' }, true],
  ['the own Origin', { Origin: 'http://app.example.com' }, true],
  ['the own Origin behind TLS', { Origin: 'https://app.example.com' }, true],
  ['an allowed Origin', { Origin: 'https://spa.example.net' }, true],
  ['an allowed Origin over plain HTTP', { Origin: 'http://spa.example.net' }, false],
  ['an allowed Origin on another port', { Origin: 'https://spa.example.net:8443' }, false],
  ['another Origin', { Origin: 'https://evil.example' }, false],
  ['another port of the own host', { Origin: 'http://app.example.com:8080' }, false],
  ['a subdomain', { Origin: 'https://evil.app.example.com' }, false],
  ['a host that begins the same', { Origin: 'https://app.example.com.evil.example' }, false],
  ['a host that ends the same', { Origin: 'https://evilapp.example.com' }, false],
  ['the own host as a user name', { Origin: 'https://app.example.com@evil.example' }, false],
  ['Origin: null', { Origin: 'null' }, false],
  ['an empty Origin', { Origin: '' }, false],
  ['an Origin that is none', { Origin: 'app.example.com' }, false],
  [
    'another Origin with a forwarded host of its own',
    { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' },
    false,
  ],
]

describe.each(['/auth/login', '/auth/logout'])('POST %s', (path) => {
  it.each(SAME_ORIGIN)('with %s', async (_, headers, allowed) => {
    const app = await startApp({ options: { allowedOrigins: ['https://spa.example.net'] } })

    const response = await request(app.app).post(path).set('Host', 'app.example.com').set(headers).send(credentials)

    expect(response.status).toBe(allowed ? 200 : 403)
    if (allowed) return
    expect(response.body).toEqual(refusal('cross_site_request'))
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(response.headers['access-control-allow-origin']).toBeUndefined()
    expect(app.emulator.requests).toEqual([])
    expect(await keysUnder(app.prefix)).toEqual([])
  })

  it('recognizes its own host behind a trusted proxy', async () => {
    const app = await startApp({ before: behindProxy })

    const response = await request(app.app)
      .post(path)
      .set({ Host: '10.0.0.7:3000', 'X-Forwarded-Host': 'app.example.com', 'X-Forwarded-Proto': 'https' })
      .set('Origin', 'https://app.example.com')
      .send(credentials)

    expect(response.status).toBe(200)
  })

  it.each([
    ['http', 403],
    ['https', 200],
  ])('answers an Origin of %s on a request over HTTPS with %i', async (scheme, status) => {
    const app = await startApp({ before: behindProxy })

    await request(app.app)
      .post('/auth/logout')
      .set({ Host: 'app.example.com', 'X-Forwarded-Proto': 'https', Origin: `${scheme}://app.example.com` })
      .expect(status)
  })

  it('refuses Origin: null even if the Host header is invalid', async () => {
    const app = await startApp()
    const { port } = await listen(app.app)
    const body = JSON.stringify(credentials)

    const answer = await sendRaw(
      port,
      `POST ${path} HTTP/1.1\r\nHost: a b\r\nConnection: close\r\nOrigin: null\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    ).ended

    expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*"error":"cross_site_request"/)
  })
})

describe('POST /logout from another site', () => {
  it('does not log anybody out', async () => {
    const app = await startApp()
    const cookie = cookieOf(await app.login().expect(200))

    await request(app.app).post('/auth/logout').set('Cookie', cookie).set('Sec-Fetch-Site', 'cross-site').expect(403)

    await request(app.app).get('/me').set('Cookie', cookie).expect(200)
  })
})

describe('GET /user from another site', () => {
  it('is allowed, because it changes nothing and the browser hides the response from the page', async () => {
    const app = await startApp()
    const cookie = await signIn(app.app, app.auth)

    const response = await request(app.app).get('/auth/user').set('Cookie', cookie).set('Sec-Fetch-Site', 'cross-site')

    expect(response.status).toBe(200)
    expect(response.headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('requireHttps', () => {
  const routes = [
    ['post', '/auth/login'],
    ['post', '/auth/logout'],
    ['get', '/auth/user'],
  ] as const

  it.each(routes)('refuses %s %s over plain HTTP', async (method, path) => {
    const app = await startApp({ options: { requireHttps: true } })

    const agent = request(app.app)
    const response = await agent[method](path).send(method === 'post' ? credentials : undefined)

    expect(response.status).toBe(400)
    expect(response.body).toEqual(refusal('https_required'))
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(app.emulator.requests).toEqual([])
  })

  it('does not trust X-Forwarded-Proto of an untrusted proxy', async () => {
    const app = await startApp({ options: { requireHttps: true } })

    await app.login().set('X-Forwarded-Proto', 'https').expect(400, refusal('https_required'))
  })

  it.each([
    ['https', 200],
    ['http', 400],
  ])('uses X-Forwarded-Proto %s of a trusted proxy', async (proto, status) => {
    const app = await startApp({ before: behindProxy, options: { requireHttps: true } })

    const response = await app.login().set('X-Forwarded-Proto', proto)

    expect(response.status).toBe(status)
  })

  it('is off outside production', async () => {
    const app = await startApp()

    await app.login().expect(200)
  })
})

describe('methods', () => {
  it.each([
    ...(['put', 'patch', 'delete'] as const).map((method) => [method, '/auth/login', 'POST'] as const),
    ...(['get', 'head', 'put', 'patch', 'delete'] as const).map((method) => [method, '/auth/logout', 'POST'] as const),
    ...(['post', 'put', 'patch', 'delete'] as const).map((method) => [method, '/auth/user', 'GET, HEAD'] as const),
  ])('%s %s answers 405 and what is allowed', async (method, path, allow) => {
    const app = await startApp()

    const response = await request(app.app)[method](path)

    expect(response.status).toBe(405)
    expect(response.headers.allow).toBe(allow)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['set-cookie']).toBeUndefined()
    if (method !== 'head') expect(response.body).toEqual(refusal('method_not_allowed'))
  })

  it.each([
    ['/auth/login', 'POST'],
    ['/auth/logout', 'POST'],
    ['/auth/user', 'GET, HEAD'],
  ])('OPTIONS %s answers 204 and what is allowed', async (path, allow) => {
    const app = await startApp()

    const response = await request(app.app).options(path)

    expect(response.status).toBe(204)
    expect(response.headers.allow).toBe(allow)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['access-control-allow-origin']).toBeUndefined()
    expect(response.text).toBe('')
  })

  it.each(['signup', 'password-reset', 'callback', 'backchannel-logout', 'nowhere'])(
    'passes /%s to the app if it is off',
    async (route) => {
      const app = await startApp()

      await request(app.app).post(`/auth/${route}`).send({}).expect(404)
    },
  )
})

describe('the rate limit of POST /login', () => {
  const limited = { rateLimit: {} }
  const wrong = { ...credentials, password: 'wrong' }
  const from = (app: TestApp, address: string) => app.login(wrong).set('X-Forwarded-For', address)

  async function spend(app: TestApp, attempts: number, address = '203.0.113.7') {
    for (let attempt = 0; attempt < attempts; attempt++) await from(app, address).expect(401)
  }

  it('answers 429 to the sixth attempt in a minute, even with the right password', async () => {
    const app = await startApp({ options: limited })
    for (let attempt = 1; attempt <= 5; attempt++) await app.login(wrong).expect(401)

    const response = await app.login()

    expect(response.status).toBe(429)
    expect(response.body).toEqual(refusal('rate_limited'))
    expect(response.headers['retry-after']).toMatch(/^(?:60|59|58)$/)
    expect(response.headers.ratelimit).toMatch(/^"subnet"; r=0; t=(?:60|59|58), "attempts"; r=54; /)
    expect(response.headers['ratelimit-policy']).toMatch(/^"subnet"; q=5; w=60; pk=:[\w+/=]+:, /)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(response.headers['x-ratelimit-limit']).toBeUndefined()
    expect(app.emulator.requestsTo('/oauth/token')).toHaveLength(5)
    expect(app.events.at(-1)).toEqual({
      name: 'login.rate_limited',
      code: 'rate_limited',
      time: expect.any(String),
      requestId: expect.any(String),
      ip: '127.0.0.1',
      userName: ada.email,
      detail: expect.stringContaining('rateLimit.subnet'),
      durationMs: expect.any(Number),
    })
  })

  it('findings 52: does not count logins that succeed: 30 in a minute from one address', async () => {
    const app = await startApp({ options: limited })

    const statuses = []
    for (let attempt = 1; attempt <= 30; attempt++) statuses.push((await app.login()).status)

    expect(statuses).toEqual(Array(30).fill(200))
  })

  it('does not count bad bodies, other methods, other sites and other routes', async () => {
    const app = await startApp({ options: limited })
    for (let attempt = 1; attempt <= 6; attempt++) {
      await app.login({ email: ada.email }).expect(400)
      await request(app.app).post('/auth/login').type('json').send('{').expect(400)
      await request(app.app).post('/auth/login').type('text').send('x').expect(415)
      await request(app.app).put('/auth/login').expect(405)
      await request(app.app).post('/auth/logout').expect(200)
      await app.login().set('Sec-Fetch-Site', 'cross-site').expect(403)
    }

    const response = await app.login()

    expect(response.status).toBe(200)
    expect(response.headers.ratelimit).toMatch(/^"subnet"; r=4; /)
  })

  it.each([
    ['one IPv4 address', '203.0.113.7', '203.0.113.7'],
    ['an IPv4 address and the same wrapped in IPv6', '203.0.113.7', '::ffff:203.0.113.7'],
    ['an IPv4 address and the same with a port', '203.0.113.7', '203.0.113.7:4711'],
    ['two addresses in one IPv6 /56', '2001:db8:0:1::1', '2001:db8:0:ff:a:b:c:d'],
    ['two ways to write an IPv6 address', '2001:db8::1', '2001:0DB8:0000:0000:0000:0000:0000:0001'],
  ])('counts %s as one client', async (_, first, second) => {
    const app = await startApp({ options: limited, before: behindProxy })
    await spend(app, 5, first)

    const response = await from(app, second)

    expect(response.status).toBe(429)
  })

  it.each([
    ['two IPv4 addresses', '203.0.113.7', '203.0.113.8'],
    ['addresses in two IPv6 /56', '2001:db8:0:1::1', '2001:db8:0:100::1'],
  ])('counts %s separately', async (_, first, second) => {
    const app = await startApp({ options: limited, before: behindProxy })
    await spend(app, 5, first)

    const response = await from(app, second)

    expect(response.status).toBe(401)
    expect(response.headers.ratelimit).toMatch(/^"subnet"; r=4; /)
  })

  it('cannot be evaded with X-Forwarded-For, with and without a trusted proxy', async () => {
    const direct = await startApp({ options: limited })
    const proxied = await startApp({ options: limited, before: behindProxy })
    for (let attempt = 0; attempt < 5; attempt++) {
      await from(direct, `198.51.100.${attempt}`).expect(401)
      await from(proxied, `198.51.100.${attempt}, 203.0.113.7`).expect(401)
    }

    expect((await from(direct, '198.51.100.77')).status).toBe(429)
    expect((await from(proxied, '198.51.100.77, 203.0.113.7')).status).toBe(429)
  })

  it('is shared by two instances with one Redis and one prefix', async () => {
    const prefix = uniquePrefix()
    const first = await startApp({ options: { ...limited, session: { prefix } } })
    const second = await startApp({ options: { ...limited, session: { prefix } }, emulator: first.emulator })
    for (let attempt = 1; attempt <= 3; attempt++) await first.login(wrong).expect(401)
    for (let attempt = 1; attempt <= 2; attempt++) await second.login(wrong).expect(401)

    expect((await first.login()).status).toBe(429)
    expect((await second.login()).status).toBe(429)
  })

  it('is not shared across prefixes', async () => {
    const first = await startApp({ options: limited })
    const second = await startApp({ options: limited })
    for (let attempt = 1; attempt <= 5; attempt++) await first.login(wrong).expect(401)

    expect((await second.login()).status).toBe(200)
  })

  it('keeps its count in Redis no longer than the window', async () => {
    const app = await startApp({ options: { rateLimit: { subnet: { limit: 3, windowMs: 90_000 } } } })

    await app.login(wrong).expect(401)

    const keys = await keysUnder(app.prefix)
    expect(
      keys.filter((key) => /^[\w-]{12}:rl:(subnet|attempts|account):\d+:\d+:/.test(key.slice(app.prefix.length))),
    ).toEqual(keys)
    expect(keys.length).toBeGreaterThanOrEqual(1)
    const ttls = await Promise.all(keys.map((key) => openRedis().pttl(key)))
    expect(ttls.filter((ttl) => ttl <= 0)).toEqual([])
    expect(ttls.some((ttl) => ttl > 85_000 && ttl <= 90_000)).toBe(true)
  })

  it('follows the options', async () => {
    const app = await startApp({ options: { rateLimit: { subnet: { limit: 2, windowMs: 90_000 } } } })
    await app.login(wrong).expect(401)
    await app.login(wrong).expect(401)

    const response = await app.login()

    expect(response.status).toBe(429)
    expect(response.headers['retry-after']).toMatch(/^(?:90|89|88)$/)
    expect(response.headers['ratelimit-policy']).toMatch(/^"subnet"; q=2; w=90; /)
  })

  it('starts again with the next window', async () => {
    const app = await startApp({ options: limited })
    for (let attempt = 1; attempt <= 5; attempt++) await app.login(wrong).expect(401)
    await app.login().expect(429)

    for (const key of await keysUnder(app.prefix)) await openRedis().pexpire(key, 0)

    await app.login().expect(200)
  })

  it.each([
    ['false', false as const],
    ['{ subnet: false, attempts: false }', { subnet: false as const, attempts: false as const }],
  ])('is off with rateLimit %s', async (_, rateLimit) => {
    const app = await startApp({ options: { rateLimit }, emulator: { bruteForceThreshold: 100 } })

    const statuses = []
    for (let attempt = 1; attempt <= 7; attempt++) {
      const { status, headers } = await app.login({ email: `user${attempt}@example.com`, password: 'wrong' })
      statuses.push([status, headers.ratelimit])
    }

    expect(statuses).toEqual(Array(7).fill([401, undefined]))
  })

  it('counts per process with the in-process store', async () => {
    const app = await startApp({ store: 'memory', options: limited })
    for (let attempt = 1; attempt <= 5; attempt++) await app.login(wrong).expect(401)

    expect((await app.login()).status).toBe(429)
  })

  it('counts per process while Redis is down, without delay', async () => {
    const app = await startApp({
      options: { ...limited, redis: `redis://127.0.0.1:${await freePort()}`, timeouts: { redis: 200 } },
    })
    const started = Date.now()

    const answers = []
    for (let attempt = 1; attempt <= 6; attempt++) answers.push(await app.login())

    // No password reaches Auth0, so no attempt counts as failed.
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(Array(6).fill([503, 'session_unavailable']))
    expect(answers.map(({ headers }) => headers['retry-after'])).toEqual(Array(6).fill('2'))
    expect(app.emulator.requestsTo('/oauth/token')).toEqual([])
    expect(answers.flatMap(({ headers }) => headers['set-cookie'] ?? [])).toEqual([])
    expect(Date.now() - started).toBeLessThan(6000)
    expect(app.events.filter(({ name }) => name === 'store.unavailable')).toHaveLength(1)
  })
})

describe('every answer of the router', () => {
  it('is no-store and does not reveal the software in a header', async () => {
    const app = await startApp()
    const cookie = await signIn(app.app, app.auth)
    const answers = [
      await app.login(),
      await app.login({}),
      await app.login({ ...credentials, password: 'wrong' }),
      await request(app.app).get('/auth/user').set('Cookie', cookie),
      await request(app.app).get('/auth/user'),
      await request(app.app).post('/auth/logout').set('Cookie', cookie),
      await request(app.app).post('/auth/logout'),
      await request(app.app).options('/auth/login'),
      await request(app.app).put('/auth/login'),
    ]

    expect(answers.map(({ status }) => status)).toEqual([200, 400, 401, 200, 401, 200, 200, 204, 405])
    expect(answers.map(({ headers }) => headers['cache-control'])).toEqual(Array(9).fill('no-store'))
  })

  it('of a login, sets one cookie however often the session middleware is mounted', async () => {
    const app = await startApp({ before: (app, auth) => void app.use(auth.session, auth.session) })

    expect(setCookie(await app.login().expect(200)).name).toBe('auth')
  })
})
