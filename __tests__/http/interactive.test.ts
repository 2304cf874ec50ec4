import { describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import request from 'supertest'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { returnTarget } from '../../lib/http/return-to.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import { Browser } from '../testing/browser.ts'

const ORIGIN = 'http://127.0.0.1:5555'
const API = 'https://api.example.com'

function start(more: TestAppOptions = {}) {
  const options: RopgAuthOptions = { interactive: { baseUrl: ORIGIN }, audience: API, ...more.options }
  return startApp({ ...more, options })
}

type Agent = ReturnType<TestApp['agent']>

/** Where Auth0 sends the browser back to, after the user has logged in there. */
async function throughAuth0(app: TestApp, url: string, browser = new Browser()): Promise<string> {
  const login = await browser.open(url)
  if (login.location.startsWith(ORIGIN)) return login.location
  const done = await browser.submit(await browser.open(login.location), app.emulator.domain, {
    username: ada.email,
    password: ada.password,
  })
  return done.location
}

const begin = async (agent: Agent, query = '') => {
  const answer = await agent.get(`/auth/login${query}`)
  expect(answer.status).toBe(302)
  return String(answer.headers.location)
}

const pathOf = (url: string) => url.slice(ORIGIN.length)

async function logIn(app: TestApp, agent: Agent, query = '') {
  const callback = await throughAuth0(app, await begin(agent, query))
  expect(callback).toMatch(/^http:\/\/127\.0\.0\.1:5555\/auth\/callback\?/)
  return agent.get(pathOf(callback))
}

describe('GET /login', () => {
  it('sends the browser to Auth0 with PKCE, state, nonce, audience, scope and hints', async () => {
    const app = await start()
    const url = new URL(await begin(app.agent(), '?login_hint=ada@example.com&connection=customers'))
    expect(url.origin + url.pathname).toBe(`${app.emulator.domain}/authorize`)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: app.emulator.clientId,
      redirect_uri: `${ORIGIN}/auth/callback`,
      scope: 'openid profile email',
      audience: API,
      login_hint: 'ada@example.com',
      connection: 'customers',
      code_challenge: expect.any(String),
      code_challenge_method: 'S256',
      state: expect.any(String),
      nonce: expect.any(String),
    })
  })

  it('is not there without the option', async () => {
    const app = await start({ options: { interactive: false } })
    await request(app.app).get('/auth/login').expect(404)
    await request(app.app).get('/auth/callback').expect(404)
  })

  it('answers 503 while Redis is down', async () => {
    const app = await start({ options: { redis: 'redis://127.0.0.1:1', timeouts: { redis: 200 } } })
    const answer = await request(app.app).get('/auth/login')
    expect([answer.status, answer.body.error]).toEqual([503, 'session_unavailable'])
  })

  it('leaves little behind, however often it is abandoned', async () => {
    const app = await start()
    const agent = app.agent()
    const cookies: string[] = []
    for (let start = 1; start <= 100; start++) {
      cookies.push(...((await agent.get('/auth/login').expect(302)).get('Set-Cookie') ?? []))
    }
    const redis = new Redis(testRedisUrl())
    const keys = await redis.keys(`${app.prefix}*`)
    const times = await Promise.all(keys.map((key) => redis.pttl(key)))
    await redis.quit()
    expect(keys).toHaveLength(6)
    expect(times.every((ttl) => ttl > 0 && ttl <= 600_000)).toBe(true)
    expect(cookies).toHaveLength(1)
    expect(cookies.join('').length).toBeLessThan(1024)
  })
})

describe('GET /callback', () => {
  it('logs in as POST /login does, and leads to return_to', async () => {
    const seen: unknown[] = []
    const onLogin: RopgAuthOptions['onLogin'] = ({ user, scope }) => {
      seen.push([user.email, scope])
    }
    const app = await start({ options: { onLogin } })
    const agent = app.agent()
    const answer = await logIn(app, agent, '?return_to=/orders%3Fpage%3D2')
    expect([answer.status, answer.headers.location]).toEqual([302, '/orders?page=2'])
    expect(seen).toEqual([[ada.email, expect.stringContaining('openid profile email')]])
    const interactive = (await agent.get('/auth/user').expect(200)).body.user
    const password = app.agent()
    await password.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    expect(interactive).toEqual((await password.get('/auth/user').expect(200)).body.user)
    expect(app.events.filter(({ name }) => name === 'login.succeeded')).toHaveLength(2)
  })

  it('works where the router is mounted elsewhere', async () => {
    const app = await start({ after: (own, auth) => own.use('/api/v1/session', auth.router) })
    const agent = app.agent()
    const url = new URL(String((await agent.get('/api/v1/session/login')).headers.location))
    expect(url.searchParams.get('redirect_uri')).toBe(`${ORIGIN}/api/v1/session/callback`)
    const callback = await throughAuth0(app, url.href)
    await agent.get(pathOf(callback)).expect(302)
    await agent.get('/me').expect(200)
  })

  it('lets two tabs finish in either order', async () => {
    const app = await start()
    const agent = app.agent()
    const [first, second] = [await begin(agent, '?return_to=/first'), await begin(agent, '?return_to=/second')]
    const browser = new Browser()
    const callbacks = [await throughAuth0(app, second, browser), await throughAuth0(app, first, browser)]
    const answers = []
    for (const callback of callbacks) answers.push((await agent.get(pathOf(callback)).expect(302)).headers.location)
    expect(answers).toEqual(['/second', '/first'])
    await agent.get('/me').expect(200)
  })

  it('answers login_transaction_missing to a callback that comes again, and keeps the session', async () => {
    const app = await start()
    const agent = app.agent()
    const callback = pathOf(await throughAuth0(app, await begin(agent)))
    await agent.get(callback).expect(302)
    const again = await agent.get(callback)
    expect([again.status, again.body.error, again.body.login_url]).toEqual([
      400,
      'login_transaction_missing',
      '/auth/login',
    ])
    await agent.get('/me').expect(200)
  })

  it.each([
    ['of another browser', (app: TestApp) => app.agent()],
    ['without a cookie', (app: TestApp) => request(app.app)],
  ])('refuses one %s', async (_name, other) => {
    const app = await start()
    const callback = pathOf(await throughAuth0(app, await begin(app.agent())))
    const stranger = other(app)
    if ('jar' in stranger) await begin(stranger)
    const answer = await stranger.get(callback)
    expect([answer.status, answer.body.error]).toEqual([400, 'login_transaction_missing'])
    expect(answer.get('Set-Cookie') ?? []).toEqual([])
    expect(app.emulator.requestsTo('/oauth/token')).toEqual([])
  })

  it.each(['', '?state=', '?state=x&code=y', '?code=y', '?state=../../x&code=y', `?state=${'a'.repeat(43)}&code=y`])(
    'refuses %j',
    async (query) => {
      const app = await start()
      const agent = app.agent()
      await begin(agent)
      const answer = await agent.get(`/auth/callback${query}`)
      expect([answer.status, answer.body.error]).toEqual([400, 'login_transaction_missing'])
    },
  )

  it('makes one session when it comes twice at once', async () => {
    const app = await start()
    const agent = app.agent()
    const callback = pathOf(await throughAuth0(app, await begin(agent)))
    const answers = await Promise.all([agent.get(callback), agent.get(callback)])
    expect(answers.map(({ status }) => status).sort()).toEqual([302, 400])
  })

  it('tells what Auth0 said', async () => {
    const app = await start({ emulator: { users: [{ ...ada, denied: 'not today' }] } })
    const agent = app.agent()
    const answer = await agent.get(pathOf(await throughAuth0(app, await begin(agent))))
    expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
    expect(answer.text).not.toContain('not today')
  })

  it('does not survive a revokeAll that came after it began', async () => {
    const app = await start()
    const agent = app.agent()
    const callback = pathOf(await throughAuth0(app, await begin(agent)))
    const { sub = '' } = app.emulator.users.get(ada.email) ?? {}
    await app.auth.sessions.revokeAll(sub)
    expect((await agent.get(callback)).body.error).toBe('session_expired')
    await agent.get('/me').expect(401)
  })
})

describe('login_url', () => {
  it.each([
    ['mfa_required', { mfa: true }],
    ['interaction_required', { requiresVerification: true }],
  ])('of %s starts the interactive login, and keeps name and return_to', async (code, flags) => {
    const app = await start({ emulator: { users: [{ ...ada, ...flags }] } })
    const answer = await app.login({ email: ada.email, password: ada.password, return_to: '/orders' })
    expect(answer.body).toMatchObject({
      error: code,
      login_url: '/auth/login?login_hint=ada%40example.com&return_to=%2Forders',
    })
  })

  it('is the option where there is one', async () => {
    const app = await start({ options: { loginUrl: 'myapp://login' }, emulator: { users: [{ ...ada, mfa: true }] } })
    expect((await app.login()).body.login_url).toBe('myapp://login')
  })
})

describe('POST /logout', () => {
  it('answers with logout_url after an interactive login, and only then', async () => {
    const app = await start()
    const agent = app.agent()
    await logIn(app, agent)
    const url = new URL((await agent.post('/auth/logout').expect(200)).body.logout_url)
    expect(url.pathname).toBe('/oidc/logout')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: app.emulator.clientId,
      post_logout_redirect_uri: `${ORIGIN}/`,
      logout_hint: expect.any(String),
    })
    await agent.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    await agent.post('/auth/logout').expect(200, { success: true })
  })
})

describe('POST /backchannel-logout', () => {
  const send = (app: TestApp, token: string) =>
    request(app.app).post('/auth/backchannel-logout').type('form').send({ logout_token: token })
  const startOut = () => start({ options: { backchannelLogout: true, scope: 'openid profile email offline_access' } })
  const subOf = (app: TestApp) => app.emulator.users.get(ada.email)?.sub ?? ''
  const loggedIn = async (app: TestApp) => {
    const agent = app.agent()
    const url = await begin(agent)
    const browser = new Browser()
    const callback = await throughAuth0(app, url, browser)
    await agent.get(pathOf(callback)).expect(302)
    const out = (await agent.get('/auth/sessions').expect(200)).body.sessions as unknown[]
    expect(out.length).toBeGreaterThan(0)
    return agent
  }
  const sidOf = async (agent: Agent) =>
    new URL((await agent.post('/auth/logout').expect(200)).body.logout_url).searchParams.get('logout_hint') ?? ''

  it('is off by default', async () => {
    const app = await start()
    await send(app, await app.emulator.logoutToken({ sub: subOf(app) })).expect(404)
  })

  it('ends all sessions of a user by sub, and revokes their refresh tokens', async () => {
    const app = await startOut()
    const agents = [await loggedIn(app), await loggedIn(app)]
    const password = app.agent()
    await password.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    await send(app, await app.emulator.logoutToken({ sub: subOf(app) })).expect(200)
    for (const agent of [...agents, password]) await agent.get('/me').expect(401)
    await app.auth.close()
    expect(app.emulator.refreshTokens.families()).toBe(0)
  })

  it('ends by sid only what came from that session at Auth0, and for good', async () => {
    const app = await startOut()
    const [one, other] = [app.agent(), await loggedIn(app)]
    const browser = new Browser()
    await one.get(pathOf(await throughAuth0(app, await begin(one), browser))).expect(302)
    const late = app.agent()
    const callback = pathOf(await throughAuth0(app, await begin(late), browser))
    const twin = app.agent()
    await twin.get(pathOf(await throughAuth0(app, await begin(twin), browser))).expect(302)
    const sid = await sidOf(twin)

    await send(app, await app.emulator.logoutToken({ sub: subOf(app), sid })).expect(200)

    await one.get('/me').expect(401)
    await other.get('/me').expect(200)
    // The token has overtaken this login, which came from the same session at Auth0.
    expect((await late.get(callback)).body.error).toBe('session_expired')
    const after = await loggedIn(app)
    await after.get('/me').expect(200)
    await one.get('/me').expect(401)
  })

  it('accepts a sid that nobody knows', async () => {
    const app = await startOut()
    await send(app, await app.emulator.logoutToken({ sub: subOf(app), sid: 'unknown' })).expect(200)
  })

  it('refuses a token that comes again, so that a later login lives', async () => {
    const app = await startOut()
    const token = await app.emulator.logoutToken({ sub: subOf(app) })
    await send(app, token).expect(200)
    const agent = await loggedIn(app)
    const again = await send(app, token)
    expect([again.status, again.body.error]).toEqual([400, 'invalid_request'])
    await agent.get('/me').expect(200)
  })

  it.each<[string, object]>([
    ['another type', { header: { typ: 'at+jwt' } }],
    ['a foreign key', { key: 'foreign' }],
    ['another issuer', { iss: 'https://evil.example/' }],
    ['another audience', { aud: 'somebody-else' }],
    ['no expiry', { exp: undefined }],
    ['an expiry in the past', { exp: 1_000_000_000 }],
    ['no iat', { iat: undefined }],
    ['an iat of long ago', { iat: 1_000_000_000 }],
    ['no events', { events: undefined }],
    ['other events', { events: { other: {} } }],
    ['a nonce', { nonce: 'n' }],
    ['neither sub nor sid', { sub: undefined, sid: undefined }],
    ['no jti', { jti: undefined }],
  ])('answers 400 to a token with %s, and changes nothing', async (_name, changes) => {
    const app = await startOut()
    const agent = await loggedIn(app)
    const token = await app.emulator.logoutToken({ sub: subOf(app), ...changes })
    const answer = await send(app, token)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    await agent.get('/me').expect(200)
  })

  it.each(['', 'nonsense', 'a.b.c', `${'x'.repeat(9000)}.y.z`])('answers 400 to %j', async (token) => {
    const app = await startOut()
    expect((await send(app, token)).status).toBe(400)
  })
})

const HOSTILE = [
  ...[
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\\/evil.example',
    '\\/evil.example',
  ],
  ...['https://evil.example', 'HTTPS://evil.example', 'http:evil.example', 'https:/evil.example', 'ftp://evil.example'],
  ...['javascript:alert(1)', 'JavaScript:alert(1)', 'java\tscript:alert(1)', 'data:text/html,x', 'vbscript:x'],
  ...[
    '/\t/evil.example',
    '/\n/evil.example',
    '/\r/evil.example',
    '\t//evil.example',
    ' //evil.example',
    '\u0000//evil',
  ],
  ...['/%2f/evil.example', '/%2F%2Fevil.example', '/%5cevil.example', '/%5C%5Cevil.example', '/%252f/evil.example'],
  ...['/%25252f/evil.example', '/%09/evil.example', '/%0d%0aSet-Cookie:x=y', '/%0aevil', '/x%00'],
  ...['/..//evil.example', '/.//evil.example', '/./..//evil.example', '/a/..//evil.example'],
  ...['https://user@evil.example', '@evil.example', 'user:pass@evil.example', 'evil.example', '?x', '#x', ''],
  ...['/\u2028/evil', '/\u202eevil', '/\u200b/evil.example', `/${'a'.repeat(3000)}`],
]

describe('return_to', () => {
  it.each(HOSTILE.map((target) => [JSON.stringify(target).slice(0, 60), target]))('falls back for %s', (_s, target) => {
    expect(returnTarget(target)).toBe('/')
  })

  it.each([[undefined], [null], [1], [['/x']], [{ x: '/y' }]])('falls back for %j', (target) => {
    expect(returnTarget(target, '/home')).toBe('/home')
  })

  it.each([
    ...['/', '/orders', '/orders/1?page=2&sort=name', '/orders#top', '/a/b/', '/search?q=a%20b', '/search?next=//x'],
    ...['/100%25', '/%C3%BC', '/a,b;c', '/a:b', '/~ada', '/a+b', '/?x=https://example.com/', '/.well-known/x'],
  ])('keeps %s', (target) => {
    expect(returnTarget(target)).toBe(target)
  })

  it.each(HOSTILE.slice(0, 5))('%j leads to / through a whole login', async (target) => {
    const app = await start()
    const answer = await logIn(app, app.agent(), `?return_to=${encodeURIComponent(target)}`)
    expect([answer.status, answer.headers.location]).toEqual([302, '/'])
  })
})
