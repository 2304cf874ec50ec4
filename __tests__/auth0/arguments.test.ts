import { describe, expect, it } from '@jest/globals'
import { AuthError, MissingRequiredArgumentError, type RopgClient } from '../../lib/index.ts'
import { ada, startApp } from '../support/app.ts'

const credentials = { username: ada.email, password: ada.password }

const start = () => startApp({ store: 'memory' })

/** JavaScript callers can pass any value. */
type Method = Exclude<keyof RopgClient, 'mfa'>

const loosely = (client: RopgClient) => client as unknown as Record<Method, (given?: unknown) => Promise<unknown>>

describe('auth.sessions', () => {
  it.each([undefined, null, ''])('rejects %j in place of a user with MissingRequiredArgumentError', async (none) => {
    const { list, revoke, revokeAll } = (await start()).auth.sessions
    const sub = none as unknown as string
    for (const task of [list(sub), revoke(sub, 'a session'), revokeAll(sub)]) {
      const err: unknown = await task.catch((err: unknown) => err)
      expect(err).toBeInstanceOf(MissingRequiredArgumentError)
      expect(err).toMatchObject({ argument: 'sub' })
    }
    await expect(revoke('auth0|1', sub)).rejects.toMatchObject({ argument: 'id' })
  })

  it('rejects what is no string as invalid_request', async () => {
    const { sessions } = (await start()).auth
    await expect(sessions.list(7 as unknown as string)).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('auth.client', () => {
  it.each<[Method, string, unknown, string]>([
    ['getTokenByPassword', 'nothing', undefined, 'username'],
    ['getTokenByPassword', 'null', null, 'username'],
    ['getTokenByPassword', 'no password', { username: 'x' }, 'password'],
    ['refresh', 'nothing', undefined, 'refreshToken'],
    ['refresh', 'an empty token', { refreshToken: '' }, 'refreshToken'],
    ['revoke', 'nothing', undefined, 'refreshToken'],
    ['revoke', 'an object', { refreshToken: 'x' }, 'refreshToken'],
  ])('%s with %s rejects with MissingRequiredArgumentError', async (method, _, given, argument) => {
    const { auth, emulator } = await start()
    const { [method]: call } = loosely(auth.client)
    const err: unknown = await call(given).catch((err: unknown) => err)
    expect(err).toBeInstanceOf(MissingRequiredArgumentError)
    expect(err).toMatchObject({ argument })
    expect(emulator.requests).toEqual([])
  })

  it.each<[Method, object, string]>([
    ['getTokenByPassword', { ...credentials, username: 1 }, 'username'],
    ['getTokenByPassword', { ...credentials, password: ['x'] }, 'password'],
    ['getTokenByPassword', { ...credentials, password: 'a\ud800' }, 'password'],
    ['getTokenByPassword', { ...credentials, realm: {} }, 'realm'],
    ['refresh', { refreshToken: 1 }, 'refreshToken'],
  ])('%s rejects %j as invalid_request', async (method, given, field) => {
    const { auth, emulator } = await start()
    const { [method]: call } = loosely(auth.client)
    const err: unknown = await call(given).catch((err: unknown) => err)
    expect(err).toBeInstanceOf(AuthError)
    expect(err).toMatchObject({ code: 'invalid_request', body: { fields: { [field]: expect.any(String) } } })
    expect(emulator.requests).toEqual([])
  })

  it.each([null, ''])('treats %j as a missing optional argument', async (none) => {
    const { auth, emulator } = await start()
    await loosely(auth.client).getTokenByPassword({ ...credentials, realm: none, audience: none, scope: none })
    const { params } = emulator.requestsTo('/oauth/token')[0]!
    expect(params).toMatchObject({ grant_type: 'password', scope: 'openid profile email' })
    expect(Object.keys(params)).not.toEqual(expect.arrayContaining(['realm']))
  })

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['somebody', undefined],
    ['203.0.113.7, 198.51.100.1', undefined],
    ['203.0.113.7\r\nx-evil: 1', undefined],
  ])('forwards the address %j as %j', async (auth0ForwardedFor, sent) => {
    const { auth, emulator } = await start()
    await auth.client.getTokenByPassword({ ...credentials, auth0ForwardedFor })
    expect(emulator.requestsTo('/oauth/token')[0]!.headers['auth0-forwarded-for']).toBe(sent)
  })
})
