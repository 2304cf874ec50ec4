import { describe, expect, it } from '@jest/globals'
import { messageForSession, production, resolve, secret, tenant } from './support.ts'

type Env = Record<string, string>

describe('session.cookie', () => {
  const cookieOf = (cookie: object, env: Env = {}) =>
    resolve({ ...tenant, redis: 'redis://localhost', session: { secret, cookie } }, env).session.cookie

  it.each<[string, object, Env]>([
    ['auth', {}, {}],
    ['auth', { secure: false }, production],
    ['auth', { secure: 'auto' }, production],
    ['__Host-auth', { secure: true }, {}],
    ['__Host-auth', {}, production],
    ['__Secure-auth', { domain: 'example.com' }, production],
    ['__Secure-auth', { path: '/app' }, production],
    ['sid', { name: 'sid' }, production],
    ['__Host-sid', { name: '__Host-sid' }, production],
    ['__Secure-sid', { name: '__Secure-sid', path: '/app' }, production],
  ])('is named %s with %j in %j', (name, cookie, env) => {
    expect(cookieOf(cookie, env).name).toBe(name)
  })

  it('has what is written', () => {
    const cookie = { name: 'sid', path: '/app', domain: 'example.com', sameSite: 'none', secure: true }
    expect(cookieOf(cookie)).toEqual(cookie)
  })

  const host =
    'session.cookie.name starts with __Host-, which browsers accept only with secure: true, path / and no domain: ' +
    'change those attributes or the name'
  const secure =
    'session.cookie.name starts with __Secure-, which browsers accept only with secure: true: ' +
    'set it to true, or change the name'
  const sameSite =
    "session.cookie.sameSite is 'none', which browsers accept only with secure: true: set session.cookie.secure to true"

  it.each([
    ['__Host- without Secure', { name: '__Host-sid' }, host],
    ['__Host- that is not Secure', { name: '__Host-sid', secure: false }, host],
    ['__Host- with a path', { name: '__Host-sid', secure: true, path: '/app' }, host],
    ['__Host- with a domain', { name: '__Host-sid', secure: true, domain: 'a.example' }, host],
    ['__Secure- without Secure', { name: '__Secure-sid' }, secure],
    ['SameSite=None without Secure', { sameSite: 'none' }, sameSite],
    ['SameSite=None that is Secure only over HTTPS', { sameSite: 'none', secure: 'auto' }, sameSite],
  ])('is refused with %s', (_name, cookie, expected) => {
    expect(messageForSession({ cookie })).toBe(expected)
  })
})
