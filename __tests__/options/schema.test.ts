import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { PrivateKeyJwt } from 'openid-client'
import { optionsSchema } from '../../lib/options/schema.ts'
import {
  complete,
  environment,
  errorFor,
  messageFor,
  optionsWith,
  problemsIn,
  quiet,
  resolve,
  secret,
  tenant,
} from './support.ts'

const limits = {
  '': [true, 5, null],
  '.limit': ['5', 0, -1, 1.5, Infinity, null],
  '.windowMs': ['1m', 0, -1, 1.5, 86_400_001, null],
}
const limitCases = ['subnet', 'attempts', 'account', 'mfa', 'signup', 'reset'].flatMap((name) =>
  Object.entries(limits).map(([member, values]) => [`rateLimit.${name}${member}`, values] as const),
)

/** Values that each option must refuse. */
const WRONG: Record<string, unknown[]> = {
  domain: [42, true, {}, [], '', ' \n', null],
  clientId: [42, {}, '', ' ', null, 'YOUR_CLIENT_ID', '{yourClientId}', '<client id>', '"client"', "'client'"],
  clientSecret: [42, {}, [], '', null, 'YOUR_CLIENT_SECRET', 'your-client-secret', '"secret"'],
  clientAuth: ['private_key_jwt', {}, 42, null],
  realm: [42, {}, '', null],
  allowedRealms: ['Users', {}, [42], [''], null],
  audience: [42, {}, '', null],
  scope: [42, ['openid'], '', 'profile email', 'openidx', 'openid,profile', null],
  idTokenSigningAlg: ['none', 'ES256', 'rs256', 42, null],
  redis: [42, true, '', null, [], new Date()],
  session: ['secret', 42, [], null],
  'session.secret': [42, {}, '', 'short', [], ['short'], [secret, 'short'], [42], null, `"${secret}"`],
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
  'session.maxPerUser': ['5', 0, -1, 1.5, Infinity, false, null],
  'session.prefix': [42, '', null],
  onLogin: ['hook', {}, true, null],
  mfa: ['sms', true, null],
  interactive: [true, {}, { baseUrl: 'https://app.example.com/path' }, { baseUrl: 'http://app.example.com' }, null],
  signup: ['yes', null],
  passwordReset: [{}, null],
  backchannelLogout: [1, null],
  pages: [
    true,
    {},
    { login: 'login' },
    { login: '//evil.example' },
    { login: '/login', afterLogin: 'https://evil.example' },
    null,
  ],
  loginUrl: [42, '', null],
  recoveryUrl: [42, '', null],
  rateLimit: [true, 5, 'off', [], null],
  ...Object.fromEntries(limitCases),
  forwardClientIp: ['yes', 1, null],
  requireHttps: ['yes', 1, null],
  allowedOrigins: ['https://app.example.com', [42], [''], null],
  exposeTokens: ['yes', 1, null],
  exposeDeniedReason: ['yes', 1, null],
  timeouts: [5000, '5s', [], null],
  'timeouts.auth0': ['5s', 0, -1, 1.5, Number.NaN, Infinity, 86_400_001, null],
  'timeouts.redis': ['1s', 0, -1, 1.5, Number.NaN, Infinity, 86_400_001, null],
  logger: [true, 'pino', {}, { info: () => undefined }, { info: 1, warn: 1, error: 1 }, null],
  logUserName: ['none', true, null],
  onEvent: ['listener', {}, null],
  clock: [true, () => 0, { now: () => 0 }, { advance: () => undefined }, null],
  onError: ['handler', {}, null],
}

/** Values that each option must accept. */
const RIGHT: Record<string, unknown[]> = {
  clientId: ['client', 'yourself', ' client\n'],
  clientAuth: [undefined],
  realm: ['Username-Password-Authentication'],
  allowedRealms: [[], ['Users']],
  audience: ['https://api.example.com'],
  scope: ['openid', 'profile openid', 'openid offline_access'],
  idTokenSigningAlg: ['RS256', 'PS256', 'HS256'],
  redis: ['redis://localhost', { port: 6380 }, {}],
  'session.secret': [secret, [secret], [secret, `${secret} before`]],
  'session.idleTimeout': [1, 600],
  'session.absoluteTimeout': [1, 31_622_400],
  'session.remembered': [{}, { idleTimeout: 60 }],
  'session.cookie': [{}, { name: 'sid', path: '/app', domain: 'example.com', sameSite: 'strict', secure: true }],
  'session.cookie.secure': [true, false, 'auto'],
  'session.preserve': [[], ['cart']],
  'session.maxPerUser': [1, 100_000],
  'session.prefix': ['app:'],
  onLogin: [() => undefined],
  mfa: ['interactive', 'api'],
  interactive: [false, { baseUrl: 'https://app.example.com' }, { baseUrl: 'http://localhost:3000/', federated: true }],
  signup: [true, false],
  passwordReset: [true, false],
  backchannelLogout: [true, false],
  pages: [false, { login: '/login' }, { login: '/login?x=1', afterLogin: '/home', afterLogout: '/bye' }],
  rateLimit: [false, {}, { subnet: false }, { mfa: { limit: 1, windowMs: 86_400_000 } }, { account: {} }],
  forwardClientIp: [true, false],
  requireHttps: [true, false],
  allowedOrigins: [[]],
  exposeTokens: [true, false],
  exposeDeniedReason: [true, false],
  timeouts: [{}, { auth0: 1 }, { redis: 86_400_000 }],
  logger: [false, quiet, Object.assign(() => undefined, quiet)],
  logUserName: ['plain', 'hashed', false],
  onEvent: [() => undefined],
  clock: [{ now: () => 0, advance: () => undefined }],
  onError: [() => undefined],
}

const casesOf = (table: Record<string, unknown[]>) =>
  Object.entries(table).flatMap(([path, values]) =>
    values.map((value) => [path, inspect(value, { breakLength: Infinity }), value] as const),
  )

describe('optionsSchema', () => {
  it('is tested with wrong values for every option', () => {
    const { session, ...others } = optionsSchema.shape
    const sessionKeys = Object.keys(session.unwrap().shape).map((key) => `session.${key}`)
    expect(Object.keys(WRONG)).toEqual(expect.arrayContaining([...Object.keys(others), 'session', ...sessionKeys]))
  })

  it.each(casesOf(WRONG))('refuses %s: %s and names the option', (path, _shown, value) => {
    const problem = errorFor(optionsWith(path, value))
    expect(problem).toMatchObject({ name: 'ConfigurationError', code: 'configuration_error', status: 500 })
    expect(problemsIn(problem)).toEqual([expect.stringMatching(new RegExp(`^${path.replaceAll('.', '\\.')}\\b`))])
    expect(problem.message).not.toMatch(/undefined|\[object|Invalid input/)
  })

  it.each(casesOf(RIGHT))('accepts %s: %s', (path, _shown, value) => {
    expect(resolve(optionsWith(path, value)).issuer.hostname).toBe('tenant.eu.auth0.com')
  })

  it('treats undefined as left out for every option at every level', () => {
    const paths = [...Object.keys(WRONG), ...Object.keys(RIGHT)].filter((path) => !(path in tenant))
    // Without session options, the secret comes from the environment.
    const resolved = (options: object) =>
      JSON.stringify(resolve(options, environment)).replace(/"secrets":[^\]]*\]/, '')
    for (const path of paths) {
      expect([path, resolved(optionsWith(path, undefined))]).toEqual([path, resolved(complete)])
    }
    expect(resolve(optionsWith('rateLimit.mfa.limit', undefined)).limits.mfa).toEqual({ limit: 20, windowMs: 900_000 })
    expect(resolve(optionsWith('redis.host', undefined)).redis).toEqual({})
    expect(resolve(optionsWith('session.cookie.unknown', undefined)).session.cookie.name).toBe('auth')
  })

  it.each([
    [{ rateLimit: 5 }, 'rateLimit must be false or an object'],
    [{ rateLimit: { subnet: true } }, 'rateLimit.subnet must be false or an object'],
    [{ rateLimit: { mfa: { limit: 0 } } }, 'rateLimit.mfa.limit must be a whole number of attempts, greater than 0'],
    [
      { rateLimit: { mfa: { windowMs: '1m' } } },
      'rateLimit.mfa.windowMs must be a whole number of milliseconds, from 1 to 86400000',
    ],
    [{ session: { secret: 1 } }, 'session.secret must be a string or a list'],
    [{ session: { secret, cookie: { secure: 1 } } }, "session.cookie.secure must be true, false or 'auto'"],
    [{ session: { secret, cookie: { sameSite: 'x' } } }, "session.cookie.sameSite must be 'lax', 'strict' or 'none'"],
    [
      { session: { secret, idleTimeout: '1d' } },
      'session.idleTimeout must be a whole number of seconds, from 1 to 31622400',
    ],
    [{ session: { secret, maxPerUser: 0 } }, 'session.maxPerUser must be a whole number of sessions, greater than 0'],
    [{ logger: true }, 'logger must have the methods info, warn and error'],
    [{ logUserName: true }, "logUserName must be 'plain', 'hashed' or false"],
    [{ exposeTokens: 1 }, 'exposeTokens must be true or false'],
    [{ clock: Date }, 'clock must be a test clock: pass createTestClock() from express-auth0-ropg/testing'],
    [{ pages: { login: 'login' } }, 'pages.login must be a path that starts with a single /'],
    [
      { clientId: 'YOUR_CLIENT_ID' },
      'clientId is still a placeholder: copy the value from the Auth0 Dashboard, Applications > your application > Settings',
    ],
    [
      { clientSecret: '"x"' },
      'clientSecret is wrapped in quotes: remove them (some tools, such as docker --env-file, do not strip quotes)',
    ],
  ])('says what is expected instead of %j', (wrong, expected) => {
    expect(messageFor(wrong)).toBe(expected)
  })

  it('asks for a session secret of 32 characters', () => {
    expect(messageFor({ session: { secret: 'x'.repeat(31) } })).toBe(
      'session.secret must be at least 32 characters long: generate one with openssl rand -base64 48',
    )
    expect(resolve({ ...tenant, session: { secret: 'x'.repeat(32) } }).session.secrets).toEqual(['x'.repeat(32)])
  })

  it.each([
    ['an ioredis 5 client', Redis],
    ['an ioredis 6 client', Redis6 as unknown as typeof Redis],
  ])('keeps %s as it is', (_name, Client) => {
    const redis = new Client({ lazyConnect: true })
    expect(resolve({ ...complete, redis }).redis).toBe(redis)
    redis.disconnect()
  })

  it('keeps a cluster as it is', () => {
    const redis = new Cluster([{ port: 7000 }], { lazyConnect: true })
    expect(resolve({ ...complete, redis }).redis).toBe(redis)
    redis.disconnect()
  })

  it("accepts openid-client's own client authentication in place of a secret", async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    const clientAuth = PrivateKeyJwt(pair.privateKey)
    expect(resolve({ ...complete, clientSecret: undefined, clientAuth }).clientAuth).toBe(clientAuth)
  })
})
