import { describe, expect, it } from '@jest/globals'
import { complete, errorFor, messageFor, problemsIn, production, resolve, secret, tenant } from './support.ts'

const clientAuth = () => undefined
const redis = 'redis://localhost'

describe('required options', () => {
  it.each([
    [
      'domain',
      { ...complete, domain: undefined },
      'pass it, or set AUTH0_DOMAIN (to load a .env file, start Node with --env-file=.env)',
    ],
    ['clientId', { ...complete, clientId: undefined }, 'pass it, or set AUTH0_CLIENT_ID'],
    [
      'clientSecret',
      { ...complete, clientSecret: undefined },
      'pass it, or set AUTH0_CLIENT_SECRET, or pass clientAuth',
    ],
    ['session.secret', tenant, 'pass it, or set SESSION_SECRET'],
  ])('%s is reported with its variable', (option, options, remedy) => {
    expect(errorFor(options).message).toBe(`${option} is required: ${remedy}`)
  })

  it('are reported together', () => {
    expect(problemsIn(errorFor({})).map((text) => text.split(':')[0])).toEqual([
      'domain is required',
      'clientId is required',
      'clientSecret is required',
      'session.secret is required',
    ])
  })

  it.each([
    ['domain', { ...complete, domain: undefined }, 'AUTH0_DOMAIN'],
    ['clientId', { ...complete, clientId: undefined }, 'AUTH0_CLIENT_ID'],
    ['session.secret', tenant, 'SESSION_SECRET'],
  ])('%s is reported with the empty variable', (option, options, variable) => {
    for (const value of ['', ' \n']) {
      expect(errorFor(options, { [variable]: value }).message).toBe(
        `${option} is required, but ${variable} is empty: give the variable a value, or pass the option`,
      )
    }
  })
})

describe('client authentication', () => {
  it('is refused if set twice', () => {
    expect(messageFor({ clientAuth })).toBe('clientSecret and clientAuth are both set: remove one of them')
  })

  it('needs clientSecret for HS256', () => {
    const options = { ...complete, clientSecret: undefined, clientAuth, idTokenSigningAlg: 'HS256' }
    expect(errorFor(options).message).toBe(
      "idTokenSigningAlg is 'HS256', which requires clientSecret, but only clientAuth is set: " +
        'pass clientSecret instead, or switch the Auth0 application to RS256',
    )
    expect(resolve({ ...complete, idTokenSigningAlg: 'HS256' }).idTokenSigningAlg).toBe('HS256')
  })

  it('reports a missing clientSecret once with HS256', () => {
    const options = { ...complete, clientSecret: undefined, idTokenSigningAlg: 'HS256' }
    expect(errorFor(options).message).toMatch(/^clientSecret is required/)
  })
})

describe('in production', () => {
  it('redis is required', () => {
    const why = 'the in-process store loses all sessions on restart and is not shared between processes'
    expect(messageFor({}, production)).toBe(
      `redis is required in production (NODE_ENV): pass it, or set REDIS_URL; ${why}`,
    )
    expect(messageFor({}, { ...production, REDIS_URL: '' })).toBe(
      'redis is required in production (NODE_ENV), but REDIS_URL is empty: ' +
        `give the variable a value, or pass the option; ${why}`,
    )
    expect(resolve(complete, { ...production, REDIS_URL: redis }).redis).toBe(redis)
  })

  it('a test clock is refused', () => {
    const clock = { now: () => 0, advance: () => undefined }
    expect(messageFor({ clock, redis }, production)).toBe(
      'clock is a test clock, which is not allowed in production (NODE_ENV): remove it',
    )
    expect(resolve({ ...complete, clock }, { NODE_ENV: 'test' }).testClock?.()).toBe(0)
  })

  it('contradictions are reported with the rest', () => {
    const session = { secret, idleTimeout: 2, absoluteTimeout: 1, cookie: { secure: false, sameSite: 'none' } }
    expect(problemsIn(errorFor({ ...tenant, session }, production)).map((text) => text.split(' ')[0])).toEqual([
      'session.idleTimeout',
      'session.cookie.sameSite',
      'redis',
    ])
  })
})
