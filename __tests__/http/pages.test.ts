import { describe, expect, it } from '@jest/globals'
import express, { type Express } from 'express'
import { Redis } from 'ioredis'
import request, { type Response } from 'supertest'
import type { RopgAuth, RopgAuthOptions } from '../../lib/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import { Browser } from '../testing/browser.ts'
import { ADA } from '../testing/tenant-client.ts'
import { listen, refusal, sendRaw } from './wire.ts'

const pages = { login: '/login', afterLogin: '/home', afterLogout: '/goodbye' }

/** Headers that browsers send when the user follows a link or submits a form. */
const NAVIGATION = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
}

const escaped = (value: unknown) =>
  (typeof value === 'string' ? value : '').replace(/[&<"]/g, (c) => `&#${c.charCodeAt(0)};`)

function form(action: string, hidden: object, inputs: string): string {
  const fields = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`,
  )
  return `<form method="post" action="${action}">${fields.join('')}${inputs}<button>Send</button></form>`
}

/** An app of plain HTML without scripts. */
function mountPages(app: Express, auth: RopgAuth): void {
  app.get('/login', (req, res) => {
    const { error, return_to } = req.query
    const asksForCode = error === 'mfa_required' || error === 'invalid_mfa_code'
    const inputs = '<input name="email"><input name="password" type="password">'
    const shown = asksForCode
      ? form('/auth/mfa/verify', { return_to }, '<input name="otp">')
      : form('/auth/login', { return_to }, inputs)
    res.send(`<p>${escaped(error)}</p>${shown}`)
  })
  app.get('/join', (req, res) => {
    res.send(
      form('/auth/signup', { return_to: req.query.return_to ?? '' }, '<input name="email"><input name="password">'),
    )
  })
  app.get('/orders', auth.requireAuth, (req, res) => {
    res.send(`<h1>Orders of ${escaped(req.auth.user.name)}</h1>${form('/auth/logout', {}, '')}`)
  })
  app.get('/home', (_req, res) => void res.send('<h1>Home</h1>'))
  app.get('/goodbye', (_req, res) => void res.send('<h1>Goodbye</h1>'))
}

function startPages(options: RopgAuthOptions = {}, settings: TestAppOptions = {}): Promise<TestApp> {
  return startApp({ after: mountPages, ...settings, options: { pages, ...options } })
}

/** A browser that runs no scripts. */
function visitorOf({ app }: TestApp) {
  const agent = request.agent(app)
  const open = (path: string) => agent.get(path).set(NAVIGATION)
  const send = (path: string, fields: object) => agent.post(path).set(NAVIGATION).type('form').send(fields)
  return {
    agent,
    open,
    send,
    /** Fills in the form of a page and submits it. */
    submit: (page: Response, fields: object = {}) => {
      const action = /action="([^"]+)"/.exec(page.text)![1]!
      const hidden = Array.from(
        page.text.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g),
        ([, name, value]) => [name!, value!.replaceAll('&#38;', '&')],
      )
      return send(action, { ...(Object.fromEntries(hidden) as object), ...fields })
    },
    /** The target of a redirect that changes every method to GET. */
    follow: (answer: Response) => {
      expect([302, 303]).toContain(answer.status)
      return open(answer.headers.location!)
    },
  }
}

describe('an app with forms and without scripts', () => {
  it('leads from a protected page to the login, and back', async () => {
    const visitor = visitorOf(await startPages())

    const sent = await visitor.open('/orders?page=2&sort=date')
    const login = await visitor.follow(sent)
    const back = await visitor.submit(login, ada)
    const orders = await visitor.follow(back)

    expect([sent.status, sent.headers.location]).toEqual([302, '/login?return_to=%2Forders%3Fpage%3D2%26sort%3Ddate'])
    expect([back.status, back.headers.location]).toEqual([303, '/orders?page=2&sort=date'])
    expect(orders.text).toContain('<h1>Orders of Ada Lovelace</h1>')
  })

  it('leads to afterLogin without return_to', async () => {
    const visitor = visitorOf(await startPages())
    const answer = await visitor.submit(await visitor.open('/login'), ada)
    expect([answer.status, answer.headers.location]).toEqual([303, '/home'])
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('leads to / where pages names only the login', async () => {
    const visitor = visitorOf(await startPages({ pages: { login: '/login' } }))
    expect((await visitor.send('/auth/login', ada)).headers.location).toBe('/')
    expect((await visitor.send('/auth/logout', {})).headers.location).toBe('/')
  })

  it('leads back to the login with the error, and still to return_to afterwards', async () => {
    const visitor = visitorOf(await startPages())

    const wrong = await visitor.send('/auth/login', { ...ada, password: 'wrong', return_to: '/orders?page=2' })
    const login = await visitor.follow(wrong)
    const right = await visitor.submit(login, ada)

    expect(wrong.status).toBe(303)
    expect(wrong.headers.location).toBe('/login?error=invalid_credentials&return_to=%2Forders%3Fpage%3D2')
    expect(wrong.headers['set-cookie']).toBeUndefined()
    expect(login.text).toContain('<p>invalid_credentials</p>')
    expect(right.headers.location).toBe('/orders?page=2')
  })

  it('repeats neither the password nor the email in an address', async () => {
    const visitor = visitorOf(await startPages())
    const answer = await visitor.send('/auth/login', { ...ada, password: 'wrong' })
    expect(answer.headers.location).toBe('/login?error=invalid_credentials')
  })

  it.each<[string, object, string]>([
    ['a field is missing', { email: ada.email }, 'invalid_request'],
    ['there are no fields', {}, 'invalid_request'],
  ])('leads back to the login when %s', async (_name, fields, error) => {
    const visitor = visitorOf(await startPages())
    expect((await visitor.send('/auth/login', fields)).headers.location).toBe(`/login?error=${error}`)
  })

  it('leads back to the login when the form comes from another site', async () => {
    const app = await startPages()
    const answer = await visitorOf(app).send('/auth/login', ada).set('Sec-Fetch-Site', 'cross-site')
    expect([answer.status, answer.headers.location]).toEqual([303, '/login?error=cross_site_request'])
    expect(app.emulator.requests).toEqual([])
  })

  it('keeps the headers of an error', async () => {
    const app = await startPages({ rateLimit: { subnet: { limit: 1, windowMs: 60_000 } } })
    const { send } = visitorOf(app)
    await send('/auth/login', { ...ada, password: 'wrong' })
    const answer = await send('/auth/login', ada)
    expect([answer.status, answer.headers.location]).toEqual([303, '/login?error=rate_limited'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('leads back to the login when Auth0 or the store is down', async () => {
    const client = new Redis(testRedisUrl())
    const app = await startPages({ redis: client })
    const { send } = visitorOf(app)
    app.emulator.failNext({ status: 503, body: '<html>' })
    expect((await send('/auth/login', ada)).headers.location).toBe('/login?error=auth_unavailable')
    client.disconnect()
    const answer = await send('/auth/login', ada)
    expect([answer.status, answer.headers.location]).toEqual([303, '/login?error=session_unavailable'])
  })

  it.each(['/sign-in?lang=en', '/sign-in#form', '/sign-in?lang=en#form'])('adds to the page %s', async (login) => {
    const visitor = visitorOf(await startPages({ pages: { ...pages, login } }))
    const { location } = (await visitor.send('/auth/login', { ...ada, password: 'wrong' })).headers
    const { pathname, search, hash } = new URL(location!, 'http://app.example')
    expect(pathname).toBe('/sign-in')
    expect(new URLSearchParams(search).get('error')).toBe('invalid_credentials')
    expect(new URLSearchParams(search).get('lang')).toBe(login.includes('lang') ? 'en' : null)
    expect(hash).toBe(login.includes('#') ? '#form' : '')
  })

  it('logs out with a button', async () => {
    const visitor = visitorOf(await startPages())
    await visitor.send('/auth/login', ada).expect(303)

    const answer = await visitor.submit(await visitor.open('/orders'))

    expect([answer.status, answer.headers.location]).toEqual([303, '/goodbye'])
    expect((await visitor.open('/orders')).headers.location).toBe('/login?return_to=%2Forders')
  })

  it('logs out with an empty body, as some browsers send it', async () => {
    const app = await startPages()
    const answer = await request(app.app).post('/auth/logout').set(NAVIGATION).set('Content-Length', '0')
    expect([answer.status, answer.headers.location]).toEqual([303, '/goodbye'])
  })

  it('sends forms of browsers without Fetch Metadata on, too', async () => {
    const app = await startPages()
    const old = { Accept: NAVIGATION.Accept, Origin: 'http://127.0.0.1' }
    const answer = await request(app.app).post('/auth/login').set(old).set('Host', '127.0.0.1').type('form').send(ada)
    expect([answer.status, answer.headers.location]).toEqual([303, '/home'])
  })
})

describe('a second factor in a form', () => {
  const users = [{ ...ada, mfa: true }]

  it('is asked for by the login page, and leads to return_to', async () => {
    const app = await startPages({ mfa: 'api' }, { emulator: { users } })
    const visitor = visitorOf(app)

    const required = await visitor.submit(await visitor.follow(await visitor.open('/orders')), ada)
    const ask = await visitor.follow(required)
    const wrong = await visitor.submit(ask, { otp: '000000' })
    const again = await visitor.follow(wrong)
    const right = await visitor.submit(again, { otp: app.emulator.mfa.code(ada.email) })

    expect(required.headers.location).toBe('/login?error=mfa_required&return_to=%2Forders')
    expect(wrong.headers.location).toBe('/login?error=invalid_mfa_code&return_to=%2Forders')
    expect([right.status, right.headers.location]).toEqual([303, '/orders'])
    expect((await visitor.follow(right)).text).toContain('Ada Lovelace')
  })

  it('leads to afterLogin without return_to', async () => {
    const app = await startPages({ mfa: 'api' }, { emulator: { users } })
    const visitor = visitorOf(app)
    const ask = await visitor.follow(await visitor.send('/auth/login', ada))
    const answer = await visitor.submit(ask, { otp: app.emulator.mfa.code(ada.email) })
    expect(answer.headers.location).toBe('/home')
  })

  it('leads back to the login when no login waits for it', async () => {
    const visitor = visitorOf(await startPages({ mfa: 'api' }))
    const answer = await visitor.send('/auth/mfa/verify', { otp: '123456', return_to: '/orders' })
    expect(answer.headers.location).toBe('/login?error=mfa_expired&return_to=%2Forders')
  })

  it('leads back to the login where the login page of Auth0 has to ask for it', async () => {
    const visitor = visitorOf(await startPages({}, { emulator: { users } }))
    const answer = await visitor.send('/auth/login', { ...ada, return_to: '/orders' })
    expect(answer.headers.location).toBe('/login?error=mfa_required&return_to=%2Forders')
  })
})

describe('signup and password reset in a form', () => {
  const options = { signup: true, passwordReset: true }
  const bob = { email: 'bob@example.com', password: 'Correct-Horse-1' }

  it('leads from a signup to the login, and on to return_to', async () => {
    const visitor = visitorOf(await startPages(options))
    const answer = await visitor.submit(await visitor.open('/join?return_to=/orders'), bob)
    expect([answer.status, answer.headers.location]).toEqual([303, '/login?return_to=%2Forders'])
    const login = await visitor.submit(await visitor.follow(answer), bob)
    expect(login.headers.location).toBe('/orders')
  })

  it('leads from a reset to the login, for known and unknown addresses alike', async () => {
    const visitor = visitorOf(await startPages(options))
    for (const email of [ada.email, 'nobody@example.com']) {
      const answer = await visitor.send('/auth/password-reset', { email })
      expect([answer.status, answer.headers.location]).toEqual([303, '/login'])
    }
  })

  it.each<[string, object, string]>([
    ['signup', { ...bob, email: ada.email }, 'signup_rejected'],
    ['signup', { ...bob, password: 'short' }, 'weak_password'],
    ['signup', { email: 'bob' }, 'invalid_request'],
    ['password-reset', {}, 'invalid_request'],
  ])('leads back to the login with what is wrong: %s %j', async (route, fields, error) => {
    const visitor = visitorOf(await startPages(options))
    expect((await visitor.send(`/auth/${route}`, fields)).headers.location).toBe(`/login?error=${error}`)
  })

  it('answers a script with JSON', async () => {
    const app = await startPages(options)
    const send = (path: string) => request(app.app).post(path).set('Sec-Fetch-Mode', 'cors').type('form').send(bob)
    await send('/auth/signup').expect(201)
    await send('/auth/password-reset').expect(202, { success: true })
  })
})

describe('requireAuth with pages', () => {
  it.each<[string, Record<string, string>]>([
    ['a navigation', { 'Sec-Fetch-Mode': 'navigate' }],
    ['a navigation that takes anything', { 'Sec-Fetch-Mode': 'navigate', Accept: '*/*' }],
    ['a request for HTML of a browser without Fetch Metadata', { Accept: NAVIGATION.Accept }],
  ])('sends %s to the login page, with GET and HEAD', async (_name, headers) => {
    const { app } = await startPages()
    for (const method of ['get', 'head'] as const) {
      const response = await request(app)[method]('/me?x=1').set(headers)
      expect([response.status, response.headers.location]).toEqual([302, '/login?return_to=%2Fme%3Fx%3D1'])
      expect(response.headers['cache-control']).toBe('no-store')
    }
  })

  it.each<[string, Record<string, string>]>([
    ['fetch', { 'Sec-Fetch-Mode': 'cors', Accept: '*/*' }],
    ['fetch that asks for HTML', { 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' }],
    ['fetch within the own origin', { 'Sec-Fetch-Mode': 'same-origin', Accept: 'text/html' }],
    ['an image', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image', Accept: 'image/avif,image/webp,*/*;q=0.8' }],
    ['a WebSocket', { 'Sec-Fetch-Mode': 'websocket' }],
    ['an image of a browser without Fetch Metadata', { Accept: 'image/webp,*/*' }],
    ['XMLHttpRequest', { Accept: '*/*', 'X-Requested-With': 'XMLHttpRequest' }],
    ['a client of JSON', { Accept: 'application/json' }],
    ['a client that says nothing', {}],
  ])('answers %s with JSON', async (_name, headers) => {
    const { app } = await startPages()
    await request(app).get('/me').set(headers).expect(401, refusal('unauthenticated'))
  })

  it.each(['post', 'put', 'delete'] as const)(
    'answers %s with JSON, so that nothing is lost on the way',
    async (method) => {
      const { app } = await startPages({}, { after: (app, auth) => void app.all('/thing', auth.requireAuth) })
      await request(app)[method]('/thing').set(NAVIGATION).expect(401, refusal('unauthenticated'))
    },
  )

  it('leads back to the whole address, wherever the guard is mounted', async () => {
    const after: TestAppOptions['after'] = (app, auth) => {
      const router = express.Router()
      router.get('/:year', auth.requireAuth, (_req, res) => void res.send('ok'))
      app.use('/reports', router)
    }
    const { app } = await startPages({}, { after })
    const { location } = (await request(app).get('/reports/2026?q=%C3%A4%26b').set(NAVIGATION)).headers
    expect(new URL(location!, 'http://app').searchParams.get('return_to')).toBe('/reports/2026?q=%C3%A4%26b')
  })

  it.each(['//evil.example/x', '/\\evil.example', 'http://evil.example/x', '/x/..//evil.example'])(
    'never leads to another origin: GET %s',
    async (target) => {
      const { app } = await startPages({}, { after: (app, auth) => void app.use(auth.requireAuth) })
      const { port } = await listen(app)
      const lines = [`GET ${target} HTTP/1.1`, 'Host: app.example', 'Sec-Fetch-Mode: navigate', 'Connection: close']
      const answer = await sendRaw(port, `${lines.join('\r\n')}\r\n\r\n`).ended
      expect(answer).toMatch(/^HTTP\/1\.1 302 /)
      const location = new URL(/^location: (.*)$/im.exec(answer)![1]!.trim(), 'http://app.example')
      expect(location.origin + location.pathname).toBe('http://app.example/login')
      const returnTo = new URL(location.searchParams.get('return_to')!, 'http://app.example')
      expect(returnTo.origin).toBe('http://app.example')
    },
  )

  it('reports that a session has ended, and why', async () => {
    const app = await startPages()
    const visitor = visitorOf(app)
    await visitor.send('/auth/login', ada)
    const { body } = await visitor.agent.get('/me')
    await app.auth.sessions.revokeAll(body.sub as string)
    const answer = await visitor.open('/orders')
    expect(answer.headers.location).toBe('/login?error=session_expired&return_to=%2Forders')
  })

  it('reports that a recent login is required', async () => {
    const after: TestAppOptions['after'] = (app, auth) => {
      const recently = auth.requireRecentLogin({ maxAge: 300 })
      app.get('/payment', auth.requireAuth, recently, (_req, res) => void res.send('ok'))
    }
    const clock = { now: Date.now() }
    const app = await startPages({}, { after, store: 'memory', seams: { testClock: () => clock.now } })
    const visitor = visitorOf(app)
    await visitor.send('/auth/login', ada)
    await visitor.open('/payment').expect(200)
    clock.now += 301_000
    const answer = await visitor.open('/payment')
    expect(answer.headers.location).toBe('/login?error=reauthentication_required&return_to=%2Fpayment')
  })

  it('leaves 403 as JSON', async () => {
    const after: TestAppOptions['after'] = (app, auth) => {
      app.get('/admin', auth.requireAuth, auth.requireScope('admin'), (_req, res) => void res.send('ok'))
      app.get('/staff', auth.requireAuth, auth.requireClaim('role', 'staff'), (_req, res) => void res.send('ok'))
    }
    const visitor = visitorOf(await startPages({}, { after }))
    await visitor.send('/auth/login', ada)
    await visitor.open('/admin').expect(403, refusal('insufficient_scope', { scope: 'admin' }))
    await visitor.open('/staff').expect(403, refusal('forbidden'))
  })

  it('leaves 503 as JSON', async () => {
    const client = new Redis(testRedisUrl())
    const visitor = visitorOf(await startPages({ redis: client }))
    await visitor.send('/auth/login', ada)
    client.disconnect()
    const response = await visitor.open('/orders')
    expect([response.status, response.body]).toEqual([503, refusal('session_unavailable')])
    expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/)
  })

  it('does not redirect a login page behind it in a loop', async () => {
    const after: TestAppOptions['after'] = (app, auth) => void app.use(auth.requireAuth)
    const { app } = await startPages({}, { after })
    await request(app).get('/login?return_to=/orders').set(NAVIGATION).expect(401, refusal('unauthenticated'))
    await request(app).get('/other').set(NAVIGATION).expect(302)
  })

  it('lets optionalAuth pass', async () => {
    const after: TestAppOptions['after'] = (app, auth) =>
      void app.get('/welcome', auth.optionalAuth, (_req, res) => void res.send('welcome'))
    const { app } = await startPages({}, { after })
    await request(app).get('/welcome').set(NAVIGATION).expect(200, 'welcome')
  })
})

describe('return_to', () => {
  const HOSTILE = [
    'https://evil.example/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/..//evil.example',
    '/%2e%2e//evil.example',
    '/%2f/evil.example',
    '/%5cevil.example',
    '/%09/evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    'evil.example',
    '?x',
    'http:/evil.example',
    ' //evil.example',
    `/${'x'.repeat(3000)}`,
  ]

  it.each(HOSTILE)('leads to / in place of %j, in the form and in its address', async (target) => {
    const app = await startPages()
    const query = new URLSearchParams({ return_to: target }).toString()
    const inForm = await visitorOf(app).send('/auth/login', { ...ada, return_to: target })
    const inQuery = await visitorOf(app).send(`/auth/login?${query}`, ada)
    const refused = await visitorOf(app).send(`/auth/login?${query}`, { ...ada, password: 'wrong' })
    expect(inForm.headers.location).toBe('/')
    expect(inQuery.headers.location).toBe('/')
    expect(refused.headers.location).toBe('/login?error=invalid_credentials&return_to=%2F')
  })

  it.each(['/orders', '/orders?page=2#top', '/a/../orders', '/%C3%A4?next=https://evil.example', '/orders/a%20b'])(
    'leads to %s',
    async (target) => {
      const app = await startPages()
      const { location } = (await visitorOf(app).send('/auth/login', { ...ada, return_to: target })).headers
      const here = 'http://app.example'
      expect(new URL(location!, here).href).toBe(new URL(target, here).href)
    },
  )

  it.each<[string, string]>([
    ['empty', 'return_to='],
    ['given twice', 'return_to=/a&return_to=/b'],
    ['of another form', 'return_to[x]=/a'],
  ])('counts as left out when it is %s', async (_name, fields) => {
    const app = await startPages()
    const answer = await visitorOf(app)
      .agent.post('/auth/login')
      .set(NAVIGATION)
      .type('form')
      .send(`${new URLSearchParams({ email: ada.email, password: ada.password }).toString()}&${fields}`)
    expect(answer.headers.location).toBe('/home')
  })

  it('of the form wins over that of its address', async () => {
    const app = await startPages()
    const answer = await visitorOf(app).send('/auth/login?return_to=/a', { ...ada, return_to: '/b' })
    expect(answer.headers.location).toBe('/b')
  })
})

describe('clients without pages', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a script that sends JSON', { 'Sec-Fetch-Mode': 'cors' }, 'json'],
    ['a script that sends a form', { 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' }, 'form'],
    ['a program that sends a form', { Accept: '*/*' }, 'form'],
    ['a program that sends JSON and asks for HTML', { Accept: 'text/html' }, 'json'],
  ])('get JSON from every route: %s', async (_name, headers, type) => {
    const { app } = await startPages()
    const agent = request.agent(app)
    const send = (path: string, fields: object) => agent.post(path).set(headers).type(type).send(fields)
    await send('/auth/login', { ...ada, password: 'wrong', return_to: '/x' }).expect(
      401,
      refusal('invalid_credentials'),
    )
    const { body } = await send('/auth/login', { ...ada, return_to: '/x' }).expect(200)
    expect(body.success).toBe(true)
    await send('/auth/logout', { x: 1 }).expect(200, { success: true })
  })

  it('get JSON if the pages option is not set', async () => {
    const { app } = await startApp()
    const send = (body: object) => request(app).post('/auth/login').set(NAVIGATION).type('form').send(body)
    await send({ ...ada, return_to: '/x' }).expect(200)
    await send({}).expect(400)
    await request(app).get('/me').set(NAVIGATION).expect(401, refusal('unauthenticated'))
    await request(app).post('/auth/logout').set(NAVIGATION).type('form').send({}).expect(200, { success: true })
  })
})

describe('pages and onError', () => {
  const onError: RopgAuthOptions['onError'] = (err, _req, res) => void res.status(err.status).json({ mine: err.code })

  it('redirects browsers, and lets onError shape everything else', async () => {
    const { app } = await startPages({ onError })
    const visitor = visitorOf({ app } as TestApp)
    expect((await visitor.open('/orders')).headers.location).toBe('/login?return_to=%2Forders')
    expect((await visitor.send('/auth/login', {})).headers.location).toBe('/login?error=invalid_request')
    await request(app).get('/orders').expect(401, { mine: 'unauthenticated' })
    await request(app).post('/auth/login').send({}).expect(400, { mine: 'invalid_request' })
    await request(app).post('/orders').set(NAVIGATION).expect(404)
  })

  it('lets onError shape what guards refuse to somebody who is logged in', async () => {
    const after: TestAppOptions['after'] = (app, auth) =>
      void app.get('/admin', auth.requireAuth, auth.requireScope('admin'), (_req, res) => void res.send('ok'))
    const visitor = visitorOf(await startPages({ onError }, { after }))
    await visitor.send('/auth/login', ada)
    await visitor.open('/admin').expect(403, { mine: 'insufficient_scope' })
  })
})

describe('pages beside interactive login', () => {
  async function startBoth(options: RopgAuthOptions = {}) {
    const mounted = express()
    const { url } = await listen(mounted)
    const app = await startPages({ interactive: { baseUrl: url }, ...options })
    mounted.use(app.app)
    return { app, url }
  }

  const pathOf = (location: string) => location.replace(/^https?:\/\/[^/]+/, '')

  /** From GET /login to the callback, with a visitor's cookies. */
  async function logInAtAuth0({ app }: { app: TestApp }, visitor: ReturnType<typeof visitorOf>, path = '/auth/login') {
    const begun = await visitor.open(path)
    const browser = new Browser()
    const start = await browser.open(begun.headers.location!)
    const page = await browser.submit(await browser.open(start.location), app.emulator.domain, ADA)
    return visitor.open(pathOf(page.location))
  }

  it('leads to logout_url after logout in a form, and from Auth0 to afterLogout', async () => {
    const both = await startBoth()
    const visitor = visitorOf(both.app)
    await logInAtAuth0(both, visitor)
    const orders = await visitor.open('/orders').expect(200)

    const answer = await visitor.submit(orders)

    expect(answer.status).toBe(303)
    const target = new URL(answer.headers.location!)
    expect(target.origin).toBe(both.app.emulator.domain)
    expect(target.searchParams.get('post_logout_redirect_uri')).toBe(`${both.url}/goodbye`)
  })

  it('leads to afterLogout after the logout of a password login', async () => {
    const visitor = visitorOf((await startBoth()).app)
    await visitor.send('/auth/login', ada)
    expect((await visitor.send('/auth/logout', {})).headers.location).toBe('/goodbye')
  })

  it('leads to afterLogin without return_to', async () => {
    const both = await startBoth()
    const answer = await logInAtAuth0(both, visitorOf(both.app))
    expect([answer.status, answer.headers.location]).toEqual([302, '/home'])
  })

  it('leads to the login page when a callback comes without its login', async () => {
    const visitor = visitorOf((await startBoth()).app)
    const answer = await visitor.open('/auth/callback?code=x&state=y')
    expect([answer.status, answer.headers.location]).toEqual([302, '/login?error=login_transaction_missing'])
  })

  it('works with the login of Auth0 as the login page', async () => {
    const both = await startBoth({ pages: { ...pages, login: '/auth/login' } })
    const visitor = visitorOf(both.app)
    const sent = await visitor.open('/orders')
    expect(sent.headers.location).toBe('/auth/login?return_to=%2Forders')
    const answer = await logInAtAuth0(both, visitor, sent.headers.location)
    expect(answer.headers.location).toBe('/orders')
  })

  it.each(['/auth/login', '/auth/login/', '/Auth/Login?x=1'])('answers failures at %s with JSON', async (login) => {
    // The login page would restart the login and fail again.
    const { app } = await startBoth({ pages: { ...pages, login } })
    const visitor = visitorOf(app)
    const answer = await visitor.open('/auth/callback?code=x&state=y')
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual(refusal('login_transaction_missing', { login_url: '/auth/login' }))
  })
})

describe('a login page at the address of the router', () => {
  it('is shown by the app, and sent by the router', async () => {
    const after: TestAppOptions['after'] = (app) =>
      void app.get('/auth/login', (_req, res) => void res.send('the form'))
    const visitor = visitorOf(await startPages({ pages: { login: '/auth/login' } }, { after }))
    await visitor.open('/auth/login').expect(200, 'the form')
    const wrong = await visitor.send('/auth/login', { ...ada, password: 'wrong' })
    expect(wrong.headers.location).toBe('/auth/login?error=invalid_credentials')
    await visitor.follow(wrong).expect(200, 'the form')
  })
})
