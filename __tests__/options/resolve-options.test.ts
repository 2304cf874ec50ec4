import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { PrivateKeyJwt } from 'openid-client'
import { ConfigurationError, createRopgAuth, type RopgAuthOptions } from '../lib/index.ts'
import { optionsSchema } from '../lib/options/schema.ts'
import { resolveOptions } from '../lib/options/resolve-options.ts'

const DAY = 86_400
const secret = 'a secret that is used in tests only'
const tenant = { domain: 'tenant.eu.auth0.com', clientId: 'client', clientSecret: 'client secret' }
const complete = { ...tenant, session: { secret } }
const environment = {
  AUTH0_DOMAIN: 'env.eu.auth0.com',
  AUTH0_CLIENT_ID: 'client of the environment',
  AUTH0_CLIENT_SECRET: 'secret of the environment',
  SESSION_SECRET: 'session secret of the environment',
}
const production = { NODE_ENV: 'production' }
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** The options may be anything here: callers in JavaScript write what they like. */
function resolve(options: unknown, env: Record<string, string> = {}) {
  return resolveOptions(options as RopgAuthOptions, {}, env)
}

/** The error that the options lead to. */
function problemWith(options: unknown, env: Record<string, string> = {}): ConfigurationError {
  try {
    resolve(options, env)
  } catch (err) {
    if (err instanceof ConfigurationError) return err
    throw err
  }
  throw new Error('the options were accepted')
}

/** The message of the error that one wrong option, added to good ones, leads to. */
const messageFor = (wrong: unknown, env?: Record<string, string>) =>
  problemWith({ ...complete, ...(wrong as object) }, env).message

/** The options that hold `value` at the path, and a good secret beside it. */
function optionsWith(path: string, value: unknown): object {
  const [first = '', ...rest] = path.split('.')
  const inner = rest.reduceRight((nested, key) => ({ [key]: nested }), value)
  const beside = first === 'session' && rest.length > 0 ? { secret } : {}
  return { ...complete, [first]: rest.length > 0 ? { ...beside, ...(inner as object) } : inner }
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part as object)
  return Object.freeze(value)
}

/** For every option the values that it must refuse. */
const WRONG: Record<string, unknown[]> = {
  domain: [42, true, {}, [], '', null],
  clientId: [42, {}, '', null],
  clientSecret: [42, {}, [], '', null],
  clientAuth: ['private_key_jwt', {}, 42, null],
  realm: [42, {}, '', null],
  allowedRealms: ['Users', {}, [42], [''], null],
  audience: [42, {}, '', null],
  scope: [42, ['openid'], '', 'profile email', 'openidx', null],
  idTokenSigningAlg: ['none', 'ES256', 'rs256', 42, null],
  redis: [
    ...[42, true, '', null, 'localhost:6379', 'http://localhost:6379', [], new Date(), new URL('redis://localhost')],
    { url: 'redis://localhost' },
  ],
  session: ['secret', 42, [], null],
  'session.secret': [42, {}, '', 'short', [], ['short'], [secret, 'short'], [42], null],
  'session.idleTimeout': ['1d', 0, -1, 1.5, Number.NaN, Infinity, 40_000_000, null],
  'session.absoluteTimeout': ['7d', 0, -1, 1.5, Number.NaN, Infinity, 40_000_000, null],
  'session.remembered': [true, 42, [], null],
  'session.remembered.idleTimeout': ['14d', 0, -1, 1.5, 40_000_000, null],
  'session.remembered.absoluteTimeout': ['30d', 0, -1, 1.5, 40_000_000, null],
  'session.cookie': ['auth', false, [], null],
  'session.cookie.name': [42, '', 'a b', 'a;b', 'a=b', 'ä', null],
  'session.cookie.path': [42, '', 'auth', '/;x', '/\n', null],
  'session.cookie.domain': [42, '', 'evil; x', 'a b', 'a..b', null],
  'session.cookie.sameSite': [true, 'Lax', 'any', null],
  'session.cookie.secure': ['true', 1, null],
  'session.preserve': ['cart', [42], [''], ['id'], ['cookie'], ['cart', 'ropg'], ['req'], null],
  'session.prefix': [42, '', null],
  mfa: ['api', true, null],
  interactive: [true, { baseUrl: 'https://app.example.com' }, null],
  signup: [true, 'yes', null],
  passwordReset: [true, {}, null],
  backchannelLogout: [true, 1, null],
  pages: [true, { login: '/login' }, null],
  'rateLimit.account': [true, { limit: 10, windowMs: 900_000 }, null],
  loginUrl: [42, '', '//evil.example', '/\\evil.example', 'javascript:alert(1)', 'login', null],
  recoveryUrl: [42, '', '//evil.example', '/\\evil.example', 'data:text/html,x', 'reset', null],
  rateLimit: [true, 5, 'off', [], null],
  'rateLimit.subnet': [true, 5, null],
  'rateLimit.subnet.limit': ['5', 0, -1, 1.5],
  'rateLimit.subnet.windowMs': ['1m', 0, -1, 1.5],
  forwardClientIp: ['yes', 1, null],
  requireHttps: ['yes', 1, null],
  allowedOrigins: [
    'https://app.example.com',
    [42],
    ['*'],
    ['app.example.com'],
    ['https://app.example.com/'],
    ['https://app.example.com/path'],
    ['null'],
    null,
  ],
  exposeTokens: ['yes', 1, null],
  exposeDeniedReason: ['yes', 1, null],
  timeouts: [5000, '5s', [], null],
  'timeouts.auth0': ['5s', 0, -1, 1.5, Number.NaN, Infinity, null],
  'timeouts.redis': ['1s', 0, -1, 1.5, Number.NaN, Infinity, null],
  logger: [true, 'pino', {}, { info: () => undefined }, { info: 1, warn: 1, error: 1 }, null],
  logUserName: ['none', true, null],
  onEvent: ['listener', {}, null],
  onError: ['handler', {}, null],
}

/** For every option the values that it must accept. */
const RIGHT: Record<string, unknown[]> = {
  domain: ['tenant.eu.auth0.com', 'login.example.com', 'https://login.example.com', 'https://login.example.com/'],
  realm: ['Username-Password-Authentication'],
  allowedRealms: [[], ['Users']],
  audience: ['https://api.example.com'],
  scope: ['openid', 'profile openid', 'openid offline_access'],
  idTokenSigningAlg: ['RS256', 'PS256', 'HS256'],
  redis: [
    'redis://localhost',
    'rediss://localhost:6380/1',
    'unix:///tmp/redis.sock',
    '/tmp/redis.sock',
    { port: 6380 },
  ],
  'session.secret': [secret, [secret], [secret, `${secret} before`]],
  'session.idleTimeout': [1, 600],
  'session.absoluteTimeout': [1, 31_622_400],
  'session.remembered': [{}, { idleTimeout: 60 }],
  'session.cookie': [{}, { name: 'sid', path: '/app', domain: 'example.com', sameSite: 'strict', secure: true }],
  'session.cookie.secure': [true, false, 'auto'],
  'session.preserve': [[], ['cart']],
  'session.prefix': ['app:'],
  mfa: ['interactive', undefined],
  interactive: [false, undefined],
  signup: [false, undefined],
  passwordReset: [false],
  backchannelLogout: [false],
  pages: [false, undefined],
  'rateLimit.account': [false, undefined],
  loginUrl: ['/login', 'https://example.com/login'],
  recoveryUrl: ['/reset', 'https://example.com/reset'],
  rateLimit: [false, {}, { subnet: false }, { subnet: { limit: 1, windowMs: 1 } }],
  forwardClientIp: [true, false],
  requireHttps: [true, false],
  allowedOrigins: [[], ['https://app.example.com', 'http://localhost:5173']],
  exposeTokens: [true, false],
  exposeDeniedReason: [true, false],
  timeouts: [{}, { auth0: 1 }, { redis: 1 }],
  logger: [false, quiet],
  logUserName: ['plain', 'hashed'],
  onEvent: [() => undefined],
  onError: [() => undefined],
}

describe('resolveOptions', () => {
  describe('with nothing but the environment', () => {
    const nothing: [string, unknown][] = [
      ['undefined', undefined],
      ['an empty object', {}],
      ['an object without prototype', Object.create(null)],
      [
        'options that are all undefined',
        { domain: undefined, redis: undefined, session: undefined, logger: undefined },
      ],
      ['an empty session', { session: {} }],
    ]
    it.each(nothing)('takes the defaults for %s', (_name, options) => {
      const { issuer, logger, fetch: _fetch, clock, ...rest } = resolve(options, environment)
      expect(issuer.href).toBe('https://env.eu.auth0.com/')
      expect(clock).toBe(Date.now)
      expect(Object.keys(logger ?? {})).not.toEqual([])
      expect(rest).toEqual({
        clientId: 'client of the environment',
        clientSecret: 'secret of the environment',
        clientAuth: undefined,
        realm: undefined,
        allowedRealms: [],
        audience: undefined,
        scope: 'openid profile email',
        idTokenSigningAlg: 'RS256',
        redis: undefined,
        session: {
          secrets: ['session secret of the environment'],
          ordinary: { idleTimeout: DAY, absoluteTimeout: 7 * DAY },
          remembered: { idleTimeout: 14 * DAY, absoluteTimeout: 30 * DAY },
          cookie: { name: 'auth', path: '/', domain: undefined, sameSite: 'lax', secure: 'auto' },
          preserve: [],
          prefix: 'auth:',
        },
        loginUrl: undefined,
        recoveryUrl: undefined,
        subnetLimit: { limit: 5, windowMs: 60_000 },
        forwardClientIp: true,
        requireHttps: false,
        allowedOrigins: [],
        exposeTokens: false,
        exposeDeniedReason: false,
        timeouts: { auth0: 5000, redis: 1000 },
        logUserName: 'plain',
        lazySessions: true,
        onEvent: undefined,
        onError: undefined,
      })
    })

    it('reads process.env unless it is given another environment', () => {
      const before = process.env
      process.env = { ...before, ...environment }
      try {
        expect(resolveOptions().clientId).toBe('client of the environment')
      } finally {
        process.env = before
      }
    })
  })

  describe('and the environment', () => {
    it('lets options win', () => {
      const config = resolve(
        { ...complete, redis: 'redis://option' },
        { ...environment, REDIS_URL: 'redis://environment' },
      )
      expect(config.issuer.hostname).toBe('tenant.eu.auth0.com')
      expect(config.clientId).toBe('client')
      expect(config.clientSecret).toBe('client secret')
      expect(config.session.secrets).toEqual([secret])
      expect(config.redis).toBe('redis://option')
    })

    it('fills in REDIS_URL', () => {
      expect(resolve(complete, { REDIS_URL: 'redis://environment' }).redis).toBe('redis://environment')
    })

    it('fills in the secret of a session that has other settings', () => {
      const { session } = resolve({ ...tenant, session: { prefix: 'app:' } }, environment)
      expect(session).toMatchObject({ secrets: ['session secret of the environment'], prefix: 'app:' })
    })

    it('treats an empty variable as one that is not set', () => {
      const empty = {
        AUTH0_DOMAIN: '',
        AUTH0_CLIENT_ID: '',
        AUTH0_CLIENT_SECRET: '',
        SESSION_SECRET: '',
        REDIS_URL: '',
      }
      expect(resolve(complete, empty).redis).toBeUndefined()
      expect(problemWith({}, empty).message).toContain('AUTH0_')
    })

    it('leaves AUTH0_CLIENT_SECRET aside where clientAuth is given', () => {
      const clientAuth = () => undefined
      const config = resolve({ clientAuth }, environment)
      expect(config.clientAuth).toBe(clientAuth)
      expect(config.clientSecret).toBeUndefined()
    })

    it('checks what it takes from there', () => {
      expect(problemWith({}, { ...environment, SESSION_SECRET: 'short' }).message).toMatch(/session\.secret.*32/)
      expect(problemWith({}, { ...environment, REDIS_URL: 'localhost' }).message).toMatch(/^redis /)
      expect(problemWith({}, { ...environment, AUTH0_DOMAIN: 'http://tenant.auth0.com' }).message).toMatch(/^domain/)
    })
  })

  describe('with a wrong value', () => {
    const cases = Object.entries(WRONG).flatMap(([path, values]) => values.map((value) => ({ path, value })))

    it('is tried for every option', () => {
      const { session, ...others } = optionsSchema.shape
      const sessionKeys = Object.keys(session.unwrap().shape).map((key) => `session.${key}`)
      expect(Object.keys(WRONG)).toEqual(expect.arrayContaining([...Object.keys(others), 'session', ...sessionKeys]))
    })

    it.each(cases.map(({ path, value }) => [path, inspect(value), value] as const))(
      'refuses %s: %s and names the option',
      (path, _shown, value) => {
        const problem = problemWith(optionsWith(path, value))
        expect(problem.name).toBe('ConfigurationError')
        expect(problem.code).toBe('configuration_error')
        expect(problem.status).toBe(500)
        const [option = '', member = ''] = path.split('.')
        expect(problem.message).toContain(option)
        expect(problem.message).toContain(member)
        expect(problem.message).not.toMatch(/undefined|\[object|Invalid input/)
      },
    )

    it.each([
      [{ rateLimit: 5 }, 'rateLimit must be false or an object'],
      [{ rateLimit: { subnet: true } }, 'rateLimit.subnet must be false or an object'],
      [{ rateLimit: { subnet: { limit: 1.5, windowMs: 1 } } }, 'rateLimit.subnet.limit must be a whole number'],
      [{ rateLimit: { subnet: { limit: 0, windowMs: 1 } } }, 'rateLimit.subnet.limit must be greater than 0'],
      [{ session: { secret: 1 } }, 'session.secret must be a string or a list'],
      [{ session: { secret, cookie: { secure: 1 } } }, "session.cookie.secure must be true, false or 'auto'"],
      [{ session: { secret, cookie: { sameSite: 'x' } } }, "session.cookie.sameSite must be 'lax', 'strict' or 'none'"],
      [{ timeouts: { auth0: '5s' } }, 'timeouts.auth0 must be a number'],
      [{ logger: true }, 'logger must have the methods info, warn and error'],
      [{ exposeTokens: 1 }, 'exposeTokens must be true or false'],
      [
        { redis: { url: 'redis://localhost' } },
        'redis must be the URL itself (redis: url), or ioredis options, which know no url',
      ],
      [{ redis: new URL('redis://localhost') }, 'redis must be a URL as a string: pass url.href'],
    ])('says of %j in words what is wanted', (wrong, expected) => {
      expect(messageFor(wrong)).toBe(expected)
    })

    it('tells all that is wrong at once', () => {
      const { message } = problemWith({ ...complete, realm: 1, scope: 2, timeouts: { auth0: 'x' } })
      expect(message).toMatch(/realm.*scope.*timeouts\.auth0/)
    })

    it.each([null, 42, 'options', []])('refuses %p in place of options', (options) => {
      expect(problemWith(options, environment).message).toMatch(/^options must be an object/)
    })
  })

  describe('with a right value', () => {
    const cases = Object.entries(RIGHT).flatMap(([path, values]) => values.map((value) => ({ path, value })))

    it.each(cases.map(({ path, value }) => [path, inspect(value), value] as const))(
      'accepts %s: %s',
      (path, _shown, value) => {
        expect(resolve(optionsWith(path, value)).clientId).toBe('client')
      },
    )

    it.each([
      ['ioredis 5', Redis],
      ['ioredis 6', Redis6 as unknown as typeof Redis],
    ])('keeps a client of %s as it is', (_name, Client) => {
      const redis = new Client({ lazyConnect: true })
      expect(resolve({ ...complete, redis }).redis).toBe(redis)
      redis.disconnect()
    })

    it("accepts openid-client's own client authentication in place of a secret", async () => {
      const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
      const clientAuth = PrivateKeyJwt(pair.privateKey)
      const { clientSecret: _none, ...withoutSecret } = complete
      expect(resolve({ ...withoutSecret, clientAuth }).clientAuth).toBe(clientAuth)
    })
  })

  describe('with an unknown option', () => {
    it.each([
      ['a wrong capital', { clientID: 'x' }, 'unknown option clientID: did you mean clientId?'],
      ['an underscore', { client_secret: 'x' }, 'unknown option client_secret: did you mean clientSecret?'],
      ['a letter too few', { audence: 'x' }, 'unknown option audence: did you mean audience?'],
      ['a plural', { realms: 'x' }, 'unknown option realms: did you mean realm?'],
      ['one level down', { session: { secret, secrets: 'x' } }, 'did you mean session.secret?'],
      [
        'two levels down',
        { session: { secret, cookie: { samesite: 'lax' } } },
        'did you mean session.cookie.sameSite?',
      ],
      [
        'beside it',
        { session: { secret, remembered: { idletimeout: 1 } } },
        'did you mean session.remembered.idleTimeout?',
      ],
      ['among the timeouts', { timeouts: { auth: 1 } }, 'unknown option timeouts.auth: did you mean timeouts.auth0?'],
    ])('suggests the known one for %s', (_name, wrong, expected) => {
      expect(messageFor(wrong)).toContain(expected)
    })

    it('names it in full where nothing is near', () => {
      expect(messageFor({ saveUninitialized: true })).toBe(
        'unknown option saveUninitialized: see the list of options in the README',
      )
      expect(messageFor({ session: { secret, cookie: { partitioned: true } } })).toBe(
        'unknown option session.cookie.partitioned: see the list of options in the README',
      )
    })

    it('names it within rateLimit', () => {
      expect(messageFor({ rateLimit: { subnets: { limit: 1, windowMs: 1 } } })).toBe(
        'unknown option rateLimit.subnets: did you mean rateLimit.subnet?',
      )
      expect(messageFor({ rateLimit: { subnet: { limit: 1, windowMs: 1, window: 1 } } })).toBe(
        'unknown option rateLimit.subnet.window: did you mean rateLimit.subnet.windowMs?',
      )
    })

    it('names each of several', () => {
      expect(messageFor({ one: 1, other: 2 })).toMatch(/unknown option one: .*unknown option other: /)
    })
  })

  it('takes no notice of an unknown option without a value', () => {
    const written = { ...complete, nothing: undefined, session: { secret, cookie: { nothing: undefined } } }
    expect(resolve(written).session.cookie.name).toBe('auth')
  })

  it.each([
    ['mfa', 'api', "mfa other than 'interactive' is not available in this version"],
    ['signup', true, 'signup is not available in this version: leave it out, or set it to false'],
    ['interactive', { baseUrl: 'https://a.example' }, 'interactive is not available in this version'],
    ['rateLimit.account', { limit: 1, windowMs: 1 }, 'rateLimit.account is not available in this version'],
  ])('says of %s that it is still to come', (path, value, expected) => {
    expect(problemWith(optionsWith(path, value)).message).toContain(expected)
  })

  describe('without what it needs', () => {
    it('asks for all of it at once', () => {
      expect(problemWith({}).message.match(/\S+ is required/g)).toEqual([
        'domain is required',
        'clientId is required',
        'clientSecret is required',
        'session.secret is required',
      ])
    })

    it.each([
      ['domain', { ...complete, domain: undefined }, 'AUTH0_DOMAIN'],
      ['clientId', { ...complete, clientId: undefined }, 'AUTH0_CLIENT_ID'],
      ['clientSecret', { ...complete, clientSecret: undefined }, 'AUTH0_CLIENT_SECRET'],
      ['session.secret', tenant, 'SESSION_SECRET'],
    ])('asks for %s and names the variable', (option, options, variable) => {
      expect(problemWith(options).message).toBe(`${option} is required: pass it, or set ${variable}`)
    })

    it('asks for one kind of client authentication, not two', () => {
      expect(messageFor({ clientAuth: () => undefined })).toBe('give either clientSecret or clientAuth, not both')
    })

    it('asks for the client secret as the key of HS256', () => {
      const options = { ...complete, clientSecret: undefined, clientAuth: () => undefined, idTokenSigningAlg: 'HS256' }
      expect(problemWith(options).message).toMatch(/^idTokenSigningAlg: HS256 needs clientSecret/)
    })

    it('asks for a session secret of 32 characters', () => {
      expect(messageFor({ session: { secret: 'x'.repeat(31) } })).toMatch(/session\.secret.*at least 32 characters/)
      expect(resolve({ ...tenant, session: { secret: 'x'.repeat(32) } }).session.secrets).toEqual(['x'.repeat(32)])
    })
  })

  describe('domain', () => {
    it.each([
      ['tenant.eu.auth0.com', 'https://tenant.eu.auth0.com/'],
      ['login.example.com', 'https://login.example.com/'],
      ['https://login.example.com', 'https://login.example.com/'],
      ['https://login.example.com/', 'https://login.example.com/'],
      ['https://id.example.com/realms/one', 'https://id.example.com/realms/one'],
      ['https://id.example.com/realms/one/', 'https://id.example.com/realms/one/'],
      ['https://id.example.com:8443/realms/one', 'https://id.example.com:8443/realms/one'],
      ['http://localhost:3000', 'http://localhost:3000/'],
      ['http://127.0.0.1:3000', 'http://127.0.0.1:3000/'],
      ['http://[::1]:3000', 'http://[::1]:3000/'],
    ])('%s is the issuer %s', (domain, issuer) => {
      expect(resolve({ ...complete, domain }).issuer.href).toBe(issuer)
    })

    it.each([
      'http://tenant.eu.auth0.com',
      'http://localhost.example.com',
      'http://127.0.0.1.example.com',
      'http://10.0.0.1',
      'http://[::2]',
    ])('refuses %s, which is not a loopback host', (domain) => {
      expect(messageFor({ domain })).toBe('domain: http: is accepted for loopback hosts only; use https:')
    })

    it.each([
      'https://',
      'not a host',
      'https://tenant.auth0.com/?a=b',
      'https://tenant.auth0.com/#top',
      'https://user:pass@tenant.auth0.com',
      'https://:pass@tenant.auth0.com',
      'ftp://tenant.auth0.com',
    ])('refuses %s', (domain) => {
      expect(messageFor({ domain })).toMatch(/^domain must /)
    })
  })

  describe('in production', () => {
    it('refuses to do without Redis', () => {
      expect(messageFor({}, production)).toMatch(/^redis is required in production: .*REDIS_URL/)
    })

    it('requires HTTPS and a __Host- cookie', () => {
      const config = resolve({ ...complete, redis: 'redis://localhost' }, production)
      expect(config.requireHttps).toBe(true)
      expect(config.session.cookie).toEqual({
        name: '__Host-auth',
        path: '/',
        domain: undefined,
        sameSite: 'lax',
        secure: true,
      })
    })

    it('takes REDIS_URL, and an explicit requireHttps', () => {
      const config = resolve({ ...complete, requireHttps: false }, { ...production, REDIS_URL: 'redis://localhost' })
      expect(config.requireHttps).toBe(false)
      expect(config.redis).toBe('redis://localhost')
    })
  })

  describe('session.cookie', () => {
    const cookieOf = (cookie: object, env: Record<string, string> = {}) =>
      resolve({ ...tenant, redis: 'redis://localhost', session: { secret, cookie } }, env).session.cookie

    it.each([
      ['auth', {}, {}],
      ['auth', { secure: false }, production],
      ['auth', { secure: 'auto' }, production],
      ['__Host-auth', { secure: true }, {}],
      ['__Secure-auth', { domain: 'example.com' }, production],
      ['__Secure-auth', { path: '/app' }, production],
      ['sid', { name: 'sid' }, production],
      ['__Host-sid', { name: '__Host-sid' }, production],
      ['__Secure-sid', { name: '__Secure-sid', path: '/app' }, production],
    ])('is named %s with %p in %p', (name, cookie, env) => {
      expect(cookieOf(cookie, env as Record<string, string>).name).toBe(name)
    })

    it.each([
      ['__Host- without Secure', { name: '__Host-sid' }, /^session\.cookie\.name: __Host- needs secure: true/],
      ['__Host- that is not Secure', { name: '__Host-sid', secure: false }, /^session\.cookie\.name: __Host-/],
      ['__Host- with a path', { name: '__Host-sid', secure: true, path: '/app' }, /^session\.cookie\.name: __Host-/],
      ['__Host- with a domain', { name: '__Host-sid', secure: true, domain: 'a.example' }, /^session\.cookie\.name: /],
      ['__Secure- without Secure', { name: '__Secure-sid' }, /^session\.cookie\.name: __Secure- needs secure: true/],
      ['SameSite=None without Secure', { sameSite: 'none' }, /^session\.cookie\.sameSite: none needs secure: true/],
    ])('refuses %s, which browsers would drop', (_name, cookie, expected) => {
      expect(messageFor({ session: { secret, cookie } })).toMatch(expected)
    })
  })

  describe('lifetimes', () => {
    it('refuses an idle timeout longer than the absolute one', () => {
      const lifetime = { idleTimeout: 601, absoluteTimeout: 600 }
      expect(messageFor({ session: { secret, ...lifetime } })).toBe(
        'session.idleTimeout must not be longer than session.absoluteTimeout',
      )
      expect(messageFor({ session: { secret, remembered: lifetime } })).toBe(
        'session.remembered.idleTimeout must not be longer than session.remembered.absoluteTimeout',
      )
    })

    it('refuses an idle timeout longer than the default absolute one', () => {
      expect(messageFor({ session: { secret, idleTimeout: 8 * DAY } })).toMatch(/^session\.idleTimeout must not/)
    })

    it('shortens the default idle timeout to an absolute one below it', () => {
      const { session } = resolve({ ...tenant, session: { secret, absoluteTimeout: 600 } })
      expect(session.ordinary).toEqual({ idleTimeout: 600, absoluteTimeout: 600 })
    })

    it('accepts equal ones', () => {
      const lifetime = { idleTimeout: 600, absoluteTimeout: 600 }
      expect(resolve({ ...tenant, session: { secret, ...lifetime } }).session.ordinary).toEqual(lifetime)
    })
  })

  describe("the caller's objects", () => {
    const everything = () => ({
      ...complete,
      allowedRealms: ['Users'],
      allowedOrigins: ['https://app.example.com'],
      rateLimit: { subnet: { limit: 1, windowMs: 1000 } },
      timeouts: { auth0: 100 },
      redis: { port: 6380, host: 'localhost' },
      session: { secret: [secret], preserve: ['cart'], cookie: { name: 'sid' }, remembered: { idleTimeout: 60 } },
    })

    it('may be frozen', () => {
      expect(resolve(deepFreeze(everything())).session.preserve).toEqual(['cart'])
    })

    it('are not modified', () => {
      const written = everything()
      resolve(written, { ...environment, REDIS_URL: 'redis://environment' })
      expect(written).toEqual(everything())
    })

    it('have no effect when they change later', () => {
      const written = everything()
      const config = resolve(written)
      written.allowedRealms.push('Admins')
      written.allowedOrigins.push('https://evil.example')
      written.session.secret.unshift('x'.repeat(32))
      written.session.preserve.push('role')
      written.session.cookie.name = 'other'
      written.rateLimit.subnet.limit = 1000
      written.timeouts.auth0 = 1
      expect(config.allowedRealms).toEqual(['Users'])
      expect(config.allowedOrigins).toEqual(['https://app.example.com'])
      expect(config.session.secrets).toEqual([secret])
      expect(config.session.preserve).toEqual(['cart'])
      expect(config.session.cookie.name).toBe('sid')
      expect(config.subnetLimit).toEqual({ limit: 1, windowMs: 1000 })
      expect(config.timeouts.auth0).toBe(100)
    })
  })

  it('freezes the result, its lists included', () => {
    const config = resolve({ ...complete, allowedRealms: ['Users'], session: { secret, preserve: ['cart'] } })
    const { session } = config
    const parts = {
      config,
      session,
      cookie: session.cookie,
      ordinary: session.ordinary,
      remembered: session.remembered,
      secrets: session.secrets,
      preserve: session.preserve,
      allowedRealms: config.allowedRealms,
      allowedOrigins: config.allowedOrigins,
      subnetLimit: config.subnetLimit,
      timeouts: config.timeouts,
    }
    expect(Object.entries(parts).flatMap(([name, part]) => (Object.isFrozen(part) ? [] : [name]))).toEqual([])
  })

  describe('a secret in the wrong place', () => {
    const canary = 'c4n4ry-7f3a'
    it.each([
      ['clientSecret in a list', { clientSecret: [canary] }],
      ['clientSecret in an object', { clientSecret: { value: canary } }],
      ['clientAuth', { clientAuth: canary }],
      ['a short session.secret', { session: { secret: canary } }],
      ['a short one in a list', { session: { secret: [secret, canary] } }],
      ['an object as session.secret', { session: { secret: { current: canary } } }],
      ['session', { session: canary }],
      ['redis without a scheme', { redis: `user:${canary}@localhost:6379` }],
      ['redis with a wrong scheme', { redis: `https://user:${canary}@localhost:6379` }],
      ['domain with a password', { domain: `https://user:${canary}@tenant.auth0.com` }],
      ['domain with a query', { domain: `https://tenant.auth0.com/?key=${canary}` }],
      ['domain that is no URL', { domain: `https://${canary} :x` }],
      ['domain with another scheme', { domain: `ftp://${canary}` }],
      ['idTokenSigningAlg', { idTokenSigningAlg: canary }],
      ['session.cookie.sameSite', { session: { secret, cookie: { sameSite: canary } } }],
      ['session.cookie.secure', { session: { secret, cookie: { secure: canary } } }],
      ['session.cookie.name', { session: { secret, cookie: { name: `a ${canary}` } } }],
      ['loginUrl', { loginUrl: canary }],
      ['allowedOrigins', { allowedOrigins: [`https://user:${canary}@app.example.com`] }],
      ['logger', { logger: canary }],
      ['logUserName', { logUserName: canary }],
      ['an unknown option', { apiKey: canary }],
    ])('is not repeated: %s', (_name, wrong) => {
      const problem = problemWith({ ...complete, ...wrong })
      expect(inspect(problem, { depth: 9, showHidden: true })).not.toContain(canary)
      expect(JSON.stringify(problem)).not.toContain(canary)
      expect(problem.cause).toBeUndefined()
    })
  })
})

describe('createRopgAuth', () => {
  const made = (options: unknown) => createRopgAuth(options as RopgAuthOptions)
  const thrownBy = (options: unknown): unknown => {
    try {
      made(options)
    } catch (err) {
      return err
    }
    return undefined
  }

  it('throws at once and says why', () => {
    expect(() => made({ ...complete, clientID: 'x' })).toThrow(ConfigurationError)
    expect(() => made({ ...complete, clientID: 'x' })).toThrow('did you mean clientId?')
  })

  it('needs no options where the environment has all', async () => {
    const before = process.env
    process.env = { ...before, ...environment }
    try {
      await createRopgAuth().close()
    } finally {
      process.env = before
    }
  })

  it.each([
    ['a client of the package redis', { sendCommand: quiet.info, connect: quiet.info, scanIterator: quiet.info }],
    ['a client that can only connect', { connect: quiet.info }],
  ])('refuses %s with the remedy', (_name, redis) => {
    const err = thrownBy({ ...complete, redis, logger: false })
    expect(err).toBeInstanceOf(ConfigurationError)
    expect((err as Error).message).toMatch(/^redis must be an ioredis client .*ioredis/)
  })

  it.each(['redis://:c4n4ry-7f3a@[::1', 'redis://:c4n4ry-7f3a@localhost:99999', 'redis://:c4n4ry-7f3a@local host'])(
    'refuses a broken Redis URL without repeating it (%#)',
    (redis) => {
      const err = thrownBy({ ...complete, redis, logger: false })
      expect(err).toBeInstanceOf(ConfigurationError)
      expect((err as Error).message).toMatch(/^redis must be /)
      expect(inspect(err, { depth: 9, showHidden: true })).not.toContain('c4n4ry-7f3a')
    },
  )
})
