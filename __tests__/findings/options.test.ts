import { createServer } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { ErrorRequestHandler, Express } from 'express'
import request from 'supertest'
import {
  ConfigurationError,
  createRopgAuth,
  messageFirst,
  type RopgAuth,
  type RopgAuthOptions,
} from '../../lib/index.ts'
import { refusal, cookieOf } from '../http/wire.ts'
import { ada, secret, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'

const complete = {
  domain: 'tenant.eu.auth0.com',
  clientId: 'client',
  clientSecret: 'client-secret',
  session: { secret },
  logger: false,
} as const

const changedVariables: string[] = []

function setVariable(name: string, value: string): void {
  changedVariables.push(name)
  process.env[name] = value
}

afterEach(() => {
  for (const name of changedVariables.splice(0)) Reflect.deleteProperty(process.env, name)
})

/** The message of the error that construction throws. */
function problemWith(options: object): string {
  try {
    void createRopgAuth(options).close()
  } catch (err) {
    expect(err).toBeInstanceOf(ConfigurationError)
    return (err as Error).message
  }
  throw new Error('createRopgAuth has accepted these options')
}

async function expectAccepted(options: object): Promise<void> {
  await createRopgAuth({ ...complete, ...options }).close()
}

describe('findings 33: app origins and deep links', () => {
  it.each([
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://obsidian.md',
    'http://localhost:5173',
  ])('allowedOrigins accepts %s and logins from it', async (origin) => {
    const app = await startApp({ store: 'memory', options: { allowedOrigins: [origin] } })
    await app.login().set('Origin', origin).set('Sec-Fetch-Site', 'cross-site').expect(200)
    await app.login().set('Origin', `${origin}x`).set('Sec-Fetch-Site', 'cross-site').expect(403)
  })

  it.each([
    'null',
    '*',
    'https://*.example.com',
    'https://*',
    'capacitor://*',
    'https://a.example.com/',
    'a.example.com',
  ])('allowedOrigins refuses %s', (origin) => {
    expect(problemWith({ ...complete, allowedOrigins: [origin] })).toMatch(/^allowedOrigins\[0\] .*(list|must be)/)
  })

  it.each(['myapp://login', 'com.example.app://auth/login', '/login', 'https://example.com/login'])(
    'loginUrl accepts %s and returns it',
    async (loginUrl) => {
      const users = [{ ...ada, mfa: true }]
      const app = await startApp({ store: 'memory', emulator: { users }, options: { loginUrl } })
      await app.login().expect(403, refusal('mfa_required', { login_url: loginUrl }))
    },
  )

  it.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example.com', 'login', 'myapp:login', 'https://'])(
    'loginUrl refuses %s',
    (loginUrl) => {
      expect(problemWith({ ...complete, loginUrl })).toMatch(/^loginUrl must be .*myapp:\/\/login$/)
    },
  )
})

describe('findings 34: a proxy in the environment', () => {
  const VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']

  it.each(VARIABLES)('%s without a scheme is treated as an HTTP proxy', async (name) => {
    for (const value of ['proxy:3128', 'proxy.example.com:3128', '10.0.0.1:8080', ' proxy:3128\n']) {
      setVariable(name, value)
      await expectAccepted({})
    }
  })

  it.each(VARIABLES)('%s that is not a URL is a ConfigurationError that names the variable, not the value', (name) => {
    for (const value of ['http://', 'user:canary@proxy:port', '"http://canary:3128"', 'ftp://canary']) {
      setVariable(name, value)
      expect(problemWith(complete)).toBe(`${name} must be a URL such as http://proxy.example.com:3128`)
    }
  })

  it('is used for logins', async () => {
    const asked: string[] = []
    const proxy = createServer().on('connect', (req, socket, head) => {
      asked.push(req.url!)
      const [host = '', port = ''] = req.url!.split(':')
      const target = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        target.write(head)
        target.pipe(socket).pipe(target)
      })
      for (const end of [socket, target]) end.on('error', () => end.destroy())
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    setVariable('http_proxy', `127.0.0.1:${(proxy.address() as AddressInfo).port}`)
    try {
      const app = await startApp({ store: 'memory' })
      await app.login().expect(200)
      expect(asked).toContain(new URL(app.emulator.domain).host)
    } finally {
      proxy.close()
    }
  })
})

describe('findings 35: values copied from env files and dashboards', () => {
  it.each([
    ['in quotes', '"tenant.eu.auth0.com"', /contains quotes: remove them/],
    ['in single quotes', "'tenant.eu.auth0.com'", /contains quotes: remove them/],
    [
      'an endpoint',
      'https://t.eu.auth0.com/oauth/token',
      /endpoint path such as \/oauth\/token: use the host name alone/,
    ],
    ['another endpoint', 'https://t.eu.auth0.com/authorize', /endpoint path/],
    ['discovery', 'https://t.eu.auth0.com/.well-known/openid-configuration', /endpoint path/],
    ['without a dot', 'my-tenant', /has no dot in its host name: use the full domain/],
    ['a placeholder', 'YOUR_DOMAIN', /placeholder: copy the value from the Auth0 Dashboard/],
    ['a placeholder in brackets', '<your-tenant>.auth0.com', /placeholder/],
    ['a template', '${AUTH0_DOMAIN}', /placeholder/],
  ])('a domain %s is refused with an explanation', (_title, domain, remedy) => {
    expect(problemWith({ ...complete, domain })).toMatch(remedy)
    setVariable('AUTH0_DOMAIN', domain)
    const problem = problemWith({ ...complete, domain: undefined })
    expect(problem).toMatch(remedy)
    expect(problem).toMatch(/^domain \(from AUTH0_DOMAIN\) /)
  })

  it.each([
    ['AUTH0_CLIENT_ID', 'clientId', '"client"'],
    ['AUTH0_CLIENT_SECRET', 'clientSecret', "'secret'"],
    ['SESSION_SECRET', 'session.secret', `"${secret}"`],
  ])('%s in quotes is refused', (variable, option, value) => {
    setVariable(variable, value)
    const { clientId, clientSecret, ...rest } = complete
    const options = { clientId, clientSecret, ...rest, session: option === 'session.secret' ? {} : rest.session }
    const problem = problemWith({ ...options, [option]: undefined })
    expect(problem).toMatch(new RegExp(`^${option} \\(from ${variable}\\) is wrapped in quotes: remove them`))
    expect(problem).not.toContain(value)
  })

  it('trailing newlines are trimmed', async () => {
    const app = await startApp({ store: 'memory' })
    const { domain, clientId, clientSecret } = app.emulator
    setVariable('AUTH0_DOMAIN', `${domain}\n`)
    setVariable('AUTH0_CLIENT_ID', `${clientId}\n`)
    setVariable('AUTH0_CLIENT_SECRET', ` ${clientSecret}\r\n`)
    setVariable('SESSION_SECRET', `${secret}\n`)
    const auth = createRopgAuth({ logger: false })
    await auth.client.getTokenByPassword({ username: ada.email, password: ada.password })
    await auth.close()
  })
})

describe('findings 36: several problems', () => {
  it.each([
    [{ domain: '', session: { secret: 'short' } }, ['domain', 'clientId', 'clientSecret', 'session.secret']],
    [{ ...complete, scope: 'email', allowedOrigins: ['*'], unknown: 1 }, ['unknown', 'scope', 'allowedOrigins[0]']],
    [
      { ...complete, session: { secret, idleTimeout: 20, absoluteTimeout: 10 }, rateLimit: 5 },
      ['session.idleTimeout', 'rateLimit'],
    ],
    [{}, ['domain', 'clientId', 'clientSecret', 'session.secret']],
  ])('of %j are reported at once', (options, names) => {
    const problem = problemWith(options)
    expect(problem).toMatch(new RegExp(`^${names.length} options are missing or invalid:`))
    for (const name of names) expect(problem).toContain(name)
    expect(problem.split('\n  - ')).toHaveLength(names.length + 1)
    expect(problem).not.toContain('short')
  })
})

describe('findings 37: common wrong names', () => {
  it.each<[written: object, meant: string]>([
    [{ sessionSecret: secret }, 'session.secret'],
    [{ secret }, 'session.secret'],
    [{ redisUrl: 'redis://canary' }, 'redis'],
    [{ cookie: { secure: true } }, 'session.cookie'],
    [{ maxAge: 3600 }, 'session.idleTimeout or session.absoluteTimeout'],
    [{ ttl: 3600 }, 'session.idleTimeout or session.absoluteTimeout'],
    [{ issuerBaseURL: 'https://canary' }, 'domain'],
    [{ clientID: 'canary' }, 'clientId'],
    [{ rateLimit: { max: 5 } }, 'rateLimit.subnet.limit'],
    [{ session: { secret, maxAge: 3600 } }, 'session.idleTimeout or session.absoluteTimeout'],
    [{ loginURL: '/login' }, 'loginUrl'],
  ])('%j: did you mean %s?', (written, meant) => {
    const problem = problemWith({ ...complete, ...written })
    expect(problem).toContain(`did you mean ${meant}?`)
    expect(problem).not.toContain('canary')
  })
})

describe('findings 38: absoluteTimeout alone', () => {
  it.each([
    ['session', { absoluteTimeout: 3600 }, 3600],
    ['session', { absoluteTimeout: 1 }, 1],
    ['session', { absoluteTimeout: 172_800 }, 172_800],
  ])('%s %j: adapts the default idle timeout', async (_title, session, absolute) => {
    const app = await startApp({ store: 'memory', options: { session } })
    const { body } = await app.login().expect(200)
    const lives = (Date.parse(body.expires_at) - Date.now()) / 1000
    expect(Math.abs(lives - absolute)).toBeLessThan(5)
    expect(app.logged.join()).not.toContain('Timeout')
  })

  it('adapts the default idle timeout of remembered sessions too', async () => {
    const app = await startApp({ store: 'memory', options: { session: { remembered: { absoluteTimeout: 7200 } } } })
    const { body } = await app.login({ email: ada.email, password: ada.password, remember_me: true }).expect(200)
    expect(Math.abs((Date.parse(body.expires_at) - Date.now()) / 1000 - 7200)).toBeLessThan(5)
  })
})

describe('findings 39: possibly missing variables under exactOptionalPropertyTypes', () => {
  // Checked by the compiler.
  const { REDIS_URL, AUTH0_AUDIENCE, AUTH0_REALM, COOKIE_DOMAIN } = process.env
  const options: RopgAuthOptions = {
    ...complete,
    redis: REDIS_URL,
    audience: AUTH0_AUDIENCE,
    realm: AUTH0_REALM,
    session: { secret, cookie: { domain: COOKIE_DOMAIN }, idleTimeout: undefined },
    rateLimit: { subnet: undefined, account: { limit: undefined } },
    timeouts: { redis: undefined },
    onLogin: undefined,
  }

  it('accepts undefined as omitted', () => expectAccepted(options))
})

describe('findings 40: loggers with the message as the first argument', () => {
  const CASES: [title: string, make: (lines: unknown[][]) => RopgAuthOptions['logger']][] = [
    ['messageFirst', (lines) => messageFirst(recorder(lines))],
    ['winston itself', (lines) => ({ ...recorder(lines), transports: [], exceptions: {} })],
  ]

  it.each(CASES)('%s: logs each message with its fields', async (_title, make) => {
    const lines: unknown[][] = []
    const app = await startApp({
      store: 'memory',
      options: { logger: make(lines) },
      before: (app) => app.set('trust proxy', true),
      after: (app, auth) => app.get('/alone', auth.requireScope('x'), (_req, res) => void res.json({})),
    })
    await app.login().expect(200)
    await app.login({ ...ada, password: 'wrong' }).expect(401)
    await request(app.app).get('/alone').expect(500)
    expect(lines.length).toBeGreaterThanOrEqual(4)
    for (const [message, fields] of lines) {
      expect(typeof message).toBe('string')
      expect(fields).toBeInstanceOf(Object)
      // Prints like such a logger.
      expect(`${message as string} ${JSON.stringify(fields)}`).not.toContain('[object Object]')
    }
  })

  const recorder = (lines: unknown[][]) => {
    const write = (...line: unknown[]) => void lines.push(line)
    return { info: write, warn: write, error: write }
  }
})

const guarded: [name: string, use: (app: Express, auth: RopgAuth) => unknown][] = [
  ['requireScope', (app, auth) => app.get('/x', auth.requireAuth, auth.requireScope as never)],
  ['requireClaim', (app, auth) => app.get('/x', auth.requireAuth, auth.requireClaim as never)],
  ['requirePermission', (app, auth) => app.get('/x', auth.requireAuth, auth.requirePermission as never)],
  ['requireRecentLogin', (app, auth) => app.get('/x', auth.requireAuth, auth.requireRecentLogin as never)],
]

describe('findings 42: guards with missing or extra parentheses', () => {
  it.each(guarded)(
    'auth.%s as a guard answers 500 configuration_error and logs the correct form',
    async (name, use) => {
      const after = (app: Express, auth: RopgAuth) => {
        use(app, auth)
        app.get('/x', (_req, res) => void res.json({ passed: true }))
      }
      const app = await startApp({ store: 'memory', after })
      const cookie = cookieOf(await app.login().expect(200))
      await request(app.app).get('/x').set('Cookie', cookie).expect(500, refusal('configuration_error'))
      expect(
        app.logged.filter((line) => line.includes(`auth.${name} creates a guard: write auth.${name}(`)),
      ).toHaveLength(1)
    },
  )

  it.each(['requireAuth', 'optionalAuth'] as const)('auth.%s() throws when the app is built', async (name) => {
    const { auth } = await startApp({ store: 'memory' })
    const call = auth[name] as unknown as () => unknown
    expect(call).toThrow(ConfigurationError)
    expect(call).toThrow(`${name} is itself the middleware: write auth.${name}, without parentheses`)
  })

  it.each([
    ['requireScope', (auth: RopgAuth) => auth.requireScope()],
    ['requirePermission', (auth: RopgAuth) => auth.requirePermission()],
    ['requireClaim', (auth: RopgAuth) => (auth.requireClaim as () => unknown)()],
    ['requireRecentLogin', (auth: RopgAuth) => (auth.requireRecentLogin as () => unknown)()],
    ['requireRecentLogin', (auth: RopgAuth) => auth.requireRecentLogin({ maxAge: 0 })],
  ])('auth.%s without arguments throws too', async (name, make) => {
    const { auth } = await startApp({ store: 'memory' })
    expect(() => make(auth)).toThrow(ConfigurationError)
    expect(() => make(auth)).toThrow(name)
  })
})

describe.each(['memory', 'redis'] as const)('findings 43: calls after close(), with the %s store', (store) => {
  const closed = 'auth.close() has closed'
  const lines = ({ logged }: TestApp) => logged.filter((line) => line.includes(closed))
  const routes: TestAppOptions = {
    store,
    options: { rateLimit: {} },
    after: (app, auth) => {
      app.get('/optional', auth.optionalAuth, (_req, res) => void res.json({}))
      app.get('/session', auth.session, (_req, res) => void res.json({}))
      app.post('/own/login', (req, res, next) => {
        auth.login(req, { username: ada.email, password: ada.password }).then(() => res.json({}), next)
      })
      app.use(((err, _req, res, _next) => {
        res.status(err.status ?? 500).json(err)
      }) as ErrorRequestHandler)
    },
  }

  const REQUESTS: [method: 'get' | 'post' | 'delete', path: string][] = [
    ['post', '/auth/login'],
    ['post', '/own/login'],
    ['get', '/auth/user'],
    ['post', '/auth/logout'],
    ['get', '/auth/sessions'],
    ['delete', '/auth/sessions'],
    ['delete', '/auth/sessions/x'],
    ['get', '/me'],
    ['get', '/optional'],
    ['get', '/session'],
  ]

  it.each(REQUESTS)('%s %s: answers 500 configuration_error and logs why', async (method, path) => {
    const app = await startApp(routes)
    const cookie = cookieOf(await app.login().expect(200))
    await app.auth.close()
    for (const header of [cookie, '']) {
      const before = lines(app).length
      const asked = request(app.app)[method](path)
      const answer = await asked.set('Cookie', header).send({ email: ada.email, password: ada.password })
      expect([answer.status, answer.body]).toEqual([500, refusal('configuration_error')])
      expect(lines(app)).toHaveLength(before + 1)
    }
  })

  it('auth.authenticate, auth.sessions, and ready reject with the same error', async () => {
    const app = await startApp(routes)
    await app.auth.close()
    const req = { headers: {}, socket: {} } as never
    for (const use of [
      () => app.auth.authenticate(req),
      () => app.auth.sessions.list('auth0|x'),
      () => app.auth.sessions.revokeAll('auth0|x'),
    ]) {
      await expect(use()).rejects.toMatchObject({
        code: 'configuration_error',
        detail: expect.stringContaining(closed),
      })
    }
    await expect(app.auth.ready()).rejects.toMatchObject({ detail: expect.stringContaining(closed) })
  })

  it('close() can be called again', async () => {
    const app = await startApp(routes)
    await app.auth.close()
    await app.auth.close()
  })
})
