import { describe, expect, it } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { AuthError } from '../../lib/index.ts'
import { addTokenRoute } from '../promises/support/token-routes.ts'
import { ada, startApp } from '../support/app.ts'
import { bodyOf, GRACE, startWeb, Visitor, type Web } from './web.ts'
import { listen } from './wire.ts'

const API = 'https://api.example.com'
const OFFLINE = { audience: API, scope: 'openid profile email read:posts offline_access' }

const exchanges = ({ emulator }: Web, grantType = 'authorization_code') =>
  emulator.requestsTo('/oauth/token').filter((request) => request.grantType === grantType)

const query = (location: string) => Object.fromEntries(new URL(location).searchParams)

describe('GET /login', () => {
  it('redirects to Auth0 with PKCE, state, nonce, and the requested parameters', async () => {
    const web = await startWeb({ options: OFFLINE })

    const path = '/auth/login?login_hint=ada%40example.com&connection=customers&prompt=none&client_id=x'
    const begun = await new Visitor(web).get(path)

    expect(begun.status).toBe(302)
    expect(begun.headers.get('cache-control')).toBe('no-store')
    expect(begun.location.startsWith(`${web.emulator.domain}/authorize?`)).toBe(true)
    expect(query(begun.location)).toEqual({
      client_id: web.emulator.clientId,
      response_type: 'code',
      max_age: '604800',
      redirect_uri: `${web.url}/auth/callback`,
      scope: OFFLINE.scope,
      audience: API,
      login_hint: 'ada@example.com',
      connection: 'customers',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
  })

  it.each(['login_hint=a&login_hint=b', 'login_hint[a]=b', 'login_hint=', `login_hint=${'a'.repeat(321)}`])(
    'omits %.30s',
    async (hint) => {
      const begun = await new Visitor(await startWeb()).get(`/auth/login?${hint}`)
      expect(query(begun.location)).not.toHaveProperty('login_hint')
    },
  )

  it('sets a cookie that scripts cannot read, for this browser session', async () => {
    const begun = await new Visitor(await startWeb()).get('/auth/login')
    const [cookie, ...others] = begun.headers.getSetCookie()
    expect(others).toEqual([])
    expect(cookie).toMatch(/^auth\.interactive=s%3A[\w-]{43}\.[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  it.each(['/auth/login', '/auth/callback?code=a&state=b'])('is off by default: %s', async (path) => {
    const web = await startWeb({ options: { interactive: false } })
    expect((await new Visitor(web).get(path)).status).toBe(404)
  })

  it.each([
    ['GET /login', '/auth/login', 'PUT', 'GET, HEAD, POST'],
    ['GET /callback', '/auth/callback', 'POST', 'GET, HEAD'],
  ])('%s refuses other methods', async (_name, path, method, allow) => {
    const web = await startWeb()
    const answer = await new Visitor(web).open(web.url + path, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
  })
})

describe('GET /callback', () => {
  it('sends the verifier, so that others cannot use the code', async () => {
    const web = await startWeb()
    await new Visitor(web).enter()
    expect(exchanges(web)).toMatchObject([{ params: { redirect_uri: `${web.url}/auth/callback` } }])
    expect(web.logged.join('')).not.toContain('code_verifier')
  })

  it.each(['redis', 'memory'] as const)('creates the same session as a password login, in %s', async (store) => {
    const web = await startWeb({ store, options: OFFLINE, after: (app, auth) => addTokenRoute(app, auth) })
    const [visitor, other] = [new Visitor(web), web.agent()]

    const landed = await visitor.enter('/auth/login?return_to=/home')
    await other.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)

    expect([landed.status, landed.location]).toEqual([302, '/home'])
    expect(landed.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^auth=s%3A.*; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
    const [user, byPassword] = [bodyOf(await visitor.get('/auth/user')), (await other.get('/auth/user')).body]
    expect(user).toEqual(byPassword)
    const { sessions } = bodyOf(await visitor.get('/auth/sessions')) as { sessions: Record<string, unknown>[] }
    expect(sessions.map((one) => Object.keys(one).sort())).toEqual(
      Array(2).fill(['created_at', 'current', 'id', 'ip', 'last_seen_at', 'user_agent']),
    )
    const me = await visitor.me()
    expect(me).toEqual({ status: 200, body: expect.objectContaining({ sub: web.emulator.users.get(ada.email)?.sub }) })
    expect(bodyOf(await visitor.get('/token'))).toMatchObject({
      audience: API,
      tokenType: 'Bearer',
      scope: OFFLINE.scope,
    })
    expect(web.events.filter(({ name }) => name === 'login.succeeded')).toHaveLength(2)
  })

  it('refreshes as after a password login', async () => {
    const web = await startWeb({
      emulator: { accessTokenTtl: 20 },
      options: OFFLINE,
      after: (app, auth) => addTokenRoute(app, auth),
    })
    const visitor = new Visitor(web)
    await visitor.enter()
    web.emulator.tenant.accessTokenTtl = 600

    expect((await visitor.get('/token')).status).toBe(200)
    expect(exchanges(web, 'refresh_token')).toHaveLength(1)
  })

  it('calls onLogin, and stores what it returns', async () => {
    const seen: unknown[] = []
    const web = await startWeb({
      options: {
        onLogin: async ({ user, scope, req }) => {
          seen.push([user.email, scope, req.path])
          return { plan: 'pro' }
        },
      },
      after: (app, auth) => app.get('/data', auth.requireAuth, (req, res) => res.json(req.auth.data)),
    })
    const visitor = new Visitor(web)
    await visitor.enter()

    expect(seen).toEqual([[ada.email, 'openid profile email', '/callback']])
    expect(bodyOf(await visitor.get('/data'))).toEqual({ plan: 'pro' })
  })

  it('lets onLogin refuse: there is no session, and the tokens are revoked', async () => {
    const web = await startWeb({
      options: {
        ...OFFLINE,
        onLogin: () => Promise.reject(new AuthError('access_denied', { body: { why: 'Sunday' } })),
      },
    })
    const visitor = new Visitor(web)

    const refused = await visitor.enter()

    expect([refused.status, bodyOf(refused)]).toEqual([
      403,
      expect.objectContaining({ error: 'access_denied', why: 'Sunday' }),
    ])
    expect(refused.headers.getSetCookie()).toEqual([])
    expect((await visitor.me()).status).toBe(401)
    await web.auth.close()
    expect(web.emulator.requestsTo('/oauth/revoke')).toHaveLength(1)
  })

  it('passes on the keys in session.preserve if auth.session is mounted', async () => {
    const web = await startWeb({
      options: { session: { preserve: ['cart'] } },
      before: (app, auth) => {
        app.use(auth.session)
        app.get('/put', (req, res) => {
          Object.assign(req.session, { cart: ['book'], other: 1 })
          res.json({})
        })
        app.get('/show', (req, res) => {
          const { cookie: _cookie, ropg: _mark, ...data } = req.session as unknown as Record<string, unknown>
          res.json(data)
        })
      },
    })
    const visitor = new Visitor(web)
    await visitor.get('/put')
    const before = visitor.cookies

    await visitor.enter()

    expect(visitor.cookies).not.toContain(/auth=[^;]+/.exec(before)?.[0])
    expect(bodyOf(await visitor.get('/show'))).toEqual({ cart: ['book'] })
    expect((await visitor.me()).status).toBe(200)
  })

  it("ends the browser's session of another user", async () => {
    const web = await startWeb()
    const visitor = new Visitor(web)
    await visitor.enter()
    const ofAda = visitor.cookies
    await visitor.open(`${web.emulator.domain}/v2/logout?client_id=${web.emulator.clientId}`)

    await visitor.enter('/auth/login', GRACE)

    expect((await visitor.me()).body).toMatchObject({ user: { email: GRACE.username } })
    const old = await fetch(`${web.url}/me`, { headers: { cookie: ofAda } })
    expect([old.status, await old.json()]).toEqual([401, expect.objectContaining({ error: 'session_expired' })])
  })

  it("works with sameSite strict, although the redirect comes from Auth0's site", async () => {
    const web = await startWeb({ options: { session: { cookie: { sameSite: 'strict' } } } })
    const visitor = new Visitor(web)

    const begun = await visitor.get('/auth/login')
    const landed = await visitor.open(await visitor.atAuth0(begun.location))

    expect(begun.headers.getSetCookie()[0]).toContain('SameSite=Lax')
    expect(landed.headers.getSetCookie()[0]).toContain('SameSite=Strict')
    expect((await visitor.me()).status).toBe(200)
  })

  it.each<[string, object, number, string]>([
    ['an Action that denies', { denied: 'Not on Sundays' }, 403, 'access_denied'],
    ['a blocked user', { blocked: true }, 403, 'account_blocked'],
  ])('reports %s, and starts no session', async (_name, flags, status, error) => {
    const web = await startWeb()
    web.emulator.users.update(ada.email, flags)
    const visitor = new Visitor(web)

    const refused = await visitor.enter()

    expect([refused.status, bodyOf(refused).error]).toEqual([status, error])
    expect(refused.text).not.toContain('Sundays')
    expect((await visitor.me()).status).toBe(401)
    web.emulator.users.update(ada.email, { denied: undefined, blocked: false })
    expect((await visitor.enter()).status).toBe(302)
  })

  it('reports login_required if no page may be shown', async () => {
    const web = await startWeb()
    const visitor = new Visitor(web)
    const begun = await visitor.get('/auth/login')
    const callback = await visitor.atAuth0(`${begun.location}&prompt=none`)

    const refused = await visitor.open(callback)

    expect(callback).toContain('error=login_required')
    expect([refused.status, bodyOf(refused)]).toEqual([
      403,
      expect.objectContaining({ error: 'interaction_required', login_url: '/auth/login' }),
    ])
  })

  it('answers 503 where the login begins while Auth0 is down, and sets no cookie', async () => {
    const web = await startWeb({ options: { timeouts: { auth0: 300 } } })
    web.emulator.failNext({ path: '/.well-known/openid-configuration', hang: true })

    const refused = await new Visitor(web).get('/auth/login')

    expect([refused.status, bodyOf(refused).error]).toEqual([503, 'auth_unavailable'])
    expect(refused.headers.get('retry-after')).not.toBeNull()
    expect(refused.headers.getSetCookie()).toEqual([])
    expect((await new Visitor(web).enter()).status).toBe(302)
  })

  it('works in another process than the one that started the login', async () => {
    const web = await startWeb()
    const { emulator, prefix } = web
    const other = await startWeb({ emulator, options: { interactive: { baseUrl: web.url }, session: { prefix } } })
    const visitor = new Visitor(web)

    const callback = (await visitor.untilCallback('/auth/login?return_to=/home')).replace(web.url, other.url)

    expect((await visitor.open(callback)).location).toBe('/home')
    expect((await visitor.me()).status).toBe(200)
  })

  it('answers 503 while Auth0 is down, and the next login works', async () => {
    const web = await startWeb()
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()
    web.emulator.failNext({ status: 502, body: 'Bad Gateway' })

    const refused = await visitor.open(callback)
    const again = await visitor.open(callback)

    expect([refused.status, bodyOf(refused).error]).toEqual([503, 'auth_unavailable'])
    expect(again.status).toBe(400)
    expect((await visitor.enter()).status).toBe(302)
  })
})

describe('the mount path of the router', () => {
  it.each([
    ['deep', '/api/v1/auth', (app: express.Express, router: express.Router) => app.use('/api/v1/auth', router)],
    [
      'behind a router with a prefix',
      '/api/v2/auth',
      (app: express.Express, router: express.Router) => app.use('/api/v2', express.Router().use('/auth', router)),
    ],
    ['at the root', '', (app: express.Express, router: express.Router) => app.use(router)],
  ])('works %s', async (_name, base, mount) => {
    const web = await startWeb({ before: (app, auth) => void mount(app, auth.router) })
    const visitor = new Visitor(web)

    const callback = await visitor.untilCallback(`${base}/login?return_to=/home`)
    const landed = await visitor.open(callback)

    expect(callback.startsWith(`${web.url}${base}/callback?`)).toBe(true)
    expect([landed.status, landed.location]).toEqual([302, '/home'])
    expect((await visitor.me()).status).toBe(200)
  })

  it('has the login_url of the same mount path', async () => {
    const web = await startWeb({ before: (app, auth) => void app.use('/api/v1/auth', auth.router) })
    const visitor = new Visitor(web)
    for (const base of ['/auth', '/api/v1/auth']) {
      expect(bodyOf(await visitor.get(`${base}/callback`))).toMatchObject({ login_url: `${base}/login` })
    }
  })
})

describe('login_url', () => {
  const refusedFor = async (web: Web, more: object = {}) =>
    (await web.login({ email: ada.email, password: ada.password, return_to: '/a?b=1', ...more })).body as {
      error: string
      login_url: string
    }

  it.each([
    ['mfa_required', { mfa: true }],
    ['interaction_required', { interactionRequired: true }],
    ['interaction_required', { requiresVerification: true }],
  ])('of %s starts a login that ends at the original page', async (error, flags) => {
    const web = await startWeb()
    web.emulator.users.update(ada.email, flags)

    const refused = await refusedFor(web)

    expect(refused).toMatchObject({
      error,
      login_url: '/auth/login?login_hint=ada%40example.com&return_to=%2Fa%3Fb%3D1',
    })
    const visitor = new Visitor(web)
    const begun = await visitor.get(refused.login_url)
    expect(query(begun.location).login_hint).toBe(ada.email)
    expect((await visitor.open(await visitor.atAuth0(begun.location))).location).toBe('/a?b=1')
    expect((await visitor.me()).status).toBe(200)
  })

  it('drops a hostile return_to', async () => {
    const web = await startWeb({ emulator: { users: [{ ...ada, mfa: true }] } })
    expect((await refusedFor(web, { return_to: '//evil.example' })).login_url).toMatch(/return_to=%2F$/)
  })

  it('is the loginUrl option if it is set', async () => {
    const web = await startWeb({ emulator: { users: [{ ...ada, mfa: true }] }, options: { loginUrl: 'myapp://login' } })
    expect((await refusedFor(web)).login_url).toBe('myapp://login')
  })

  it('is missing without interactive login', async () => {
    const app = await startApp({ emulator: { users: [{ ...ada, mfa: true }] } })
    expect((await app.login()).body).not.toHaveProperty('login_url')
  })

  it('is added to mfa_required from getAccessToken in a route of the app', async () => {
    const web = await startWeb({
      emulator: { accessTokenTtl: 20 },
      options: OFFLINE,
      after: (app, auth) => addTokenRoute(app, auth),
    })
    const visitor = new Visitor(web)
    await visitor.enter()
    web.emulator.users.update(ada.email, { mfaOnRefresh: true })

    const refused = await visitor.get('/token')

    expect([refused.status, bodyOf(refused)]).toEqual([
      403,
      expect.objectContaining({ error: 'mfa_required', login_url: '/auth/login' }),
    ])
  })
})

describe('pages.login', () => {
  const open = (web: Web, path: string) => request(web.app).get(path).set('Accept', 'text/html')

  it('is where the browser goes after a failed callback', async () => {
    const web = await startWeb({ options: { pages: { login: '/sign-in' } } })
    const { status, headers } = await open(web, '/auth/callback?code=a&state=b')
    expect([status, headers.location]).toEqual([302, '/sign-in?error=login_transaction_missing'])
  })

  it.each(['/auth/callback?code=a&state=b', '/auth/login'])(
    'is not the target of %s if it is that login itself, which would loop',
    async (path) => {
      const web = await startWeb({ options: { pages: { login: '/auth/login' } } })
      web.emulator.failNext({ path: '/.well-known/openid-configuration', status: 503, body: 'down', times: 9 })
      expect([400, 503]).toContain((await open(web, path)).status)
    },
  )
})

describe('a mount on another Express app', () => {
  it('uses the path that the browser sees', async () => {
    const web = await startWeb()
    const outer = express().use('/outer', web.app)
    const { url } = await listen(outer)
    const begun = await fetch(`${url}/outer/auth/login`, { redirect: 'manual' })
    expect(query(begun.headers.get('location') ?? '').redirect_uri).toBe(`${web.url}/outer/auth/callback`)
  })
})
