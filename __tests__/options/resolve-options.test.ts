import { inspect } from 'node:util'
import { describe, expect, it, jest } from '@jest/globals'
import { ConfigurationError, createRopgAuth, type RopgAuthOptions } from '../../lib/index.ts'
import { resolveOptions } from '../../lib/options/resolve-options.ts'
import { complete, DAY, environment, errorFor, production, quiet, resolve, secret, tenant } from './support.ts'

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part as object)
  return Object.freeze(value)
}

/** Runs a function with this environment as process.env. */
function inEnvironment<T>(run: () => T): T {
  const before = process.env
  process.env = { ...before, ...environment }
  try {
    return run()
  } finally {
    process.env = before
  }
}

describe('resolveOptions', () => {
  it.each([
    ['undefined', undefined],
    ['an empty object', {}],
    ['an object without prototype', Object.create(null) as object],
    ['options that are all undefined', { domain: undefined, redis: undefined, session: undefined, logger: undefined }],
    ['an empty session', { session: {} }],
  ])('fills in the defaults for %s', (_name, options) => {
    const { issuer, logger, fetch: _fetch, clock, ...rest } = resolve(options, environment)
    expect(issuer.href).toBe('https://env.eu.auth0.com/')
    expect(clock).toBe(Date.now)
    expect(Object.keys(logger ?? {})).toEqual(['info', 'warn', 'error'])
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
        secrets: ['session-secret-of-the-environment'],
        ordinary: { idleTimeout: DAY, absoluteTimeout: 7 * DAY },
        remembered: { idleTimeout: 14 * DAY, absoluteTimeout: 30 * DAY },
        cookie: { name: 'auth', path: '/', domain: undefined, sameSite: 'lax', secure: 'auto' },
        preserve: [],
        maxPerUser: 100,
        prefix: 'auth:',
      },
      onLogin: undefined,
      mfa: 'interactive',
      interactive: undefined,
      signup: false,
      passwordReset: false,
      backchannelLogout: false,
      pages: undefined,
      loginUrl: undefined,
      recoveryUrl: undefined,
      limits: {
        subnet: { limit: 5, windowMs: 60_000 },
        attempts: { limit: 60, windowMs: 60_000 },
        account: { limit: 10, windowMs: 900_000 },
        mfa: { limit: 20, windowMs: 900_000 },
        signup: { limit: 30, windowMs: 3_600_000 },
        reset: { limit: 30, windowMs: 3_600_000 },
      },
      forwardClientIp: 'authenticated',
      requireHttps: false,
      allowedOrigins: [],
      exposeTokens: false,
      exposeDeniedReason: false,
      timeouts: { auth0: 5000, redis: 1000 },
      logUserName: 'plain',
      onEvent: undefined,
      onError: undefined,
      testClock: undefined,
    })
  })

  it('reads process.env unless it is given another environment', () => {
    expect(inEnvironment(() => resolveOptions().clientId)).toBe('client of the environment')
  })

  it('requires HTTPS and a __Host- cookie in production', () => {
    const config = resolve({ ...complete, redis: 'redis://localhost' }, production)
    expect(config.requireHttps).toBe(true)
    expect(config.session.cookie).toMatchObject({ name: '__Host-auth', secure: true })
  })

  it('lets an explicit requireHttps win in production', () => {
    const options = { ...complete, requireHttps: false, redis: 'redis://localhost' }
    expect(resolve(options, production).requireHttps).toBe(false)
  })

  it('passes on hooks and listeners', () => {
    const listeners = { onLogin: () => undefined, onEvent: () => undefined, onError: () => undefined }
    expect(resolve({ ...complete, ...listeners })).toMatchObject(listeners)
  })

  it('passes on maxPerUser and logUserName', () => {
    const config = resolve({ ...complete, logUserName: false, session: { secret, maxPerUser: 3 } })
    expect(config).toMatchObject({ logUserName: false, session: { maxPerUser: 3 } })
  })

  it('keeps the first of repeated session secrets', () => {
    const other = `${secret} before`
    const { session } = resolve({ ...tenant, session: { secret: [secret, other, secret] } })
    expect(session.secrets).toEqual([secret, other])
  })

  it('takes the time from the test clock if it is given, and otherwise from the seams', () => {
    let now = 1000
    const clock = { now: () => now, advance: (by: number) => (now += by * 1000) }
    const config = resolveOptions({ ...complete, clock }, { clock: () => 7 }, {})
    clock.advance(5)
    expect([config.clock(), config.testClock?.()]).toEqual([6000, 6000])
    const { testClock, ...withoutOption } = resolveOptions(complete, { clock: () => 7 }, {})
    expect([withoutOption.clock(), testClock]).toEqual([7, undefined])
  })

  it('calls now() on the test clock itself', () => {
    class Clock {
      time = 42
      now() {
        return this.time
      }
      advance() {
        this.time++
      }
    }
    expect(resolve({ ...complete, clock: new Clock() }).clock()).toBe(42)
  })

  describe("with the caller's objects", () => {
    const everything = () => ({
      ...complete,
      allowedRealms: ['Users'],
      allowedOrigins: ['https://app.example.com'],
      rateLimit: { subnet: { limit: 1, windowMs: 1000 } },
      timeouts: { auth0: 100 },
      redis: { port: 6380, host: 'localhost' },
      session: { secret: [` ${secret}`], preserve: ['cart'], cookie: { name: 'sid' }, remembered: { idleTimeout: 60 } },
    })

    it('accepts frozen ones', () => {
      expect(resolve(deepFreeze(everything())).session.preserve).toEqual(['cart'])
    })

    it('does not modify them', () => {
      const written = everything()
      resolve(written, { ...environment, REDIS_URL: 'redis://environment' })
      expect(written).toEqual(everything())
    })

    it('is not affected by later changes to them', () => {
      const written = everything()
      const config = resolve(written)
      written.allowedRealms.push('Admins')
      written.allowedOrigins.push('https://evil.example')
      written.session.secret.unshift('x'.repeat(32))
      written.session.preserve.push('role')
      written.session.cookie.name = 'other'
      written.rateLimit.subnet.limit = 1000
      written.timeouts.auth0 = 1
      written.redis.port = 1
      expect(config).toMatchObject({
        allowedRealms: ['Users'],
        allowedOrigins: ['https://app.example.com'],
        session: { secrets: [secret], preserve: ['cart'], cookie: { name: 'sid' } },
        timeouts: { auth0: 100 },
        redis: { port: 6380 },
      })
    })
  })

  it('freezes the result with everything that it made itself', () => {
    const config = resolve({ ...complete, logger: quiet, allowedRealms: ['Users'], rateLimit: { mfa: false } })
    const notFrozen: string[] = []
    const visit = (value: unknown, path: string) => {
      if (typeof value !== 'object' || value === null || value instanceof URL || path === 'config.logger') return
      if (!Object.isFrozen(value)) notFrozen.push(path)
      for (const [key, member] of Object.entries(value)) visit(member, `${path}.${key}`)
    }
    visit(config, 'config')
    expect(notFrozen).toEqual([])
  })

  it('warns through the logger that an absolute timeout was raised', () => {
    const warn = jest.fn()
    resolve({ ...complete, logger: { ...quiet, warn }, session: { secret, idleTimeout: 8 * DAY } })
    expect(warn.mock.calls).toEqual([
      [
        { option: 'session.absoluteTimeout' },
        'session.idleTimeout is longer than the default session.absoluteTimeout, which was raised to match: ' +
          'set session.absoluteTimeout explicitly',
      ],
    ])
  })

  it('gives winston the message first', () => {
    const info = jest.fn()
    const winston = { ...quiet, info, transports: [], exceptions: {} }
    resolve({ ...complete, logger: winston }).logger?.info({ event: 'logout' }, 'logout')
    expect(info.mock.calls).toEqual([['logout', { event: 'logout' }]])
  })

  it('gives other loggers the fields first', () => {
    const info = jest.fn()
    resolve({ ...complete, logger: { ...quiet, info } }).logger?.info({ event: 'logout' }, 'logout')
    expect(info.mock.calls).toEqual([[{ event: 'logout' }, 'logout']])
  })

  describe('with a secret in the wrong place', () => {
    const canary = 'c4n4ry-7f3a'
    it.each([
      ['clientSecret in a list', { clientSecret: [canary] }],
      ['clientSecret in an object', { clientSecret: { value: canary } }],
      ['a quoted clientSecret', { clientSecret: `"${canary}"` }],
      ['clientAuth', { clientAuth: canary }],
      ['a short session.secret', { session: { secret: canary } }],
      ['a short one in a list', { session: { secret: [secret, canary] } }],
      ['an object as session.secret', { session: { secret: { current: canary } } }],
      ['session', { session: canary }],
      ['redis without a scheme', { redis: `user:${canary}@localhost:6379` }],
      ['redis with a wrong scheme', { redis: `https://user:${canary}@localhost:6379` }],
      ['redis that is no URL', { redis: `redis://:${canary}@localhost:99999` }],
      ['domain with a password', { domain: `https://user:${canary}@tenant.auth0.com` }],
      ['domain with a query', { domain: `https://tenant.auth0.com/?key=${canary}` }],
      ['domain with an endpoint', { domain: `https://tenant.auth0.com/${canary}/oauth/token` }],
      ['domain in quotes', { domain: `'${canary}'` }],
      ['domain without a dot', { domain: canary }],
      ['domain that is no URL', { domain: `https://${canary} :x` }],
      ['domain with another scheme', { domain: `ftp://${canary}` }],
      ['idTokenSigningAlg', { idTokenSigningAlg: canary }],
      ['session.cookie.sameSite', { session: { secret, cookie: { sameSite: canary } } }],
      ['session.cookie.secure', { session: { secret, cookie: { secure: canary } } }],
      ['session.cookie.name', { session: { secret, cookie: { name: `a ${canary}` } } }],
      ['session.cookie.name with a prefix', { session: { secret, cookie: { name: `__Host-${canary}` } } }],
      ['loginUrl', { loginUrl: canary }],
      ['allowedOrigins', { allowedOrigins: [`https://user:${canary}@app.example.com`, `https://*.${canary}`] }],
      ['logger', { logger: canary }],
      ['logUserName', { logUserName: canary }],
      ['clock', { clock: canary }],
      ['an unknown option', { apiKey: canary, sessionSecret: canary }],
    ])('does not repeat it: %s', (_name, wrong) => {
      const error = errorFor({ ...complete, ...wrong })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary)
      expect(JSON.stringify(error)).not.toContain(canary)
      expect(error.cause).toBeUndefined()
    })

    it('does not repeat those of the environment', () => {
      const error = errorFor({}, { ...environment, SESSION_SECRET: `${canary} ${canary}`, REDIS_URL: canary })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary)
    })
  })
})

describe('createRopgAuth', () => {
  it('throws at once and says why', () => {
    const make = () => createRopgAuth({ ...complete, clientID: 'x' } as RopgAuthOptions)
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow('did you mean clientId?')
  })

  it('needs no options if the environment has all of them', async () => {
    await inEnvironment(() => createRopgAuth()).close()
  })
})
