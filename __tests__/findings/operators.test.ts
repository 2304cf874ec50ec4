import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, it } from '@jest/globals'
import express, { type Express } from 'express'
import { Redis } from 'ioredis'
import request, { type Test } from 'supertest'
import type { RopgAuth, RopgAuthOptions } from '../../lib/index.ts'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { refusal } from '../http/wire.ts'
import { until } from '../promises/support/site.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { startRedis, type StartRedisOptions } from '../support/redis-server.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((clean) => clean()))
})

interface Line {
  level: string
  message: string
  [field: string]: unknown
}

const linesOf = ({ logged }: TestApp) => logged.map((line) => JSON.parse(line) as Line)

/** Log entries that are not events: hints for operators. */
const hintsOf = (app: TestApp) => linesOf(app).filter((line) => !('event' in line))

async function times(count: number, run: () => PromiseLike<unknown>): Promise<void> {
  for (let turn = 0; turn < count; turn++) await run()
}

/** Sends three requests that are refused the same way and expects one log line. */
async function expectOneHint(
  app: TestApp,
  ask: () => Test,
  { status, error, hint }: { status: number; error?: string; hint: RegExp },
): Promise<Line> {
  await times(3, async () => {
    const answer = await ask()
    expect([answer.status, answer.body.error]).toEqual([status, error])
    expect(JSON.stringify(answer.body)).not.toMatch(/trust proxy|allowedOrigins|session\.cookie/)
  })
  const hints = hintsOf(app)
  expect(hints).toEqual([expect.objectContaining({ level: 'warn', message: expect.stringMatching(hint) })])
  return hints[0]!
}

const SET_TRUST_PROXY = "app\\.set\\('trust proxy', 1\\)"

describe('findings 60: TLS ends at a proxy, and trust proxy is not set', () => {
  const hint = new RegExp(`X-Forwarded-Proto: https.*${SET_TRUST_PROXY}`)
  const start = (more: TestAppOptions = {}) => startApp({ store: 'memory', ...more, options: { requireHttps: true } })

  it.each<[title: string, ask: (app: TestApp) => Test]>([
    ['POST /login', (app) => app.login()],
    ['GET /user', ({ app }) => request(app).get('/auth/user')],
    ['POST /logout', ({ app }) => request(app).post('/auth/logout')],
    ['GET /sessions', ({ app }) => request(app).get('/auth/sessions')],
  ])('%s: answers https_required and logs once what was seen and what to set', async (_title, ask) => {
    const app = await start()
    // As nginx sends them, with the user's address.
    const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' }
    await expectOneHint(app, () => ask(app).set(forwarded), { status: 400, error: 'https_required', hint })
    await ask(app).set('X-Forwarded-Proto', 'https, http').expect(400)
    expect(hintsOf(app)).toHaveLength(1)
  })

  it('logs nothing for a proxy client that used plain HTTP', async () => {
    const app = await start()
    await app.login().set('X-Forwarded-Proto', 'http').expect(400, refusal('https_required'))
    expect(hintsOf(app)).toEqual([])
  })

  it('without the header, logs once how to send it and what to set on localhost', async () => {
    const app = await start()
    const plain = { status: 400, error: 'https_required', hint: /X-Forwarded-Proto.*trust proxy.*requireHttps: false/ }
    await expectOneHint(app, () => app.login(), plain)
  })

  it('accepts requests and logs nothing once trust proxy is set', async () => {
    const app = await start({ before: (app) => app.set('trust proxy', 1) })
    await app.login().set({ 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' }).expect(200)
    expect(hintsOf(app)).toEqual([])
  })
})

describe('findings 61: a forwarded address without trust proxy', () => {
  const ownRoute = (app: Express, auth: RopgAuth) => {
    app.post('/own', (req, res, next) => {
      auth.login(req, { username: ada.email, password: ada.password }).then(() => res.json({}), next)
    })
  }
  const forwarded = { 'X-Forwarded-For': '203.0.113.7, 10.0.0.1' }

  it.each<[title: string, ask: (app: TestApp) => Test]>([
    ['POST /login', (app) => app.login()],
    ['auth.login', ({ app }) => request(app).post('/own')],
  ])('%s works and logs once that all users share one limit', async (_title, ask) => {
    const app = await startApp({ store: 'memory', after: ownRoute })
    const hint = new RegExp(`X-Forwarded-For header, but trust proxy is not set.*one rate limit.*${SET_TRUST_PROXY}`)
    await expectOneHint(app, () => ask(app).set(forwarded), { status: 200, hint })
  })

  it.each<[title: string, setting: unknown]>([
    ['a number of proxies', 1],
    ['their addresses', 'loopback'],
  ])('logs nothing with %s', async (_title, setting) => {
    const app = await startApp({ store: 'memory', before: (app) => app.set('trust proxy', setting) })
    await app.login().set(forwarded).expect(200)
    expect(hintsOf(app)).toEqual([])
  })

  it('warns about trust proxy: true, which lets clients spoof their address', async () => {
    const app = await startApp({ store: 'memory', before: (app) => app.set('trust proxy', true) })
    const hint = /app\.set\('trust proxy', true\).*X-Forwarded-For.*set it to the number of proxies/
    await expectOneHint(app, () => app.login().set(forwarded), { status: 200, hint })
  })
})

describe('findings 60 and 61: a Secure cookie that cannot be sent', () => {
  const start = (options: RopgAuthOptions, more: TestAppOptions = {}) => startApp({ store: 'memory', ...more, options })

  it.each<[title: string, headers: Record<string, string>]>([
    ['behind a proxy', { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' }],
    ['without one', {}],
  ])('%s: answers https_required and logs once what to set', async (_title, headers) => {
    const app = await start({ session: { cookie: { secure: true } } })
    const hint = new RegExp(`cookie is Secure.*${SET_TRUST_PROXY}.*session\\.cookie\\.secure`)
    const line = await expectOneHint(app, () => app.login().set(headers), {
      ...{ status: 400, error: 'https_required', hint },
    })
    expect(line.option).toBe('session.cookie.secure')
    expect(app.emulator.requests).toEqual([])
  })

  it('is sent over HTTPS, and nothing is logged', async () => {
    const before = (app: Express) => app.set('trust proxy', 1)
    const app = await start({ session: { cookie: { secure: true } } }, { before })
    await app.login().set('X-Forwarded-Proto', 'https').expect(200)
    expect(hintsOf(app)).toEqual([])
  })
})

describe('findings 62: a front end on another origin', () => {
  const ORIGIN = 'https://app.example.com'

  it.each<[title: string, headers: Record<string, string>]>([
    ['by Fetch Metadata', { Origin: ORIGIN, 'Sec-Fetch-Site': 'cross-site' }],
    ['by Origin alone', { Origin: ORIGIN }],
    ['of the same site', { Origin: ORIGIN, 'Sec-Fetch-Site': 'same-site' }],
  ])('%s: answers cross_site_request and logs once the origin, allowedOrigins, and CORS', async (_title, headers) => {
    const app = await startApp({ store: 'memory' })
    const hint = /allowedOrigins option.*CORS headers with the cors package.*this package does not do/
    const line = await expectOneHint(app, () => app.login().set(headers), {
      ...{ status: 403, error: 'cross_site_request', hint },
    })
    expect(line.origin).toBe(ORIGIN)
    await request(app.app).post('/auth/logout').set(headers).expect(403)
    expect(hintsOf(app)).toHaveLength(1)
  })

  it('is logged once per origin, for at most ten origins', async () => {
    const app = await startApp({ store: 'memory' })
    const origins = Array.from({ length: 15 }, (_, place) => `https://${place}.example.com`)
    await times(2, async () => {
      for (const origin of origins) await app.login().set('Origin', origin).expect(403)
    })
    expect(hintsOf(app).map(({ origin }) => origin)).toEqual(origins.slice(0, 10))
  })

  it.each(['null', 'not an origin', `https://${'x'.repeat(300)}.example.com`])(
    'is not logged if it is not an origin: %s',
    async (origin) => {
      const app = await startApp({ store: 'memory' })
      await app.login().set('Origin', origin).expect(403)
      expect(hintsOf(app)).toEqual([expect.objectContaining({ origin: 'unknown' })])
    },
  )

  it('logs nothing once the origin is allowed', async () => {
    const app = await startApp({ store: 'memory', options: { allowedOrigins: [ORIGIN] } })
    await app.login().set({ Origin: ORIGIN, 'Sec-Fetch-Site': 'cross-site' }).expect(200)
    expect(hintsOf(app)).toEqual([])
  })
})

describe('misconfigurations 49, 55: a CORS preflight that reaches the router', () => {
  const ORIGIN = 'https://app.example.com'
  const preflight = ({ app }: TestApp, origin = ORIGIN) =>
    request(app).options('/auth/login').set({ Origin: origin, 'Access-Control-Request-Method': 'POST' })

  it('logs once that CORS headers are missing for an allowed origin', async () => {
    const app = await startApp({ store: 'memory', options: { allowedOrigins: [ORIGIN] } })
    const hint = /CORS preflight of an allowed origin.*mount the cors package before/
    await expectOneHint(app, () => preflight(app), { status: 204, hint })
  })

  it('logs once the origin and allowedOrigins for another origin', async () => {
    const app = await startApp({ store: 'memory' })
    const line = await expectOneHint(app, () => preflight(app), { status: 204, hint: /allowedOrigins option/ })
    expect(line.origin).toBe(ORIGIN)
  })

  it('logs nothing for OPTIONS without a preflight', async () => {
    const app = await startApp({ store: 'memory' })
    await request(app.app).options('/auth/login').set('Origin', ORIGIN).expect(204)
    expect(hintsOf(app)).toEqual([])
  })
})

describe('misconfigurations 30: the router mounted at the root before a page of the app', () => {
  const before = (app: Express, auth: RopgAuth) => {
    app.use(auth.router)
    app.get('/user', (_req, res) => res.send('a page'))
  }

  it.each(['/user', '/sessions'])('%s: answers 401 and logs the mount path once', async (path) => {
    const app = await startApp({ store: 'memory', before })
    const ask = () => request(app.app).get(path).set('Accept', 'text/html')
    await expectOneHint(app, ask, { status: 401, error: 'unauthenticated', hint: /mounted at the root.*\/api\/auth/ })
  })

  it('logs nothing for scripts or at another path', async () => {
    const app = await startApp({ store: 'memory', before })
    await request(app.app).get('/user').set('Accept', 'application/json').expect(401)
    await request(app.app).get('/auth/user').set('Accept', 'text/html').expect(401)
    expect(hintsOf(app)).toEqual([])
  })
})

describe('misconfigurations 41: a body consumed by other middleware', () => {
  it('answers 400 and logs once what to mount first', async () => {
    const before = (app: Express) =>
      app.use((req, _res, next) => {
        req.resume().on('end', () => next())
      })
    const app = await startApp({ store: 'memory', before })
    await expectOneHint(app, () => app.login(), {
      ...{ status: 400, error: 'invalid_request', hint: /consumed before it reached auth\.router.*express\.json\(\)/ },
    })
  })

  it('logs nothing if the body was parsed or is missing', async () => {
    const app = await startApp({ store: 'memory', before: (app) => app.use(express.json()) })
    await app.login().expect(200)
    await request(app.app).post('/auth/login').expect(400)
    expect(hintsOf(app)).toEqual([])
  })
})

describe('findings 63: remember_me without a refresh token from Auth0', () => {
  const hint = /offline_access.*no refresh token.*Allow Offline Access.*Refresh Token.*Grant Types/
  const audience = 'https://api.example.com'
  const body = { email: ada.email, password: ada.password, remember_me: true }

  it.each<[title: string, emulator: TestAppOptions['emulator'], options: RopgAuthOptions]>([
    ['Allow Offline Access is off', { apis: [{ audience, scopes: [], allowOfflineAccess: false }] }, { audience }],
    ['the refresh grant is off', { grantTypes: ['password'] }, {}],
  ])('%s: logs the user in and logs both settings once', async (_title, emulator, options) => {
    const app = await startApp({ store: 'memory', emulator: emulator!, options })
    await expectOneHint(app, () => app.login(body), { status: 200, hint })
  })

  it('does the same for offline_access in the scope option', async () => {
    const options = { scope: 'openid offline_access' }
    const app = await startApp({ store: 'memory', emulator: { grantTypes: ['password'] }, options })
    await expectOneHint(app, () => app.login(), { status: 200, hint })
  })

  it('logs nothing if a refresh token was issued, or if none was requested', async () => {
    const app = await startApp({ store: 'memory' })
    await app.login(body).expect(200)
    await app.login().expect(200)
    expect(hintsOf(app)).toEqual([])
  })
})

/** A Redis server that stops after the test. */
async function redisServer(options: StartRedisOptions = {}) {
  const server = await startRedis(options)
  cleanups.push(() => server.stop())
  return server
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const TLS = join(__dirname, '../auth0/tls')

/** Redis with TLS, like managed Redis. */
async function tlsPort(): Promise<string> {
  const { port } = await redisServer()
  const [cert, key] = ['cert', 'key'].map((part) => readFileSync(join(TLS, `localhost.${part}.pem`)))
  const server = createTlsServer({ cert: cert!, key: key! }, (socket) => {
    const target = connect(port, '127.0.0.1')
    for (const end of [socket, target]) end.on('error', () => [socket, target].forEach((each) => each.destroy()))
    socket.pipe(target).pipe(socket)
  })
  server.on('tlsClientError', () => undefined)
  return listening(server)
}

async function replica(): Promise<string> {
  const { port } = await redisServer()
  const { url } = await redisServer({ args: ['--replicaof', '127.0.0.1', String(port)] })
  const client = new Redis(url)
  await until(async () => (await client.info('replication')).includes('link_status:up'), 20_000)
  client.disconnect()
  return url
}

const renamed = (...commands: string[]) =>
  redisServer({ args: commands.flatMap((command) => ['--rename-command', command, '']) }).then(({ url }) => url)

const CHECK = 'check the redis option'

describe('findings 64: an unusable Redis', () => {
  const at = (text: string) => new RegExp(`^Redis at 127\\.0\\.0\\.1:\\d+: ${text}`)

  const CASES: [title: string, find: () => Promise<string>, detail: RegExp][] = [
    ['nobody listens', async () => `redis://127.0.0.1:${await freePort()}`, at(`ECONNREFUSED: ${CHECK}$`)],
    [
      'there is no such host',
      async () => 'redis://nowhere.invalid:6380',
      new RegExp(`^Redis at nowhere\\.invalid:6380: (ENOTFOUND|EAI_AGAIN): ${CHECK}$`),
    ],
    [
      'TLS to a port without',
      async () => `rediss://127.0.0.1:${(await redisServer()).port}`,
      at(
        `(ETIMEDOUT|ECONNRESET|ERR_SSL_\\w+|no answer within 500 ms|the connection was closed): ${CHECK} \\(rediss: and`,
      ),
    ],
    [
      'no TLS to a port with',
      async () => `redis://${await tlsPort()}`,
      at(`(ECONNRESET|the connection was closed): ${CHECK} \\(a port that uses TLS needs rediss:\\)`),
    ],
    [
      'a certificate that nobody trusts',
      async () => `rediss://${await tlsPort()}`,
      at(`DEPTH_ZERO_SELF_SIGNED_CERT: ${CHECK}`),
    ],
    [
      'another server there',
      async () => `redis://${await listening(createHttpServer())}`,
      at(`(ParserError|ECONNRESET|the connection was closed): ${CHECK}`),
    ],
    ['no password', async () => (await redisServer({ args: ['--requirepass', 'x'] })).url, at(`NOAUTH: ${CHECK}$`)],
    [
      'a wrong password',
      async () => `redis://:canary@127.0.0.1:${(await redisServer({ args: ['--requirepass', 'x'] })).port}`,
      at(`WRONGPASS: ${CHECK}$`),
    ],
    ['an unknown command', () => renamed('EVALSHA', 'EVAL'), at('unknown command evalsha \\(Redis 6\\.0 or later')],
    ['an unknown command in a script', () => renamed('HSET'), at('a script called an unknown command')],
    [
      'a command that its user may not run',
      async () => (await redisServer({ args: ['--user', 'default', 'on', 'nopass', '~*', '+@all', '-eval'] })).url,
      at('NOPERM: the Redis user may not run eval'),
    ],
    ['a replica', replica, at('READONLY: this is a replica.*set the redis option')],
  ]

  const unavailable = (app: TestApp) => linesOf(app).filter(({ event }) => event === 'store.unavailable')

  it.each(CASES)('%s: answers 503 and logs where, what was seen, and what to do', async (_title, find, detail) => {
    const redis = await find()
    const app = await startApp({ options: { redis, timeouts: { redis: 3000 } } })
    await times(3, () => app.login().expect(503, refusal('session_unavailable')))
    expect(unavailable(app)).toEqual([
      expect.objectContaining({ level: 'error', detail: expect.stringMatching(detail) }),
    ])
    expect(app.logged.join()).not.toMatch(/canary|MaxRetriesPerRequestError/)
    await app.auth.close()
  })

  it.each<[title: string, listens: boolean]>([
    ['with an error listener', true],
    ['without an error listener', false],
  ])("does the same for the app's own client %s", async (_title, listens) => {
    const client = new Redis({ port: await freePort(), host: '127.0.0.1', lazyConnect: !listens })
    cleanups.push(() => client.disconnect())
    if (listens) client.on('error', () => undefined)
    const app = await startApp({ options: { redis: client, timeouts: { redis: 500 } } })
    await times(3, () => app.login().expect(503))
    expect(unavailable(app)).toEqual([
      expect.objectContaining({ detail: expect.stringMatching(at(`ECONNREFUSED: ${CHECK}$`)) }),
    ])
    expect(client.listenerCount('error')).toBe(listens ? 2 : 0)
  })

  it('does not keep reconnecting to a replica', async () => {
    const url = await replica()
    const app = await startApp({ options: { redis: url, timeouts: { redis: 500 } } })
    const watch = new Redis(url)
    cleanups.push(() => watch.disconnect())
    const connections = async () => Number(/total_connections_received:(\d+)/.exec(await watch.info('stats'))![1])
    await times(3, () => app.login().expect(503))
    const before = await connections()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(await connections()).toBe(before)
    expect(before).toBeLessThan(10)
  })
})

describe('findings 65: a wrong domain', () => {
  const CASES: [
    title: string,
    find: () => Promise<string>,
    detail: RegExp,
    status: number,
    error: 'auth_unavailable' | 'configuration_error',
  ][] = [
    [
      'no such host',
      async () => 'https://nowhere.invalid',
      /(ENOTFOUND|EAI_AGAIN) \(discovery at nowhere\.invalid\): check the domain option/,
      503,
      'auth_unavailable',
    ],
    [
      'nobody listens',
      async () => `http://127.0.0.1:${await freePort()}`,
      /ECONNREFUSED \(discovery at 127\.0\.0\.1:\d+\): check the domain option/,
      503,
      'auth_unavailable',
    ],
    [
      'a web server that is no tenant',
      async () => `http://${await listening(createHttpServer((_req, res) => res.writeHead(404).end('<html>')))}`,
      /expected a discovery document but got HTTP 404 .*check the domain option/,
      503,
      'auth_unavailable',
    ],
    [
      'another name of the tenant',
      async () => {
        const emulator = await startAuth0Emulator()
        cleanups.push(() => emulator.close())
        return emulator.domain.replace('127.0.0.1', 'localhost')
      },
      /domain responds as a different issuer: set domain to the issuer/,
      500,
      'configuration_error',
    ],
  ]

  it.each(CASES)(
    '%s: logs the domain and what answered in one line per login',
    async (_title, find, detail, status, error) => {
      const domain = await find()
      const app = await startApp({ store: 'memory', options: { domain } })
      await times(3, () => app.login().expect(status, refusal(error)))
      const lines = linesOf(app)
      expect(lines).toHaveLength(3)
      for (const line of lines) {
        expect(line).toMatchObject({ event: 'login.failed', code: error, detail: expect.stringMatching(detail) })
      }
      await expect(app.auth.ready()).rejects.toMatchObject({ code: error, detail: expect.stringMatching(detail) })
    },
  )
})

describe('findings 66: a wrong client secret', () => {
  it('is not detected by ready() and is logged at the first login', async () => {
    const app = await startApp({ store: 'memory', options: { clientSecret: 'canary-of-a-secret' } })
    await app.auth.ready()
    await app.login().expect(500, refusal('configuration_error'))
    expect(linesOf(app)).toEqual([
      expect.objectContaining({
        ...{ level: 'error', event: 'login.failed', code: 'configuration_error' },
        detail: expect.stringMatching(/does not accept the client: check clientId, clientSecret/),
      }),
    ])
    expect(app.logged.join()).not.toContain('canary')
  })
})
