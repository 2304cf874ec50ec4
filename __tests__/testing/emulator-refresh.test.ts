import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { startAuth0Emulator, type Auth0Emulator } from '../../lib/testing/emulator.js'
import { ADA, API, logIn, post, refresh, refreshTokenOf, type Reply } from './tenant-client.js'

const UNKNOWN = [403, 'invalid_grant', 'Unknown or invalid refresh token.']
const OTHER_API = 'https://other.example.com'

let emulator: Auth0Emulator

beforeEach(async () => {
  emulator = await startAuth0Emulator()
})

afterEach(() => emulator.close())

const said = ({ status, body }: Reply) => [status, body.error, body.error_description]

/** Refreshes, expects success and returns the new refresh token. */
async function rotate(token: string): Promise<string> {
  const { status, body } = await refresh(emulator, token)
  expect(status).toBe(200)
  return body.refresh_token
}

describe('grant_type=refresh_token', () => {
  it('answers with new tokens of the same scope', async () => {
    const first = await refreshTokenOf(emulator)
    const { body } = await refresh(emulator, first)
    expect(Object.keys(body).sort()).toEqual(
      ['access_token', 'expires_in', 'id_token', 'refresh_token', 'scope', 'token_type'].sort(),
    )
    expect(body.scope).toBe('openid email read:posts offline_access')
    expect(decodeJwt(body.access_token)).toMatchObject({ gty: ['refresh_token', 'password'], scope: body.scope })
    expect(decodeJwt(body.id_token)).toMatchObject({ email: ADA.username, aud: emulator.clientId })
    expect(body.refresh_token).not.toBe(first)
    expect([first, body.refresh_token].map((token) => emulator.refreshTokens.isActive(token))).toEqual([false, true])
    expect(emulator.refreshTokens.families()).toBe(1)
  })

  it('revokes the family if a spent token is used again', async () => {
    const first = await refreshTokenOf(emulator)
    const second = await rotate(first)
    const other = await refreshTokenOf(emulator)
    expect(said(await refresh(emulator, first))).toEqual(UNKNOWN)
    expect(said(await refresh(emulator, second))).toEqual(UNKNOWN)
    expect(emulator.refreshTokens.families()).toBe(1)
    expect((await refresh(emulator, other)).status).toBe(200)
  })

  it('detects reuse in two concurrent exchanges', async () => {
    const token = await refreshTokenOf(emulator)
    const replies = await Promise.all([refresh(emulator, token), refresh(emulator, token)])
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 403])
    expect(emulator.refreshTokens.families()).toBe(0)
  })

  it('lets the previous token pass within the leeway, each time with a new one', async () => {
    emulator.tenant.leeway = 5
    const first = await refreshTokenOf(emulator)
    const [second, twin] = [await rotate(first), await rotate(first)]
    expect(twin).not.toBe(second)
    emulator.clock.advance(6)
    expect(emulator.refreshTokens.isActive(second)).toBe(true)
    expect(said(await refresh(emulator, first))).toEqual(UNKNOWN)
    expect(emulator.refreshTokens.isActive(second)).toBe(false)
  })

  it('has no leeway for the token before the previous one', async () => {
    emulator.tenant.leeway = 5
    const first = await refreshTokenOf(emulator)
    const second = await rotate(first)
    const third = await rotate(second)
    expect(said(await refresh(emulator, first))).toEqual(UNKNOWN)
    expect(emulator.refreshTokens.isActive(third)).toBe(false)
  })

  it('keeps the token where the tenant does not rotate, until it does', async () => {
    emulator.tenant.rotation = false
    const token = await refreshTokenOf(emulator)
    for (const _ of [1, 2]) {
      const { status, body } = await refresh(emulator, token)
      expect(status).toBe(200)
      expect(body).not.toHaveProperty('refresh_token')
    }
    emulator.tenant.rotation = true
    expect(await rotate(token)).toEqual(expect.any(String))
  })

  it.each([
    ['unknown', () => Promise.resolve('nothing')],
    [
      'revoked',
      async () => {
        const token = await refreshTokenOf(emulator)
        emulator.refreshTokens.revoke(token)
        return token
      },
    ],
    [
      'unused for 30 days',
      async () => {
        const token = await refreshTokenOf(emulator)
        emulator.clock.advance(2_592_000)
        return token
      },
    ],
    [
      '30 days old',
      async () => {
        let token = await refreshTokenOf(emulator)
        emulator.clock.advance(1_500_000)
        token = await rotate(token)
        emulator.clock.advance(1_500_000)
        return token
      },
    ],
  ])('refuses a token that is %s', async (_name, makeToken) => {
    const token = await makeToken()
    expect(emulator.refreshTokens.isActive(token)).toBe(false)
    expect(said(await refresh(emulator, token))).toEqual(UNKNOWN)
  })

  it.each<[string, () => unknown, unknown[]]>([
    [
      'deleted',
      () => emulator.users.remove(ADA.username),
      [403, 'invalid_grant', "The refresh_token was generated for a user who doesn't exist anymore."],
    ],
    [
      'blocked',
      () => emulator.users.update(ADA.username, { blocked: true }),
      [403, 'invalid_grant', 'user is blocked'],
    ],
    ['denied by an Action', () => emulator.users.update(ADA.username, { denied: 'no' }), [403, 'access_denied', 'no']],
  ])('refuses a user who was %s, and keeps the token', async (_name, change, expected) => {
    const token = await refreshTokenOf(emulator)
    change()
    expect(said(await refresh(emulator, token))).toEqual(expected)
    expect(emulator.refreshTokens.isActive(token)).toBe(true)
  })

  it('reduces the scope, never extends it, and not for good', async () => {
    const first = await refreshTokenOf(emulator)
    const { body } = await refresh(emulator, first, { scope: 'read:posts write:posts' })
    expect(body.scope).toBe('read:posts')
    expect(body).not.toHaveProperty('id_token')
    expect((await refresh(emulator, body.refresh_token)).body.scope).toContain('openid')
  })

  it('reduces the claims of the ID token to those of the scope', async () => {
    const first = await refreshTokenOf(emulator, { scope: 'openid profile email offline_access' })
    const { body } = await refresh(emulator, first, { scope: 'openid profile' })
    expect(decodeJwt(body.id_token)).not.toHaveProperty('email')
    expect(decodeJwt(body.id_token)).toHaveProperty('nickname')
    const { body: next } = await refresh(emulator, body.refresh_token)
    expect(decodeJwt(next.id_token)).toMatchObject({ email: ADA.username })
  })

  it('exchanges for another API where a policy says so', async () => {
    emulator.tenant.refreshPolicies = [
      { audience: API, scope: ['write:posts'] },
      { audience: OTHER_API, scope: ['read:other'] },
    ]
    const first = await refreshTokenOf(emulator)
    const same = await refresh(emulator, first)
    expect(same.body.scope).toBe('openid email read:posts offline_access write:posts')
    const other = await refresh(emulator, same.body.refresh_token, { audience: OTHER_API })
    expect(other.body.scope).toBe('openid email offline_access read:other')
    expect(decodeJwt(other.body.access_token).aud).toContain(OTHER_API)
    const neither = await refresh(emulator, other.body.refresh_token, { audience: 'https://nowhere' })
    expect(decodeJwt(neither.body.access_token).aud).toContain(API)
  })

  it('asks for the token', async () => {
    const { status, body } = await post(emulator, '/oauth/token', { grant_type: 'refresh_token' })
    expect([status, body.error_description]).toEqual([400, 'Missing required parameter: refresh_token'])
  })
})

describe('POST /oauth/revoke', () => {
  it('revokes the family, also by a spent token, and answers 200 without a body', async () => {
    for (const pick of [0, 1]) {
      const first = await refreshTokenOf(emulator)
      const tokens = [first, await rotate(first)]
      const { status, body } = await post(emulator, '/oauth/revoke', { token: tokens[pick] })
      expect([status, body.text]).toEqual([200, ''])
      expect(emulator.refreshTokens.isActive(tokens[1]!)).toBe(false)
    }
  })

  it('answers the same for an unknown token', async () => {
    expect((await post(emulator, '/oauth/revoke', { token: 'unknown' })).status).toBe(200)
  })

  it('refuses a wrong secret and a missing token', async () => {
    const wrong = await post(emulator, '/oauth/revoke', { token: 'x', client_secret: 'wrong' })
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client'])
    const empty = await post(emulator, '/oauth/revoke', {})
    expect([empty.status, empty.body.error]).toEqual([400, 'invalid_request'])
  })

  it('does not affect new logins', async () => {
    await post(emulator, '/oauth/revoke', { token: await refreshTokenOf(emulator) })
    expect((await logIn(emulator)).status).toBe(200)
  })
})
