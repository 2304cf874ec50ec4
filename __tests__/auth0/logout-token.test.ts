import { describe, expect, it } from '@jest/globals'
import { createVerifyLogoutToken } from '../../lib/auth0/logout-token.ts'
import { passwordGrant } from '../../lib/auth0/password-grant.ts'
import type { Fault, LogoutTokenChanges } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { failureOf, shownBy, startTenant, type TenantSettings } from './tenant.ts'

const KEYS = '/.well-known/jwks.json'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const BOTH = { sub: 'auth0|1', sid: 'the-sid' }

async function start(settings: TenantSettings = {}) {
  const tenant = await startTenant(settings)
  const verify = createVerifyLogoutToken(tenant.client, tenant.config, tenant.keys)
  const now = () => Math.floor(tenant.emulator.clock.now() / 1000)
  const token = (changes: LogoutTokenChanges = {}) => tenant.emulator.logoutToken({ ...BOTH, ...changes })
  return { ...tenant, verifyLogout: verify, now, token }
}

describe('a logout token', () => {
  it('names user, session, token and times', async () => {
    const { token, verifyLogout, now } = await start()
    const issuedAt = now()
    const read = await verifyLogout(await token({ jti: 'the-jti', iat: issuedAt, exp: issuedAt + 120 }))
    expect(read).toEqual({ ...BOTH, jti: 'the-jti', issuedAt, expiresAt: issuedAt + 120 })
  })

  it.each<[string, LogoutTokenChanges]>([
    ['the typ logout+jwt', { header: { typ: 'logout+jwt' } }],
    ['a typ in another case', { header: { typ: 'Logout+JWT' } }],
    ['a list of audiences', { aud: ['other', 'emulator-client'] }],
    ['members of its event', { events: { [EVENT]: { a: 1 }, 'https://x/other': {} } }],
  ])('counts with %s', async (_name, changes) => {
    const { token, verifyLogout } = await start()
    expect(await verifyLogout(await token(changes))).toMatchObject(BOTH)
  })

  it.each([
    ['sub', { sub: 'auth0|1' }],
    ['sid', { sid: 'the-sid' }],
  ])('is accepted with %s alone', async (_name, named) => {
    const { emulator, verifyLogout } = await start()
    const read = await verifyLogout(await emulator.logoutToken(named))
    expect(read).toEqual({
      ...named,
      jti: expect.any(String),
      issuedAt: expect.any(Number),
      expiresAt: expect.any(Number),
    })
  })

  it.each<[string, LogoutTokenChanges]>([
    ['no typ', { header: { typ: undefined } }],
    ['the typ of access tokens', { header: { typ: 'at+jwt' } }],
    ['a media type as typ', { header: { typ: 'application/logout+jwt' } }],
    ['no signature', { header: { alg: 'none' } }],
    ['the client secret as its key', { header: { alg: 'HS256' } }],
    ['another RSA algorithm', { header: { alg: 'PS256' } }],
    ['a foreign key', { key: 'foreign' }],
    ['an unknown kid', { header: { kid: 'unknown' } }],
    ['no kid among two keys', { header: { kid: undefined } }],
    ['no iss', { iss: undefined }],
    ['an iss without its slash', { iss: 'http://127.0.0.1' }],
    ['no aud', { aud: undefined }],
    ['another aud', { aud: 'somebody' }],
    ['no iat', { iat: undefined }],
    ['a text as iat', { iat: 'now' }],
    ['no exp', { exp: undefined }],
    ['a text as exp', { exp: 'later' }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['a number as jti', { jti: 1 }],
    ['no events', { events: undefined }],
    ['other events', { events: { 'https://x/other': {} } }],
    ['a list as events', { events: [EVENT] }],
    ['a text as its event', { events: { [EVENT]: 'yes' } }],
    ['null as its event', { events: { [EVENT]: null } }],
    ['a list as its event', { events: { [EVENT]: [] } }],
    ['a nonce', { nonce: 'n' }],
    ['an empty nonce', { nonce: '' }],
    ['neither sub nor sid', { sub: undefined, sid: undefined }],
    ['an empty sub', { sub: '' }],
    ['a number as sub', { sub: 1 } as unknown as LogoutTokenChanges],
    ['an empty sid beside a sub', { sid: '' }],
    ['null as sid', { sid: null } as unknown as LogoutTokenChanges],
  ])('is refused with %s', async (_name, changes) => {
    const { token, verifyLogout } = await start()
    const text = await token(changes)
    const err = await failureOf(verifyLogout(text))
    expect(err).toMatchObject({ code: 'invalid_request', status: 400 })
    expect(err.detail).toMatch(/^the logout token is not valid: \S/)
    expect(shownBy(err)).not.toContain(text)
    expect(await verifyLogout(await token())).toMatchObject(BOTH)
  })

  it.each([
    ['a moment before it expires for all clocks', 149, true],
    ['after it has expired for all clocks', 151, false],
    ['from a clock that is ahead a little', -29, true],
    ['from the future', -32, false],
  ])('is checked against the clock: %s', async (_name, age, isValid) => {
    const { token, verifyLogout, now } = await start()
    const iat = now() - age
    const verified = token({ iat, exp: iat + 120 }).then(verifyLogout)
    if (isValid) expect(await verified).toMatchObject(BOTH)
    else expect(await failureOf(verified)).toMatchObject({ code: 'invalid_request' })
  })

  it('is refused if it was issued more than five minutes ago, even if it has not expired', async () => {
    const { token, verifyLogout, now } = await start()
    const exp = now() + 86_400
    expect(await verifyLogout(await token({ iat: now() - 320, exp }))).toMatchObject(BOTH)
    expect(await failureOf(verifyLogout(await token({ iat: now() - 340, exp })))).toMatchObject({
      code: 'invalid_request',
    })
  })

  it.each([[undefined], [null], [''], [1], [{}], [['x']], ['x'], ['a.b.c'], ['x'.repeat(20_000)]])(
    'is refused if it is not a token: %#',
    async (given) => {
      const { verifyLogout, emulator } = await start()
      expect(await failureOf(verifyLogout(given))).toMatchObject({ code: 'invalid_request' })
      expect(emulator.requestsTo(KEYS)).toEqual([])
    },
  )

  it('cannot be an ID token', async () => {
    const { verifyLogout, ...tenant } = await start()
    const { idToken } = await passwordGrant(tenant, { username: ada.email, password: ada.password })
    expect(await failureOf(verifyLogout(idToken))).toMatchObject({ code: 'invalid_request' })
  })

  it.each(['PS256', 'HS256'] as const)('is accepted with %s only if the tenant uses it', async (idTokenSigningAlg) => {
    const { token, verifyLogout } = await start({ emulator: { idTokenSigningAlg }, options: { idTokenSigningAlg } })
    expect(await verifyLogout(await token())).toMatchObject(BOTH)
    const others = await Promise.all([token({ header: { alg: 'RS256' } }), token({ key: 'foreign' })])
    for (const other of others) expect(await failureOf(verifyLogout(other))).toMatchObject({ code: 'invalid_request' })
  })
})

describe('the keys of logout tokens', () => {
  it('are those of ID tokens, fetched once', async () => {
    const { token, verifyLogout, ...tenant } = await start()
    await passwordGrant(tenant, { username: ada.email, password: ada.password })
    await verifyLogout(await token())
    expect(tenant.emulator.requestsTo(KEYS)).toHaveLength(1)
  })

  it('follow a rotation', async () => {
    const { emulator, token, verifyLogout } = await start()
    await verifyLogout(await token())
    emulator.rotateSigningKeys()
    expect(await verifyLogout(await token())).toMatchObject(BOTH)
  })

  it.each<[string, Fault]>([
    ['cannot be fetched', { status: 500 }],
    ['never come', { hang: true }],
    ['are cut off', { reset: true }],
    ['are not JSON', { status: 200, body: '<html>' }],
    ['are no key set', { status: 200, body: {} }],
  ])('that %s make it unavailable, not invalid', async (_name, fault) => {
    const { emulator, token, verifyLogout } = await start({ options: { timeouts: { auth0: 200 } } })
    emulator.failNext({ path: KEYS, ...fault })
    expect(await failureOf(verifyLogout(await token()))).toMatchObject({ code: 'auth_unavailable', name: 'ApiError' })
    expect(await verifyLogout(await token())).toMatchObject(BOTH)
  })

  it('are unavailable without discovery', async () => {
    const { emulator, token, verifyLogout } = await start()
    emulator.failNext({ path: '/.well-known/openid-configuration', status: 503 })
    expect(await failureOf(verifyLogout(await token()))).toMatchObject({ code: 'auth_unavailable' })
  })
})
