import { describe, expect, it } from '@jest/globals'
import { complete, environment, errorFor, messageFor, problemsIn, production, resolve, secret } from './support.ts'

describe('readOptions', () => {
  it('reports problems of every kind in one error, one per option', () => {
    const written = {
      realm: 1,
      sessionSecret: 'x',
      rateLimit: { max: 5, mfa: { limit: 'many' } },
      session: { idleTimeout: 2, absoluteTimeout: 1, cookie: { name: '__Host-sid', domain: 'example.com' } },
      allowedOrigins: ['*', 'https://*.example.com', 'https://app.example.com/'],
      clientAuth: () => undefined,
      idTokenSigningAlg: 'HS256',
      clock: { now: () => 0, advance: () => undefined },
    }
    const env = { ...production, AUTH0_DOMAIN: ' ', SESSION_SECRET: 'short', REDIS_URL: '' }
    expect(
      problemsIn(errorFor(written, env)).map((text) => text.replace(/^unknown option /, '').split(/[ [:]/)[0]),
    ).toEqual([
      'rateLimit.max',
      'sessionSecret',
      'realm',
      'session.secret',
      'rateLimit.mfa.limit',
      'allowedOrigins',
      'domain',
      'clientId',
      'idTokenSigningAlg',
      'session.idleTimeout',
      'session.cookie.name',
      'redis',
      'clock',
    ])
  })

  it('lists several problems one below the other, with their number in front', () => {
    expect(errorFor({ ...complete, realm: 1, audience: '' }).message).toBe(
      '2 options are missing or invalid:\n  - realm must be a string\n  - audience must not be empty',
    )
  })

  it('reports a single problem without a list', () => {
    expect(messageFor({ realm: 1 })).toBe('realm must be a string')
  })

  it('names the items of a list together', () => {
    expect(messageFor({ allowedRealms: ['', 'Users', '', 5] })).toBe(
      'allowedRealms[0, 2] must not be empty; allowedRealms[3] must be a string',
    )
  })

  it('does not report an invalid option as missing, or for what it holds', () => {
    expect(messageFor({ domain: '' })).toBe('domain must not be empty')
    expect(messageFor({ session: 'x' })).toBe('session must be an object')
    expect(messageFor({ redis: 5 }, production)).toMatch(/^redis must be a redis: or rediss: URL/)
    expect(messageFor({ clientAuth: 5 })).toBe('clientAuth must be a function')
  })

  it('reports what is missing beside what is unknown', () => {
    const problems = problemsIn(errorFor({ ...complete, clientId: undefined, clientID: 'x' }))
    expect(problems).toEqual([
      'unknown option clientID: did you mean clientId?',
      'clientId is required: pass it, or set AUTH0_CLIENT_ID',
    ])
  })

  it.each([null, 42, 'options', [], () => undefined])('refuses %p in place of options', (options) => {
    expect(errorFor(options, environment).message).toBe(
      'options must be an object: pass { domain, clientId, ... }, or nothing',
    )
  })

  it('refuses process.env without listing its names', () => {
    expect(errorFor(environment, environment).message).toMatch(/^options must not be process\.env/)
  })

  it('ignores an unknown option that is undefined', () => {
    const written = { ...complete, nothing: undefined, session: { secret, cookie: { nothing: undefined } } }
    expect(resolve(written).session.cookie.name).toBe('auth')
  })
})
