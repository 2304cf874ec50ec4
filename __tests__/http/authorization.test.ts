import { describe, expect, it } from '@jest/globals'
import type { Express, Request, RequestHandler } from 'express'
import request from 'supertest'
import { ConfigurationError, type RopgAuth, type RopgAuthOptions } from '../../lib/index.ts'
import { signIn, type EmulatorUser } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { cookieOf, refusal } from './wire.ts'

const ok: RequestHandler = (_req, res) => void res.json({ passed: true })

/** `GET /x` behind `requireAuth` and these guards. */
const guarded = (guardsOf: (auth: RopgAuth) => RequestHandler[], more: TestAppOptions = {}): Promise<TestApp> =>
  startApp({
    store: 'memory',
    ...more,
    after: (app, auth) => {
      app.get('/x', auth.requireAuth, ...guardsOf(auth), ok)
      more.after?.(app, auth)
    },
  })

const ROLES = 'https://example.com/roles'

describe('requireClaim', () => {
  type Expected = Parameters<RopgAuth['requireClaim']>[1]

  const statusFor = async (claims: object, name: string, expected: Expected) => {
    const app = await guarded((auth) => [auth.requireClaim(name, expected) as RequestHandler])
    const agent = await signIn(app.agent(), app.auth, { ...claims })
    const { status, body } = await agent.get('/x')
    if (status !== 200) expect(body).toEqual(refusal('forbidden'))
    return status
  }

  it.each<[title: string, claims: object, name: string, expected: Expected]>([
    ['a value', { tier: 'gold' }, 'tier', 'gold'],
    ['a number', { level: 3 }, 'level', 3],
    ['true', { email_verified: true }, 'email_verified', true],
    ['false', { email_verified: false }, 'email_verified', false],
    ['null', { manager: null }, 'manager', null],
    ['an empty text', { note: '' }, 'note', ''],
    ['one of a list', { tier: 'silver' }, 'tier', ['gold', 'silver']],
    ['a member of a list claim', { [ROLES]: ['reader', 'admin'] }, ROLES, 'admin'],
    ['any member of a list claim', { [ROLES]: ['reader', 'editor'] }, ROLES, ['admin', 'editor']],
    ['a function', { level: 7 }, 'level', (level) => (level as number) > 5],
    ['a function of the whole user', { tier: 'gold', level: 7 }, 'tier', (_tier, user) => user.level === 7],
    ['a function of a missing claim', {}, 'tier', (tier) => tier === undefined],
    ['a claim with the name of a method that is really there', { constructor: 'x' }, 'constructor', 'x'],
  ])('lets pass: %s', async (_title, claims, name, expected) => {
    expect(await statusFor(claims, name, expected)).toBe(200)
  })

  it.each<[title: string, claims: object, name: string, expected: Expected]>([
    ['another value', { tier: 'silver' }, 'tier', 'gold'],
    ['a missing claim', {}, 'tier', 'gold'],
    ['a missing claim and null', {}, 'tier', null],
    ['a missing claim and false', {}, 'email_verified', false],
    ['a missing claim and an empty text', {}, 'tier', ''],
    ['an empty list of roles', { [ROLES]: [] }, ROLES, 'admin'],
    ['nothing expected', { [ROLES]: ['admin'] }, ROLES, []],
    ['a text that contains the value', { [ROLES]: 'admin,reader' }, ROLES, 'admin'],
    ['a member that contains the value', { [ROLES]: ['superadmin'] }, ROLES, 'admin'],
    ['another case', { [ROLES]: ['Admin'] }, ROLES, 'admin'],
    ['a text for true', { email_verified: 'true' }, 'email_verified', true],
    ['a text for a number', { level: '3' }, 'level', 3],
    ['an object', { [ROLES]: { admin: true } }, ROLES, 'admin'],
    ['a list in a list', { [ROLES]: [['admin']] }, ROLES, 'admin'],
    ['a function that says no', { level: 3 }, 'level', () => false],
    ['a function that says 1', { level: 3 }, 'level', (() => 1) as unknown as Expected],
    ['a function that is async', { level: 3 }, 'level', (async () => true) as unknown as Expected],
    ['constructor, which every object has', {}, 'constructor', 'Object'],
    ['toString', {}, 'toString', (claim) => claim !== undefined],
    ['__proto__', {}, '__proto__', (claim) => claim !== undefined],
    ['hasOwnProperty', {}, 'hasOwnProperty', (claim) => typeof claim === 'function'],
  ])('answers 403 forbidden: %s', async (_title, claims, name, expected) => {
    expect(await statusFor(claims, name, expected)).toBe(403)
  })

  it('answers 500 internal_error if its function throws, and the log omits the message', async () => {
    const app = await guarded((auth) => [
      auth.requireClaim('tier', () => {
        throw new RangeError('canary')
      }) as RequestHandler,
    ])
    const agent = await signIn(app.agent(), app.auth)
    const { status, body } = await agent.get('/x')
    expect([status, body]).toEqual([500, refusal('internal_error')])
    expect(app.logged.join()).toMatch(/RangeError.*authorization\.test/)
    expect(app.logged.join()).not.toContain('canary')
  })

  it.each([
    ['no name', undefined, 'x'],
    ['an empty name', '', 'x'],
    ['no value', 'tier', undefined],
    ['a list with a value that is missing', 'tier', ['gold', undefined]],
  ])('throws with %s', async (_title, name, expected) => {
    const { auth } = await startApp({ store: 'memory' })
    expect(() => auth.requireClaim(name!, expected as string)).toThrow(ConfigurationError)
    expect(() => auth.requireClaim(name!, expected as string)).toThrow(/auth\.requireClaim\('https:/)
  })
})

describe('requirePermission', () => {
  const API = 'https://api.example.com'
  const scopes = ['read:posts', 'write:posts']

  const start = (
    permissions: string[] | undefined,
    { rbac = true, ...options }: RopgAuthOptions & { rbac?: boolean } = {},
  ) => {
    const user: EmulatorUser = { ...ada, ...(permissions && { permissions }) }
    return guarded((auth) => [auth.requirePermission('read:users', ['delete:users']) as RequestHandler], {
      emulator: { users: [user], apis: [{ audience: API, scopes, rbac }] },
      options: { audience: API, ...options },
    })
  }
  const askedBy = async (app: TestApp) => {
    const cookie = cookieOf(await app.login().expect(200))
    return request(app.app).get('/x').set('Cookie', cookie)
  }

  it.each([
    ['all', ['read:users', 'delete:users']],
    ['all and more', ['read:posts', 'delete:users', 'read:users']],
  ])('lets users with %s pass', async (_title, permissions) => {
    await expect(askedBy(await start(permissions))).resolves.toMatchObject({ status: 200 })
  })

  it.each([
    ['one of them', ['read:users']],
    ['others', ['read:posts']],
    ['none', []],
    ['the names in one text', ['read:users delete:users']],
    ['another case', ['Read:Users', 'Delete:Users']],
  ])('answers 403 forbidden to users with %s', async (_title, permissions) => {
    const { status, body } = await askedBy(await start(permissions))
    expect([status, body]).toEqual([403, refusal('forbidden')])
  })

  it.each<[title: string, options: RopgAuthOptions & { rbac?: boolean }]>([
    ['RBAC is off', { rbac: false }],
    ['no audience is configured', { audience: undefined }],
  ])('answers 403 forbidden where %s', async (_title, options) => {
    const app = await start(['read:users', 'delete:users'], options)
    for (let times = 0; times < 3; times++) {
      const { status, body } = await askedBy(app)
      expect([status, body]).toEqual([403, refusal('forbidden')])
    }
    const hints = app.logged.filter((line) => line.includes('no permissions'))
    expect(hints).toEqual([expect.stringMatching(/set the audience option.*Enable RBAC/)])
  })

  it('reads the access token, not claims of the ID token', async () => {
    const claims = { permissions: ['read:users', 'delete:users'] }
    const app = await guarded((auth) => [auth.requirePermission('read:users') as RequestHandler], {
      emulator: { users: [{ ...ada, claims }] },
    })
    expect((await askedBy(app)).status).toBe(403)
  })

  it.each([['nothing'], ['an empty list', []], ['a blank', ' '], ['a number', 7], ['null', null]])(
    'throws with %s',
    async (_title, ...permissions) => {
      const { auth } = await startApp({ store: 'memory' })
      expect(() => auth.requirePermission(...(permissions as string[]))).toThrow(ConfigurationError)
    },
  )
})

describe('requireRecentLogin', () => {
  const recent = (maxAge: number, more: TestAppOptions = {}) =>
    guarded((auth) => [auth.requireRecentLogin({ maxAge }) as RequestHandler], more)

  /** A clock for the app and its store. */
  function movable() {
    let ahead = 0
    return { now: () => Date.now() + ahead, advance: (seconds: number) => void (ahead += 1000 * seconds) }
  }

  it('answers 401 reauthentication_required once the login is older', async () => {
    const clock = movable()
    const app = await recent(300, { options: { clock } })
    const cookie = cookieOf(await app.login().expect(200))
    const ask = () => request(app.app).get('/x').set('Cookie', cookie)
    await ask().expect(200)
    clock.advance(295)
    await ask().expect(200)
    clock.advance(10)
    await ask().expect(401, refusal('reauthentication_required'))
    // The session stays alive.
    await request(app.app).get('/me').set('Cookie', cookie).expect(200)
    expect((await ask()).headers['set-cookie']).toBeUndefined()
  })

  it("a login over one's own session keeps the app's data and passes", async () => {
    const clock = movable()
    const cart = (req: Request) => Reflect.get(req.session, 'cart') as unknown
    const app = await recent(300, {
      options: { clock },
      before: (app, auth) => {
        app.post('/cart', auth.session, (req, res) => {
          Object.assign(req.session, { cart: ['book'] })
          res.json({})
        })
        app.get('/cart', auth.session, (req, res) => void res.json({ cart: cart(req) ?? null }))
      },
    })
    const agent = app.agent()
    const body = { email: ada.email, password: ada.password }
    await agent.post('/auth/login').send(body).expect(200)
    await agent.post('/cart').expect(200)
    clock.advance(301)
    await agent.get('/x').expect(401, refusal('reauthentication_required'))
    await agent
      .post('/auth/login')
      .send({ ...body, password: 'wrong' })
      .expect(401)
    await agent.get('/x').expect(401, refusal('reauthentication_required'))
    await agent.get('/cart').expect(200, { cart: ['book'] })
    await agent.post('/auth/login').send(body).expect(200)
    await agent.get('/x').expect(200)
    await agent.get('/cart').expect(200, { cart: ['book'] })
  })

  it('uses the clock of the store, not that of the process', async () => {
    for (const hours of [1, -1]) {
      const app = await recent(300, { store: 'redis', seams: { clock: () => Date.now() + hours * 3_600_000 } })
      const cookie = cookieOf(await app.login().expect(200))
      await request(app.app).get('/x').set('Cookie', cookie).expect(200)
    }
  })

  it.each([
    ['nothing', undefined],
    ['no maxAge', {}],
    ['0', { maxAge: 0 }],
    ['a negative one', { maxAge: -1 }],
    ['NaN', { maxAge: NaN }],
    ['a text', { maxAge: '300' }],
    ['a bare number', 300],
  ])('throws with %s', async (_title, options) => {
    const { auth } = await startApp({ store: 'memory' })
    expect(() => auth.requireRecentLogin(options as { maxAge: number })).toThrow(ConfigurationError)
  })
})

const GUARDS: [name: string, guardOf: (auth: RopgAuth) => unknown][] = [
  ['requireScope', (auth) => auth.requireScope('openid')],
  ['requireClaim', (auth) => auth.requireClaim('sub', () => true)],
  ['requirePermission', (auth) => auth.requirePermission('read:users')],
  ['requireRecentLogin', (auth) => auth.requireRecentLogin({ maxAge: 300 })],
]

const withAuth =
  (auth: object): RequestHandler =>
  (req, _res, next) => {
    Object.assign(req, { auth })
    next()
  }

describe.each(GUARDS)('%s without requireAuth', (name, guardOf) => {
  const line = `${name} must come after requireAuth: app.get(path, auth.requireAuth, auth.${name}(...))`

  it.each<[title: string, before: (app: Express) => unknown]>([
    ['alone', () => undefined],
    ['behind the req.auth of another package', (app) => app.use(withAuth({ payload: { sub: 'x' } }))],
    ['behind a req.auth that the app has made up', (app) => app.use(withAuth({ sub: 'x', user: { sub: 'x' } }))],
  ])('%s: 500 configuration_error, and the log names the guard', async (_title, before) => {
    const app = await startApp({
      store: 'memory',
      before,
      after: (app, auth) => void app.get('/x', guardOf(auth) as RequestHandler, ok),
    })
    const cookie = cookieOf(await app.login().expect(200))
    await request(app.app).get('/x').set('Cookie', cookie).expect(500, refusal('configuration_error'))
    expect(app.logged.filter((logged) => logged.includes(line))).toHaveLength(1)
  })

  it('as plain middleware passes the error to next', async () => {
    const { auth } = await startApp({ store: 'memory' })
    const guard = guardOf(auth) as (req: object, res: object, next: (err?: unknown) => void) => void
    const err = await new Promise((resolve) => {
      guard({ headers: {} }, {}, resolve)
    })
    expect(err).toMatchObject({ code: 'configuration_error', detail: line })
  })
})
