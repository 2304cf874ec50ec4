import { unescape } from 'node:querystring'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Express } from 'express'
import request, { type Response } from 'supertest'
import type { AuthError, RopgAuth, RopgAuthOptions } from '../../lib/index.ts'
import { startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { cookieOf, keysUnder, openRedis, sessionIdOf } from './wire.ts'

const email = 'ada@example.com'
const password = 'canary p@ss+word 100%"é'
const wrong = 'canary-wrong p@ss+word 100%"é'
const clientSecret = 'canary-client-secret-of-forty-eight-characters-00'
const sessionSecret = 'canary-session-secret-of-at-least-32-characters'
const mfaToken = 'Fe26.2*canary-mfa-token*0123456789'

let printed: string[] = []

beforeEach(() => {
  printed = []
  const keep = (chunk: unknown) => {
    printed.push(String(chunk))
    return true
  }
  for (const stream of [process.stdout, process.stderr]) jest.spyOn(stream, 'write').mockImplementation(keep)
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    jest.spyOn(console, method).mockImplementation((...args: unknown[]) => void keep(inspect(args, { depth: 10 })))
  }
})

afterEach(() => {
  jest.restoreAllMocks()
})

interface Watched extends TestApp {
  /** Errors caught by onError and by the app's own routes. */
  errors: unknown[]
}

/** An app that collects every error and still responds as usual. */
async function startWatched(settings: TestAppOptions = {}, options: RopgAuthOptions = {}): Promise<Watched> {
  const errors: unknown[] = []
  const app = await startApp({
    ...settings,
    emulator: { users: [{ email, password, name: 'Ada' }], clientSecret, ...(settings.emulator as object | undefined) },
    options: {
      session: { secret: sessionSecret },
      onError: (err, _req, res) => {
        errors.push(err)
        res.status(err.status).json(err)
      },
      ...options,
    },
    after: (express, auth) => {
      mountOwnRoutes(express, auth, errors)
    },
  })
  return { ...app, errors }
}

function mountOwnRoutes(app: Express, auth: RopgAuth, errors: unknown[]) {
  app.get('/token', auth.requireAuth, (req, res) => {
    req.auth.getAccessToken().then(
      () => {
        errors.push(req.auth, inspect(req.session, { depth: 10 }), JSON.stringify(req.session))
        res.json(req.auth)
      },
      (err: unknown) => {
        errors.push(err)
        res.status((err as AuthError).status).json(err)
      },
    )
  })
}

/** Everything that a program prints of a value. */
function shown(value: unknown): string {
  const { stack, cause, message } = Object(value) as Partial<Error>
  const details = { depth: 10, showHidden: true, getters: false } as const
  const parts = [inspect(value, details), JSON.stringify(value), stack, message, String(value), inspect(cause, details)]
  return parts.join('\n')
}

/** Names of the secrets that a text contains, in plain text or in a common encoding. */
function foundIn(text: string, secrets: Record<string, string | undefined>): string[] {
  const forms = (secret: string) => [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ x: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
  ]
  const given = Object.entries(secrets).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.filter(([, secret]) => forms(secret).some((form) => text.includes(form))).map(([name]) => name)
}

const staticSecrets = { password, wrong, clientSecret, sessionSecret, mfaToken }

/** Operators, error handlers, and Redis must never receive a secret. */
async function expectNothingLeaked(app: Watched, more: Record<string, string | undefined> = {}) {
  const secrets = { ...staticSecrets, ...more }
  const told = {
    events: app.events.map(shown).join('\n'),
    logged: app.logged.join('\n'),
    printed: printed.join('\n'),
    errors: app.errors.map(shown).join('\n'),
  }
  const leaks = Object.entries(told).map(([place, text]) => [place, foundIn(text, secrets)])
  expect(Object.fromEntries(leaks)).toEqual({ events: [], logged: [], printed: [], errors: [] })
  expect(foundIn(await redisDump(app), { ...staticSecrets, ...more })).toEqual([])
}

async function redisDump({ prefix }: TestApp): Promise<string> {
  const client = openRedis()
  const read = async (key: string) => {
    const type = await client.type(key)
    if (type === 'string') return [key, await client.get(key)]
    if (type === 'hash') return [key, await client.hgetall(key)]
    if (type === 'set') return [key, await client.smembers(key)]
    return [key, await client.zrange(key, 0, -1)]
  }
  return JSON.stringify(await Promise.all((await keysUnder(prefix)).map(read)))
}

function expectNotAnswered(response: Response, more: Record<string, string | undefined> = {}) {
  const { 'set-cookie': _, ...headers } = response.headers as Record<string, string>
  expect(foundIn(response.text + JSON.stringify(headers), { ...staticSecrets, ...more })).toEqual([])
}

function tokensOf({ body }: Response) {
  return { accessToken: body.access_token as string, refreshToken: body.refresh_token as string }
}

const credentials = { email, password, remember_me: true }

describe('a login', () => {
  it('shows password, tokens and cookie nowhere', async () => {
    const issued: Record<string, string> = {}
    const seams = { fetch: watchTokens(issued) }
    const app = await startWatched({ seams }, { audience: 'https://api.example.com', scope: 'openid read:posts' })
    const agent = app.agent()

    const login = await agent.post('/auth/login').send(credentials).expect(200)
    const cookie = cookieOf(login)
    const answers = [login, await agent.get('/me'), await agent.get('/auth/user'), await agent.get('/token')]
    await expectNothingLeaked(app, { ...issued, cookie: decodeURIComponent(cookie.split('=')[1]!) })
    expect(foundIn(app.logged.join() + JSON.stringify(app.events), { id: sessionIdOf(cookie) })).toEqual([])
    const logout = await agent.post('/auth/logout').expect(200)
    await app.auth.close()

    for (const answer of [...answers, logout]) expectNotAnswered(answer, issued)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(Object.keys(issued).sort()).toEqual(['access_token', 'id_token', 'refresh_token'])
    expect(app.errors).toHaveLength(3)
    await expectNothingLeaked(app, { ...issued, cookie: decodeURIComponent(cookie.split('=')[1]!) })
  })

  it('with exposeTokens shows the tokens to the client and to nobody else', async () => {
    const app = await startWatched({}, { exposeTokens: true, audience: 'https://api.example.com' })

    const response = await app.login(credentials).expect(200)

    const tokens = tokensOf(response)
    expect(Object.values(tokens).map((token) => typeof token)).toEqual(['string', 'string'])
    expect(response.body).not.toHaveProperty('id_token')
    expectNotAnswered(response)
    await expectNothingLeaked(app, tokens)
  })

  it('leaves nothing readable in Redis', async () => {
    const app = await startWatched({}, { audience: 'https://api.example.com' })
    await app.login(credentials).expect(200)

    const dump = await redisDump(app)

    expect(dump).not.toMatch(/eyJ[\w-]+\./)
    expect(dump).not.toContain('accessToken')
    expect(dump).not.toContain('refreshToken')
  })

  it('that replaces another shows no old token', async () => {
    const app = await startWatched({}, { exposeTokens: true })
    const first = await app.login(credentials).expect(200)

    const second = await request(app.app)
      .post('/auth/login')
      .set('Cookie', cookieOf(first))
      .send(credentials)
      .expect(200)
    await app.auth.close()

    const { accessToken: oldAccess, refreshToken: oldRefresh } = tokensOf(first)
    await expectNothingLeaked(app, { ...tokensOf(second), oldAccess, oldRefresh })
  })

  it('keeps the user name out of rate-limit keys', async () => {
    const app = await startWatched({}, { rateLimit: {} })

    await app.login({ ...credentials, password: wrong }).expect(401)

    expect(foundIn((await keysUnder(app.prefix)).join(), { email, name: 'ada' })).toEqual([])
    await expectNothingLeaked(app)
  })
})

/** A `fetch` that records what the emulator issues. */
function watchTokens(issued: Record<string, string>): typeof fetch {
  return async (...args) => {
    const response = await fetch(...args)
    const answer = (await response
      .clone()
      .json()
      .catch(() => ({}))) as Record<string, unknown>
    for (const name of ['access_token', 'refresh_token', 'id_token']) {
      if (typeof answer[name] === 'string') issued[name] = answer[name]
    }
    return response
  }
}

interface Fault {
  status?: number
  body?: unknown
  headers?: Record<string, string>
  hang?: boolean
  reset?: boolean
  truncate?: boolean
}

const echo = (secret: string) => `rejected ${secret} for ${email}`

const ECHOES: [title: string, fault: (secret: string) => Fault][] = [
  [
    'in error_description',
    (secret) => ({ status: 403, body: { error: 'invalid_grant', error_description: echo(secret) } }),
  ],
  ['in description', (secret) => ({ status: 403, body: { code: 'invalid_grant', description: echo(secret) } })],
  ['in error', (secret) => ({ status: 403, body: { error: secret, error_description: 'no' } })],
  [
    'in error_uri and more',
    (secret) => ({ status: 403, body: { error: 'invalid_grant', error_uri: secret, params: { password: secret } } }),
  ],
  [
    'in the reason of an Action',
    (secret) => ({ status: 403, body: { error: 'access_denied', error_description: echo(secret) } }),
  ],
  [
    'in the reason of a Rule',
    (secret) => ({ status: 401, body: { error: 'unauthorized', error_description: echo(secret) } }),
  ],
  [
    'of a misconfigured tenant',
    (secret) => ({ status: 400, body: { error: 'invalid_request', error_description: echo(secret) } }),
  ],
  [
    'of a tenant without a default',
    (secret) => ({ status: 500, body: { error: 'server_error', error_description: `${secret} default connection` } }),
  ],
  [
    'of a server error in JSON',
    (secret) => ({ status: 500, body: { error: 'server_error', error_description: echo(secret) } }),
  ],
  [
    'in HTML',
    (secret) => ({ status: 502, body: `<pre>password=${secret}</pre>`, headers: { 'content-type': 'text/html' } }),
  ],
  [
    'in a refusal in HTML',
    (secret) => ({ status: 403, body: `<pre>${secret}</pre>`, headers: { 'content-type': 'text/html' } }),
  ],
  [
    'in broken JSON',
    (secret) => ({ status: 403, body: `{"error":"${secret}`, headers: { 'content-type': 'application/json' } }),
  ],
  [
    'in a success that is not JSON',
    (secret) => ({ status: 200, body: `access_token=${secret}`, headers: { 'content-type': 'text/plain' } }),
  ],
  ['in a success without tokens', (secret) => ({ status: 200, body: { password: secret } })],
  ['in a token', (secret) => ({ status: 200, body: { access_token: secret, token_type: secret, id_token: secret } })],
  [
    'in a token of a wrong type',
    (secret) => ({ status: 200, body: { access_token: { password: secret }, token_type: 'Bearer' } }),
  ],
  ['in the scope', (secret) => ({ status: 200, body: { access_token: 'a', token_type: 'Bearer', scope: [secret] } })],
  [
    'in a challenge',
    (secret) => ({
      status: 401,
      body: { error: 'invalid_client', error_description: secret },
      headers: { 'www-authenticate': `Basic realm="${encodeURIComponent(secret)}"` },
    }),
  ],
  [
    'in an answer that breaks off',
    (secret) => ({
      status: 403,
      body: { error: 'invalid_grant', error_description: echo(secret).repeat(9) },
      truncate: true,
    }),
  ],
  [
    'beside an mfa_token',
    (secret) => ({ status: 403, body: { error: 'mfa_required', error_description: secret, mfa_token: mfaToken } }),
  ],
  [
    'in a throttled answer',
    (secret) => ({ status: 429, body: { error: 'too_many_requests', error_description: secret } }),
  ],
  [
    'far inside a long description',
    (secret) => ({
      status: 403,
      body: { error: 'access_denied', error_description: `${'x'.repeat(300)}${secret}${'x'.repeat(300)}` },
    }),
  ],
  [
    'encoded for a URL',
    (secret) => ({
      status: 403,
      body: { error: 'access_denied', error_description: `?password=${encodeURIComponent(secret)}` },
    }),
  ],
  [
    'encoded as a form',
    (secret) => ({
      status: 403,
      body: { error: 'access_denied', error_description: new URLSearchParams({ password: secret }).toString() },
    }),
  ],
  [
    'encoded as JSON',
    (secret) => ({
      status: 403,
      body: { error: 'access_denied', error_description: JSON.stringify({ password: secret }) },
    }),
  ],
]

describe.each([
  ['the password', password],
  ['a wrong password', wrong],
  ['the client secret', clientSecret],
])('a login whose refusal echoes %s', (_what, secret) => {
  it.each(ECHOES)('%s, shows it nowhere', async (_, fault) => {
    const app = await startWatched({}, { exposeDeniedReason: true })
    app.emulator.failNext(fault(secret))

    const response = await app.login({ ...credentials, password: secret === wrong ? wrong : password })

    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(app.errors).toHaveLength(1)
    expectNotAnswered(response)
    await expectNothingLeaked(app)
  })

  it.each(ECHOES)('%s, shows it nowhere in code', async (_, fault) => {
    const app = await startWatched()
    app.emulator.failNext(fault(secret))

    const typed = secret === wrong ? wrong : password
    app.errors.push(
      await app.auth.client.getTokenByPassword({ username: email, password: typed }).catch((err: unknown) => err),
    )

    expect(app.errors[0]).toMatchObject({ name: expect.stringMatching(/Error$/) })
    await expectNothingLeaked(app)
  })
})

describe('a login whose refusal echoes the password', () => {
  it.each([90, 95, 490, 495])(
    'if the text is truncated at %d characters, does not show a part of it',
    async (before) => {
      const app = await startWatched({}, { exposeDeniedReason: true })
      const text = `${'x'.repeat(before)}${password}`
      app.emulator.failNext({ status: 403, body: { error: text, error_description: text } })

      const response = await app.login(credentials)

      const told = response.text + app.logged.join() + JSON.stringify(app.events) + app.errors.map(shown).join()
      expect(told).not.toContain(password.slice(0, 5))
    },
  )
})

const FAULTS: [title: string, fault: Fault & { path?: string; times?: number }][] = [
  ['hangs', { hang: true }],
  ['resets the connection', { reset: true }],
  ['breaks off', { truncate: true }],
  ['fails', { status: 500 }],
  ['hangs at discovery', { hang: true, path: '/.well-known/openid-configuration' }],
  ['fails at discovery', { status: 500, path: '/.well-known/openid-configuration' }],
  ['has lost its keys', { status: 500, path: '/.well-known/jwks.json', times: 2 }],
  ['has other keys', { status: 200, body: { keys: [] }, path: '/.well-known/jwks.json', times: 2 }],
]

describe('a login while Auth0', () => {
  it.each(FAULTS)('%s, shows password and tokens nowhere', async (_, fault) => {
    const app = await startWatched({}, { timeouts: { auth0: 200 } })
    const issued: Record<string, string> = {}
    watchTokens(issued)
    app.emulator.failNext(fault)

    const response = await app.login(credentials)

    expect(response.status).toBeGreaterThanOrEqual(500)
    expectNotAnswered(response, issued)
    await expectNothingLeaked(app, issued)
  })

  it('refuses the client secret, shows neither the correct nor the wrong one', async () => {
    const app = await startWatched({}, { clientSecret: 'canary-wrong-client-secret' })

    const response = await app.login(credentials)

    expect(response.status).toBe(500)
    await expectNothingLeaked(app, { wrongSecret: 'canary-wrong-client-secret' })
  })

  it('asks for a second factor, shows the mfa_token nowhere', async () => {
    const app = await startWatched()
    const said = { error: 'mfa_required', error_description: `continue with ${mfaToken}`, mfa_token: mfaToken }
    app.emulator.failNext({ status: 403, body: said })

    const response = await app.login(credentials)

    expect(response.status).toBe(403)
    expectNotAnswered(response)
    await expectNothingLeaked(app)
  })
})

describe('a login while Redis', () => {
  it('is down, shows password and tokens nowhere', async () => {
    const app = await startWatched({}, { redis: `redis://127.0.0.1:${await freePort()}`, timeouts: { redis: 200 } })

    const response = await app.login(credentials)

    expect(response.status).toBe(503)
    expect(app.emulator.requestsTo('/oauth/token')).toEqual([])
    expectNotAnswered(response, {})
    await expectNothingLeaked(app, {})
  })

  it('quotes the command that it refuses, shows no session id, record or token', async () => {
    const client = openRedis()
    const values: string[] = []
    const app = await startWatched({}, { redis: client })
    Object.assign(client, {
      eval: async (...[_script, ...args]: unknown[]) => {
        values.push(...args.map(String).filter((value) => value.length > 20))
        const error = new Error(`OOM command not allowed: 'eval' ${args.join(' ')}`)
        return Promise.reject(Object.assign(error, { command: { name: 'eval', args } }))
      },
    })

    const response = await app.login(credentials)

    expect(response.status).toBe(503)
    expect(values.length).toBeGreaterThanOrEqual(2)
    await expectNothingLeaked(app, Object.fromEntries(values.map((value, index) => [`argument ${index}`, value])))
  })
})

describe('a request with a cookie that is refused', () => {
  it.each([
    ['a forged one', (cookie: string) => `${cookie.slice(0, -6)}AAAAAA`],
    ['one that is over', (cookie: string) => cookie],
  ])('shows it nowhere: %s', async (_, change) => {
    const app = await startWatched()
    const cookie = cookieOf(await app.login(credentials).expect(200))
    await request(app.app).post('/auth/logout').set('Cookie', cookie).expect(200)

    const response = await request(app.app).get('/me').set('Cookie', change(cookie))

    expect(response.status).toBe(401)
    // `unescape` of node:querystring never throws, even if the change damaged an escape.
    const secrets = { cookie: unescape(change(cookie).split('=')[1]!), id: sessionIdOf(cookie) }
    expectNotAnswered(response, secrets)
    await expectNothingLeaked(app, secrets)
  })
})

describe('a password typed as the user name', () => {
  it.each([
    ['alone', (secret: string) => ({ username: secret, password: secret })],
    ['after the name', (secret: string) => ({ username: `${email}${secret}`, password: secret })],
    ['after the name with a blank', (secret: string) => ({ username: `${email} ${secret}`, password: secret })],
    ['with blanks around it', (secret: string) => ({ username: `  ${secret}  `, password: secret })],
    ['with blanks around both', (secret: string) => ({ username: ` ${secret} `, password: ` ${secret} ` })],
  ])('reaches events and logs as a keyed hash only: %s', async (_, body) => {
    const app = await startWatched()

    const response = await app.login(body(wrong))

    expect(response.status).toBe(401)
    expect(app.events.map(({ name, userName }) => [name, userName])).toEqual([
      ['login.failed', expect.stringMatching(/^[\w-]{22}$/)],
    ])
    expectNotAnswered(response)
    await expectNothingLeaked(app)
  })

  it('does so where the login succeeds, too', async () => {
    const app = await startWatched({ emulator: { users: [{ email: 'canary-name', password: 'canary-name' }] } })

    await app.login({ username: 'canary-name', password: 'canary-name' }).expect(200)

    expect(app.events.map(({ name, userName }) => [name, userName])).toEqual([
      ['login.succeeded', expect.stringMatching(/^[\w-]{22}$/)],
    ])
    expect(app.logged.join()).not.toContain('canary-name')
  })
})

describe('logUserName: hashed', () => {
  it('keeps the name out of events and logs, and still tells users apart', async () => {
    const app = await startWatched({}, { logUserName: 'hashed' })

    await app.login({ email, password: wrong }).expect(401)
    await app.login({ email: email.toUpperCase(), password: wrong }).expect(401)
    await app.login({ email: 'grace@example.com', password: wrong }).expect(401)

    const [first, second, third] = app.events.map(({ userName }) => userName)
    expect(first).toMatch(/^[\w-]{22}$/)
    expect(second).toBe(first)
    expect(third).not.toBe(first)
    expect(app.logged.join().toLowerCase()).not.toContain(email)
  })
})

describe('a logger that prints to standard output', () => {
  it('prints no secret of logins and logouts', async () => {
    const app = await startWatched({}, { logger: { info: print, warn: print, error: print } })
    app.emulator.failNext({ status: 403, body: { error: 'invalid_grant', error_description: echo(password) } })

    await app.login(credentials).expect(401)
    const cookie = cookieOf(await app.login(credentials).expect(200))
    await request(app.app).post('/auth/logout').set('Cookie', cookie).expect(200)

    expect(printed.length).toBeGreaterThanOrEqual(3)
    await expectNothingLeaked(app, { cookie: decodeURIComponent(cookie.split('=')[1]!) })
  })
})

function print(fields: object, message: string) {
  process.stdout.write(`${inspect(fields, { depth: 10, showHidden: true })} ${message}\n`)
}

describe('createRopgAuth', () => {
  it('returns an instance that shows no secret when printed', async () => {
    const app = await startWatched()

    const printedAuth = inspect(app.auth, { depth: 10, showHidden: true }) + JSON.stringify(app.auth)

    expect(foundIn(printedAuth, staticSecrets)).toEqual([])
  })
})
