import { afterEach, describe, expect, it, jest } from '@jest/globals'
import express, { type ErrorRequestHandler } from 'express'
import request from 'supertest'
import { AuthError, type RopgAuthOptions } from '../../lib/index.ts'
import { cookieOf, gate, keysUnder, refusal, until } from '../http/wire.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'

type OnLogin = NonNullable<RopgAuthOptions['onLogin']>

const credentials = { email: ada.email, password: ada.password }
const remembered = { ...credentials, remember_me: true }

/** An app with every kind of login, `GET /data`, and an error handler for `auth.login`. */
function start(onLogin: unknown, more: TestAppOptions = {}): Promise<TestApp> {
  return startApp({
    ...more,
    options: { ...more.options, onLogin: onLogin as OnLogin },
    after: (app, auth) => {
      app.post('/own', express.json(), (req, res, next) => {
        auth.login(req, req.body).then(() => res.json({ data: req.auth!.data }), next)
      })
      app.post('/mounted', auth.session, express.json(), (req, res, next) => {
        auth.login(req, req.body).then(() => res.json({ data: req.auth!.data }), next)
      })
      app.get('/data', auth.requireAuth, (req, res) => void res.json(req.auth.data))
      app.get('/token', auth.requireAuth, async (req, res) => void res.json(await req.auth.getAccessToken()))
      const answer: ErrorRequestHandler = (err: AuthError, _req, res, _next) => void res.status(err.status).json(err)
      app.use(answer)
    },
  })
}

const WAYS: [title: string, path: string][] = [
  ['POST /login', '/auth/login'],
  ['auth.login', '/own'],
  ['auth.login behind auth.session', '/mounted'],
]

const revoked = ({ emulator }: TestApp) => emulator.requestsTo('/oauth/revoke').map(({ params }) => params.token)
const granted = ({ emulator }: TestApp) => emulator.requestsTo('/oauth/token')

describe.each(WAYS)('onLogin by %s', (_title, path) => {
  const send = ({ app }: TestApp, body: object = remembered) => request(app).post(path).send(body)

  async function expectNothingIsLeft(app: TestApp) {
    await until(() => revoked(app).length === 1)
    expect(app.emulator.refreshTokens.families()).toBe(0)
    expect(await keysUnder(app.prefix)).toEqual([])
    expect(granted(app)).toHaveLength(1)
  }

  it('is awaited before the session exists, and receives the user', async () => {
    const told: Parameters<OnLogin>[0][] = []
    const during: string[][] = []
    const app: TestApp = await start(async (login: Parameters<OnLogin>[0]) => {
      told.push(login)
      await new Promise((resolve) => setImmediate(resolve))
      during.push(await keysUnder(app.prefix))
    })
    const answer = await send(app).expect(200)
    const { sub } = app.emulator.users.get(ada.email)!
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ user: { sub, email: ada.email, name: ada.name } })
    expect(told[0]!.scope.split(' ')).toEqual(expect.arrayContaining(['openid', 'offline_access']))
    expect(told[0]!.req.path).toBe(path.replace('/auth', ''))
    expect(during).toEqual([[]])
    await request(app.app).get('/data').set('Cookie', cookieOf(answer)).expect(200, {})
  })

  it('is not called for a login that Auth0 refuses', async () => {
    const onLogin = jest.fn()
    const app = await start(onLogin)
    await send(app, { ...credentials, password: 'wrong' }).expect(401, refusal('invalid_credentials'))
    expect(onLogin).not.toHaveBeenCalled()
  })

  it.each([
    ['an object', { tenantId: 7, roles: ['a'] }, { tenantId: 7, roles: ['a'] }],
    ['what JSON leaves of it', { at: new Date(0), gone: undefined }, { at: '1970-01-01T00:00:00.000Z' }],
    ['nothing', undefined, {}],
    ['null', null, {}],
  ])('stores %s that it returns as req.auth.data', async (_of, returned, data) => {
    const app = await start(() => returned)
    const answer = await send(app).expect(200)
    const cookie = cookieOf(answer)
    if (path !== '/auth/login') expect(answer.body).toEqual({ data })
    await request(app.app).get('/data').set('Cookie', cookie).expect(200, data)
  })

  it('can be synchronous, and refuse by throwing', async () => {
    const app = await start(() => {
      throw new AuthError('access_denied')
    })
    await send(app).expect(403, refusal('access_denied'))
    await expectNothingIsLeft(app)
  })

  it('refuses with the given members, revokes the tokens, and stores nothing', async () => {
    const body = { plan: 'expired', upgrade_url: '/upgrade', success: true, error: 'x', message: 'y' }
    const app = await start(async () => {
      throw new AuthError('access_denied', { detail: 'the plan of this account has expired', body })
    })
    const answer = await send(app)
    expect([answer.status, answer.body]).toEqual([
      403,
      refusal('access_denied', { plan: 'expired', upgrade_url: '/upgrade' }),
    ])
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(app.events).toEqual([
      expect.objectContaining({
        ...{ name: 'login.failed', code: 'access_denied', userName: ada.email },
        detail: 'the plan of this account has expired',
      }),
    ])
    await expectNothingIsLeft(app)
  })

  it.each([
    ['an Error', new RangeError('canary-7f3a'), /"name":"RangeError"/],
    ['an error with a message of several lines', new TypeError('canary-7f3a\ncanary-7f3a'), /"name":"TypeError"/],
    [
      'an error that looks like one of ours',
      Object.assign(new Error('canary-7f3a'), { code: 'access_denied', status: 403 }),
      /"name":"Error"/,
    ],
  ])('%s that it throws is internal_error: the log has its name and place, not its message', async (_of, err, name) => {
    const app = await start(async () => {
      throw err
    })
    await send(app).expect(500, refusal('internal_error'))
    const [bug] = app.logged.filter((line) => name.test(line))
    expect(bug).toContain('on-login.test')
    expect(app.logged.join() + JSON.stringify(app.events)).not.toContain('canary')
    expect(app.events).toMatchObject([{ name: 'login.failed', code: 'internal_error' }])
    await expectNothingIsLeft(app)
  })

  it.each(['rate_limited', 'mfa_required', 'session_unavailable'] as const)(
    'an AuthError with the code %s that it throws is internal_error, and the event names the code',
    async (code) => {
      const app = await start(() => {
        throw new AuthError(code, { detail: 'canary-7f3a', body: { plan: 'expired' } })
      })
      await send(app).expect(500, refusal('internal_error'))
      expect(app.events).toMatchObject([
        {
          ...{ name: 'login.failed', code: 'internal_error' },
          detail: `onLogin threw ${code}: to refuse a login, throw access_denied`,
        },
      ])
      await expectNothingIsLeft(app)
    },
  )

  it.each([
    ['a text', 'canary-7f3a'],
    ['null', null],
    ['undefined', undefined],
  ])('%s that it throws is internal_error', async (_of, thrown) => {
    const app = await start(() => {
      throw thrown as unknown as Error
    })
    await send(app).expect(500, refusal('internal_error'))
    expect(app.logged.join() + JSON.stringify(app.events)).not.toContain('canary')
    await expectNothingIsLeft(app)
  })

  const circular: { self?: object } = {}
  circular.self = circular

  it.each([
    ['a text', 'admin'],
    ['a number', 7],
    ['true', true],
    ['a list', ['admin']],
    ['a function', () => ({})],
    ['a Date', new Date()],
    ['a circle', circular],
    ['a BigInt inside', { id: 7n }],
  ])('%s that it returns is internal_error, and ends the login', async (_of, returned) => {
    const app = await start(() => returned)
    await send(app).expect(500, refusal('internal_error'))
    expect(app.events).toMatchObject([{ name: 'login.failed', code: 'internal_error' }])
    await expectNothingIsLeft(app)
  })
})

describe('onLogin that never finishes', () => {
  afterEach(() => {
    jest.useRealTimers()
  })

  /** Fakes only the timers behind deadlines. */
  const stopDeadlines = () =>
    jest.useFakeTimers({
      doNotFake: [
        ...(['Date', 'hrtime', 'nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
        ...(['setInterval', 'clearInterval'] as const),
      ],
    })

  it.each(WAYS)('times out after 10 seconds, by %s', async (_title, path) => {
    const called = gate()
    const late = gate()
    const app = await start(
      () => {
        called.open()
        return late.opened.then(() => ({ late: true }))
      },
      { store: 'memory' },
    )
    stopDeadlines()
    let answered = false
    const answer = request(app.app)
      .post(path)
      .send(remembered)
      .then((response) => {
        answered = true
        return response
      })
    await called.opened
    jest.advanceTimersByTime(9_900)
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    jest.advanceTimersByTime(100)
    const { status, body, headers } = await answer
    jest.useRealTimers()
    expect([status, body]).toEqual([500, refusal('internal_error')])
    expect(headers['set-cookie']).toBeUndefined()
    expect(app.events).toEqual([
      expect.objectContaining({ name: 'login.failed', detail: 'onLogin did not finish within 10 seconds' }),
    ])
    late.open()
    await until(() => revoked(app).length === 1)
    const { sub } = app.emulator.users.get(ada.email)!
    expect(await app.auth.sessions.list(sub)).toEqual([])
  })
})

describe('req.auth.data', () => {
  it('is set at each login, and kept during refreshes', async () => {
    let logins = 0
    let ahead = 0
    const app = await start(() => ({ login: ++logins }), { seams: { clock: () => Date.now() + ahead } })
    const first = cookieOf(await app.login(remembered).expect(200))
    ahead += 90_000_000
    await request(app.app).get('/token').set('Cookie', first).expect(200)
    await request(app.app).get('/data').set('Cookie', first).expect(200, { login: 1 })
    const second = cookieOf(
      await request(app.app).post('/auth/login').set('Cookie', first).send(remembered).expect(200),
    )
    await request(app.app).get('/data').set('Cookie', second).expect(200, { login: 2 })
  })

  it('is sealed in the store', async () => {
    const app = await start(() => ({ note: 'canary-7f3a' }))
    await app.login().expect(200)
    const { Redis } = await import('ioredis')
    const redis = new Redis(process.env.TEST_REDIS_URL!)
    const [key] = (await keysUnder(app.prefix)).filter((name) => name.includes(':s:'))
    expect(JSON.stringify(await redis.hgetall(key!))).not.toContain('canary')
    redis.disconnect()
  })
})
